"""Scoring over HTTP: a table in, a job out, whose answers are fetched when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import IO, Annotated, Any, Literal, Protocol

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from errors import ModelUnknown
from policy import NAME, is_name
from serving.auth import Guard
from serving.exchange import Answer
from serving.http.access import check_key
from serving.http.operation import JSON, TEXT, Operation, content, described, members, order_schema
from serving.http.result_stream import MEDIA, ROUTE, headers_of
from serving.http.small_body import small_body
from serving.http.upload import UPLOAD, bounded, converted, form_fields, only_file, parsed
from serving.http.wsgi import flask_response
from serving.refusals import MediaTypeError

Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Format = Literal["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "arrow"]
MOST_JSON = 64 * 1024


class ScoringOrder(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How a table is scored; `table` and `to` are addresses beneath SCORE_ROOTS."""

    format: Format = "csv"
    version: Annotated[str, Meta(max_length=64)] | None = None
    interval: Annotated[float, Meta(gt=0, lt=1)] | None = None
    contributions: bool = False
    probabilities: bool = True
    prefix: Annotated[str, Meta(max_length=64)] = ""
    strict: bool = False
    to: Text | None = None
    table: Text | None = None


class Jobs(Protocol):
    """The queue, as this blueprint needs it."""

    def check_room(self) -> None:
        """Raise QueueFull when too many jobs wait."""
        ...

    def submit(
        self, order: dict[str, Any], *, who: str, data: IO[bytes] | None = None
    ) -> dict[str, Any]:
        """Queue an order. Raises QueueFull."""
        ...

    def result(self, job_id: str) -> dict[str, Any]:
        """Return what a scored table came to. Raises JobUnknown, NotFound and Conflict."""
        ...

    def result_part(self, job_id: str, part: int) -> bytes | None:
        """Return a part of a scored table, None behind the last one."""
        ...


# Returns an address beneath a root. Raises RecipeError, naming the field.
CheckAddress = Callable[[str, str], str]
# Raises ModelUnknown and VersionUnknown.
CheckVersion = Callable[[str, str | None], None]

_FAULTS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_FORM = order_schema(ScoringOrder, file=UPLOAD["file"])
_FORM["required"] = ["file"]
_SCORE = Operation(
    "Training",
    "Queue a scoring: a table of any size, uploaded or at an address, gets a model's answers",
    content(members("id", "state", id=TEXT, model=TEXT, state=TEXT, created_at=TEXT)),
    _FAULTS,
    HTTPStatus.ACCEPTED,
    "train",
    {
        "multipart/form-data": {"schema": _FORM},
        JSON: {
            "schema": order_schema(ScoringOrder),
            "example": {"table": "s3://tables/customers.parquet", "format": "parquet"},
        },
    },
)
_RESULT = Operation(
    "Training",
    "The answers of a scoring that has ended, in the format that it was asked for",
    {
        media: {"schema": {"type": "string", "format": "binary"}}
        for media in dict.fromkeys(MEDIA.values())
    },
    (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
    key="train",
)


def score_blueprint(
    get_jobs: Callable[[], Jobs],
    guard: Guard,
    check_version: CheckVersion,
    check_address: CheckAddress,
    *,
    max_upload_bytes: int,
) -> Blueprint:
    """Return the blueprint of the routes that score tables."""
    blueprint = Blueprint("score", __name__)

    @blueprint.post("/v0/models/<name>/score")
    @described(_SCORE)
    def score(name: str) -> Response:
        who = check_key(guard, "train")
        if not is_name(name):
            raise ModelUnknown(f"a model's name is {NAME}")
        jobs = get_jobs()
        jobs.check_room()
        with bounded(max_upload_bytes):
            order, data = _ordered(check_address)
            check_version(name, order.get("version"))
            job = jobs.submit({"name": name, "score": order}, who=who, data=data)
        location = ((b"location", f"/v0/jobs/{job['id']}".encode()),)
        return flask_response(Answer(202, msgspec.json.encode(job), headers=location))

    @blueprint.get(ROUTE)
    @described(_RESULT)
    def result(job_id: str) -> Response:
        check_key(guard, "train")
        jobs = get_jobs()
        found = jobs.result(job_id)
        headers = headers_of(job_id, found)
        return Response(_parts(jobs, job_id), headers=headers, content_type=MEDIA[found["format"]])

    return blueprint


def _ordered(check_address: CheckAddress) -> tuple[dict[str, Any], IO[bytes] | None]:
    if request.mimetype == "multipart/form-data":
        file = only_file()
        order, data = converted(form_fields(), ScoringOrder, texts=True), file.stream
        if order.table is not None:
            raise MediaTypeError("table: expected a file or an address, not both")
    elif request.mimetype == JSON:
        order = converted(parsed(small_body(MOST_JSON, "an order") or b"{}"), ScoringOrder)
        data = None
        order.table = check_address(order.table or "", "table")
    else:
        raise MediaTypeError("expected multipart/form-data with a file, or application/json")
    if order.to is not None:
        order.to = check_address(order.to, "to")
    return msgspec.to_builtins(order), data


def _parts(jobs: Jobs, job_id: str) -> Iterator[bytes]:
    part = 0
    while (data := jobs.result_part(job_id, part)) is not None:
        yield data
        part += 1
