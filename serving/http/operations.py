"""What Flask's routes take and give, for the OpenAPI document; dialects describe themselves."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal, NamedTuple

import msgspec

from serving.http.routes.train import RecipeOrder, TableOrder
from serving.http.routes.versions import Expectation

Schema = dict[str, Any]
JSON = "application/json"
OBJECT: Schema = {"type": "object"}
TEXT: Schema = {"type": "string"}

OK, ACCEPTED, NO_CONTENT = HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT
NOT_FOUND, CONFLICT = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT
BAD_REQUEST, TOO_LARGE = HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
UNSUPPORTED, UNPROCESSABLE = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY
UNAVAILABLE, TOO_MANY = HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS


class Operation(NamedTuple):
    """One route: its answer's content by media type, and the statuses it may refuse with.

    `key` is the scope that a key must have; none: the route is open to all.
    """

    tag: str
    summary: str
    gives: dict[str, Schema]
    refuses: tuple[HTTPStatus, ...] = ()
    status: HTTPStatus = OK
    key: Literal["", "predict", "train", "admin"] = ""
    takes: dict[str, Schema] = {}  # noqa: RUF012
    parameters: tuple[Schema, ...] = ()
    errors: Literal["problem", "oip", "self"] = "problem"


def members(*required: str, **properties: Schema) -> Schema:
    """Return the schema of an object with these members; those named are always there."""
    return {"type": "object", "properties": properties, "required": list(required)}


def listed(name: str, item: Schema = OBJECT) -> dict[str, Schema]:
    """Return JSON content: an object that has a list under `name`."""
    return content(members(name, **{name: {"type": "array", "items": item}}))


def content(schema: Schema) -> dict[str, Schema]:
    """Return JSON content of a schema."""
    return {JSON: {"schema": schema}}


def order_schema(kind: type[msgspec.Struct], **more: Schema) -> Schema:
    """Return the schema of a struct that a route takes, with members that it does not have."""
    _, components = msgspec.json.schema_components([kind])
    schema = components[kind.__name__]
    schema.pop("title", None)
    schema.pop("description", None)
    return {**schema, "properties": {**schema["properties"], **more}}


_TABLE = order_schema(
    TableOrder,
    file={"type": "string", "format": "binary", "description": "the table as CSV"},
    parameters={"type": "string", "description": "a JSON object"},
)
_TABLE["required"] = ["file", "target"]
_JOB = members(
    "id",
    "state",
    id=TEXT,
    state={"enum": ["queued", "running", "succeeded", "failed", "cancelled"]},
    fraction={"type": "number", "minimum": 0, "maximum": 1},
)
_ALIAS = members("name", "version", "serial", name=TEXT, version=TEXT, serial={"type": "integer"})
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
    (BAD_REQUEST, NOT_FOUND, CONFLICT, TOO_LARGE, UNSUPPORTED, UNPROCESSABLE, UNAVAILABLE),
    ACCEPTED,
    "train",
    {
        JSON: {"schema": order_schema(RecipeOrder), "example": {"recipe": "credit"}},
        "multipart/form-data": {"schema": _TABLE},
    },
    (_IDEMPOTENCY,),
)
_PROMOTE = Operation(
    "Lifecycle",
    "Make a version the champion",
    content(_ALIAS),
    (BAD_REQUEST, NOT_FOUND, CONFLICT, UNPROCESSABLE, UNAVAILABLE),
    key="train",
    takes={JSON: {"schema": order_schema(Expectation)}},
)
_INFO = Operation(
    "Inspection",
    "What the champion tells of itself: importances, parameters, metrics, signature",
    content(members("name", "version", "metrics", "signature")),
    (NOT_FOUND, UNAVAILABLE),
)
_TENSORS = Operation(
    "Open Inference Protocol",
    "A model's metadata: its inputs and outputs",
    content(members("name", "versions", "platform", "inputs", "outputs")),
    (NOT_FOUND, UNAVAILABLE),
    errors="oip",
)
_READY = _TENSORS._replace(summary="Is the model ready?", gives=content(members("name", "ready")))
_DELETE_MODEL = Operation("SageMaker", "Unload a model", content(OBJECT), (NOT_FOUND,))
_PAGE = {"text/html": {"schema": TEXT}}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/health"): Operation(
        "Health", "Is the service alive?", content(members("msg", "now", msg=TEXT, now=TEXT))
    ),
    ("GET", "/livez"): Operation("Health", "Does the process answer?", content(members("status"))),
    ("GET", "/readyz"): Operation(
        "Health",
        "Is every wanted model loaded?",
        content(members("status", "models", "faults")),
        (UNAVAILABLE,),
        errors="self",
    ),
    ("GET", "/metrics"): Operation(
        "Health", "Prometheus metrics", {"text/plain": {"schema": TEXT}}
    ),
    ("GET", "/v0/openapi.json"): Operation("Inspection", "This document", content(OBJECT)),
    ("GET", "/docs"): Operation("Inspection", "This document as a page", _PAGE),
    ("GET", "/v0/model_info"): _INFO,
    ("GET", "/v0/models/{name}/model_info"): _INFO,
    ("GET", "/v0/models/{name}/proto"): Operation(
        "Inspection",
        "The model's gRPC service as a .proto file",
        {"text/plain": {"schema": TEXT}},
        (NOT_FOUND, UNAVAILABLE),
    ),
    ("GET", "/v0/models"): Operation("Inspection", "The live models", listed("models")),
    ("GET", "/v0/models/{name}/versions"): Operation(
        "Inspection",
        "The versions of a model, the oldest first",
        listed("versions", _ALIAS | {"required": ["version"]}),
        (NOT_FOUND, UNAVAILABLE),
    ),
    ("POST", "/v0/train"): _TRAIN,
    ("POST", "/v0/models/{name}/train"): _TRAIN,
    ("GET", "/v0/jobs"): Operation(
        "Training", "The newest jobs", listed("jobs", _JOB), (UNAVAILABLE,), key="train"
    ),
    ("GET", "/v0/jobs/{job_id}"): Operation(
        "Training", "One job", content(_JOB), (NOT_FOUND, UNAVAILABLE), key="train"
    ),
    ("DELETE", "/v0/jobs/{job_id}"): Operation(
        "Training", "Cancel a job", content(_JOB), (NOT_FOUND, CONFLICT, UNAVAILABLE), key="train"
    ),
    ("GET", "/v0/jobs/{job_id}/events"): Operation(
        "Training",
        "A job's changes as server-sent events; 204 when all is said",
        {"text/event-stream": {}},
        (NOT_FOUND, UNAVAILABLE),
        key="train",
        parameters=({"name": "Last-Event-ID", "in": "header", "schema": TEXT},),
    ),
    ("POST", "/v0/models/{name}/versions/{version}/promote"): _PROMOTE,
    ("POST", "/v0/models/{name}/rollback"): _PROMOTE._replace(
        summary="Make the previous champion champion again"
    ),
    ("DELETE", "/v0/models/{name}/versions/{version}"): Operation(
        "Lifecycle",
        "Delete a version that is not the champion",
        {},
        (NOT_FOUND, CONFLICT, UNAVAILABLE),
        NO_CONTENT,
        "admin",
    ),
    ("GET", "/v0/audit"): Operation(
        "Lifecycle", "Who did what, when", listed("audit"), (UNAVAILABLE,), key="admin"
    ),
    ("GET", "/ping"): Operation(
        "SageMaker", "Is the container well?", {}, (UNAVAILABLE,), errors="self"
    ),
    ("GET", "/execution-parameters"): Operation(
        "SageMaker",
        "How a batch transform is to ask",
        content(members("MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB")),
    ),
    ("GET", "/models"): Operation("SageMaker", "The loaded models", listed("models")),
    ("GET", "/models/{name}"): Operation(
        "SageMaker", "One loaded model", content(OBJECT), (NOT_FOUND, UNAVAILABLE)
    ),
    ("POST", "/models"): Operation(
        "SageMaker",
        "Load a model",
        content(OBJECT),
        (BAD_REQUEST, NOT_FOUND, CONFLICT, UNAVAILABLE),
        takes=content(members("model_name", model_name=TEXT, url=TEXT)),
    ),
    ("DELETE", "/models/{name}"): _DELETE_MODEL,
    ("GET", "/v2"): Operation(
        "Open Inference Protocol", "The server's metadata", content(members("name", "version"))
    ),
    ("GET", "/v2/health/live"): Operation(
        "Open Inference Protocol", "Does the process answer?", content(members("live"))
    ),
    ("GET", "/v2/health/ready"): Operation(
        "Open Inference Protocol",
        "Is every wanted model loaded?",
        content(members("ready")),
        (UNAVAILABLE,),
        errors="self",
    ),
    ("GET", "/v2/models/{name}"): _TENSORS,
    ("GET", "/v2/models/{name}/versions/{version}"): _TENSORS,
    ("GET", "/v2/models/{name}/ready"): _READY,
    ("GET", "/v2/models/{name}/versions/{version}/ready"): _READY,
}
