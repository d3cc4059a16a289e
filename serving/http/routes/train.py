"""Training over HTTP: orders in, jobs out. The jobs themselves are run elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import IO, Annotated, Any, Protocol

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from errors import ModelUnknown, RecipeError
from policy import DEFAULT_PROMOTION, NAME, Name, Promotion, is_name
from serving.auth import Guard
from serving.exchange import Answer
from serving.http.access import check_key
from serving.http.operation import (
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    Operation,
    Schema,
    array,
    content,
    described,
    listed,
    members,
    order_schema,
)
from serving.http.small_body import small_body
from serving.http.upload import (
    JSON_OBJECT,
    UPLOAD,
    bounded,
    converted,
    form_fields,
    only_file,
    parsed,
)
from serving.http.wsgi import flask_response
from serving.refusals import MediaTypeError, RequestError
from tables.json_schema import choice
from tables.overrides import Overrides

Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Text = Annotated[str, Meta(min_length=1, max_length=256)]

MOST_JSON = 64 * 1024
LONGEST_LIST = 100
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Jobs(Protocol):
    """The queue, as this blueprint needs it; documents are jobs as API.md shows them."""

    def check_room(self) -> None:
        """Raise QueueFull when too many jobs wait."""
        ...

    def submit(
        self,
        order: dict[str, Any],
        *,
        who: str,
        idempotency: str | None = None,
        data: IO[bytes] | None = None,
        keep_data: bool = False,
    ) -> dict[str, Any]:
        """Queue an order. Raises Conflict and QueueFull."""
        ...

    def read(self, job_id: str) -> dict[str, Any]:
        """Return one job. Raises JobUnknown."""
        ...

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest jobs, newest first."""
        ...

    def cancel(self, job_id: str, who: str) -> dict[str, Any]:
        """Cancel a job. Raises JobUnknown and Conflict."""
        ...


# Raises RecipeError for an order whose recipe, estimator or parameters do not exist.
CheckOrder = Callable[[Mapping[str, Any]], None]


class RecipeOrder(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The JSON body of a training by recipe; without `recipe`, that of the model's name."""

    recipe: Name | None = None
    parameters: dict[str, Any] = {}
    promote: Promotion = DEFAULT_PROMOTION
    seed: Seed | None = None


class TableOrder(Overrides, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields beside the file of a training by upload; those of `JSON_FIELDS` are JSON."""

    target: Text
    name: Name | None = None
    estimator: Name | None = None
    parameters: dict[str, Any] = {}  # noqa: RUF012
    promote: Promotion = DEFAULT_PROMOTION
    seed: Seed | None = None
    keep_data: bool = False


NOT_FOUND, CONFLICT = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT
UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE
_TABLE = order_schema(TableOrder, parameters=JSON_OBJECT, **UPLOAD)
_TABLE["required"] = ["file", "target"]
_JOB = members(
    "id",
    "state",
    id=TEXT,
    model=TEXT,
    state=choice(["queued", "running", "succeeded", "failed", "cancelled"]),
    stage=TEXT,
    fraction={**NUMBER, "minimum": 0, "maximum": 1},
    attempts=INTEGER,
    order=OBJECT,
    requested_by=TEXT,
    created_at=TIME,
    started_at=TIME,
    finished_at=TIME,
    log=array(TEXT),
    error=TEXT,
    version=TEXT,
    promoted=BOOLEAN,
    reason=TEXT,
    metrics=OBJECT,
    comparison={"type": ["object", "null"]},
    replay={"type": ["object", "null"]},
    data_kept=BOOLEAN,
)
_IDEMPOTENCY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same key and order again answer the same job",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
_TRAIN = Operation(
    "Training",
    "Queue a training: by recipe, or of an uploaded table",
    content(_JOB),
    (
        HTTPStatus.BAD_REQUEST,
        NOT_FOUND,
        CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        UNAVAILABLE,
    ),
    HTTPStatus.ACCEPTED,
    "train",
    {
        JSON: {"schema": order_schema(RecipeOrder), "example": {"recipe": "credit"}},
        "multipart/form-data": {"schema": _TABLE},
    },
    (_IDEMPOTENCY,),
)
_JOBS = Operation("Training", "The newest jobs", listed("jobs", _JOB), (UNAVAILABLE,), key="train")
_ONE_JOB = Operation("Training", "One job", content(_JOB), (NOT_FOUND, UNAVAILABLE), key="train")
_CANCEL = Operation(
    "Training", "Cancel a job", content(_JOB), (NOT_FOUND, CONFLICT, UNAVAILABLE), key="train"
)


def training_blueprint(
    get_jobs: Callable[[], Jobs],
    guard: Guard,
    check_order: CheckOrder,
    *,
    default_model: str,
    max_upload_bytes: int,
) -> Blueprint:
    """Return the blueprint of the routes that train, and of the jobs.

    `get_jobs` gives the queue; the first request that needs it opens it, so that
    a process which only predicts does without the database and its libraries.
    """
    blueprint = Blueprint("training", __name__)

    @blueprint.post("/v0/train")
    @blueprint.post("/v0/models/<name>/train")
    @described(_TRAIN)
    def train(name: str | None = None) -> Response:
        who = check_key(guard, "train")
        _check_name(name)
        idempotency = _idempotency_key()
        jobs = get_jobs()
        if idempotency is None:  # with one, the job may be there already
            jobs.check_room()
        with bounded(max_upload_bytes):
            if request.mimetype == "multipart/form-data":
                job = _train_table(jobs, check_order, who, idempotency, name or default_model)
            elif request.mimetype == "application/json":
                job = _train_recipe(jobs, check_order, who, idempotency, name)
            else:
                raise MediaTypeError("expected application/json or multipart/form-data")
        location = ((b"location", f"/v0/jobs/{job['id']}".encode()),)
        return flask_response(Answer(202, msgspec.json.encode(job), headers=location))

    @blueprint.get("/v0/jobs")
    @described(_JOBS)
    def newest() -> Response:
        check_key(guard, "train")
        return _json({"jobs": get_jobs().newest(LONGEST_LIST)})

    @blueprint.get("/v0/jobs/<job_id>")
    @described(_ONE_JOB)
    def job(job_id: str) -> Response:
        check_key(guard, "train")
        return _json(get_jobs().read(job_id))

    @blueprint.delete("/v0/jobs/<job_id>")
    @described(_CANCEL)
    def cancel(job_id: str) -> Response:
        who = check_key(guard, "train")
        return _json(get_jobs().cancel(job_id, who))

    return blueprint


def _train_recipe(
    jobs: Jobs, check_order: CheckOrder, who: str, idempotency: str | None, name: str | None
) -> dict[str, Any]:
    body = small_body(MOST_JSON, "an order")
    given = converted(parsed(body or b"{}"), RecipeOrder)
    recipe = given.recipe or name
    if recipe is None:
        raise RecipeError("recipe: expected the name of a recipe, or a file as multipart/form-data")
    order = {**msgspec.to_builtins(given), "recipe": recipe, "name": name or recipe}
    check_order(order)
    return jobs.submit(order, who=who, idempotency=idempotency)


def _train_table(
    jobs: Jobs, check_order: CheckOrder, who: str, idempotency: str | None, name: str
) -> dict[str, Any]:
    file = only_file()
    given = converted(form_fields(), TableOrder)
    order = msgspec.to_builtins(given)
    keep_data = order.pop("keep_data", False)
    order["name"] = given.name or name
    check_order(order)
    return jobs.submit(
        order, who=who, idempotency=idempotency, data=file.stream, keep_data=keep_data
    )


def _check_name(name: str | None) -> None:
    if name is not None and not is_name(name):
        raise ModelUnknown(f"a model's name is {NAME}")


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise RequestError("Idempotency-Key: expected 1 to 255 visible characters")
    return key


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))
