"""Replay: a version answers logged rows before it takes over, as a job; and the last of them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from errors import Conflict, ParseError, VersionUnknown
from persistence.registry import Registry
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
    array,
    content,
    described,
    every,
    members,
    order_schema,
)
from serving.http.wsgi import flask_response
from serving.refusals import RequestError

MOST_DAYS = 366
MOST_JSON = 4096


class ReplayOrder(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The optional body: of the last so many days."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS)] = 7


# Queues a job of these members for somebody, and returns its document. Raises MiranteError.
Submit = Callable[[dict[str, Any], str], dict[str, Any]]
# Reads the last replay of a model's version. Raises MiranteError.
Read = Callable[[str, str], dict[str, Any]]

_SLICE = every(feature=TEXT, value=TEXT, rows=INTEGER, changed=INTEGER, mean_difference=NUMBER)
_REPLAY = members(
    "champion",
    "challenger",
    "rows",
    "changed",
    "truth",
    "said",
    model=TEXT,
    made_at=TIME,
    champion=TEXT,
    challenger=TEXT,
    rows=INTEGER,
    skipped=every(rows=INTEGER, fields=array(TEXT)),
    changed=every(rows=INTEGER, share=NUMBER),
    difference={"type": "object", "additionalProperties": NUMBER},
    slices=array(_SLICE),
    truth=OBJECT,
    counts=BOOLEAN,
    worse=BOOLEAN,
    rule=TEXT,
    said=array(TEXT),
)
_JOB = members("id", "state", id=TEXT, model=TEXT, state=TEXT, created_at=TIME)
_POST = Operation(
    "Lifecycle",
    "Queue a replay: a version answers the rows logged in the last days, beside the champion",
    content(_JOB),
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    HTTPStatus.ACCEPTED,
    "train",
    {JSON: {"schema": order_schema(ReplayOrder), "example": {"days": 7}}},
)
_GET = Operation(
    "Lifecycle",
    "The last replay of a version: how many answers change, where, and the loss on what came true",
    content(_REPLAY),
    (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
    key="train",
)


def replay_blueprint(
    registry: Registry, submit: Submit, read: Read, guard: Guard, *, log_off: str | None
) -> Blueprint:
    """Return the blueprint of the routes that replay; `log_off` says that nothing is logged."""
    blueprint = Blueprint("replay", __name__)

    @blueprint.post("/v0/models/<name>/versions/<version>/replay")
    @described(_POST)
    def replay(name: str, version: str) -> Response:
        who = check_key(guard, "train")
        days = _days()
        if log_off is not None:
            raise Conflict(log_off)
        _check_challenger(registry, name, version)
        job = submit({"name": name, "replay": version, "days": days}, who)
        location = ((b"location", f"/v0/jobs/{job['id']}".encode()),)
        return flask_response(Answer(202, msgspec.json.encode(job), headers=location))

    @blueprint.get("/v0/models/<name>/versions/<version>/replay")
    @described(_GET)
    def replayed(name: str, version: str) -> Response:
        check_key(guard, "train")
        _check_version(registry, name, version)
        return flask_response(Answer(200, msgspec.json.encode(read(name, version))))

    return blueprint


def _check_version(registry: Registry, name: str, version: str) -> bool:
    """Return whether a version is the champion. Raises ModelUnknown and VersionUnknown."""
    for each in registry.versions(name):
        if each.version == version:
            return each.champion
    raise VersionUnknown("the model has no such version")


def _check_challenger(registry: Registry, name: str, version: str) -> None:
    if _check_version(registry, name, version):
        raise Conflict("the version is the champion: there is nothing to compare it with")
    if registry.champion(name) is None:
        raise Conflict("the model has no champion: there is nothing to compare the version with")


def _days() -> int:
    body = request.stream.read(MOST_JSON)
    if not body:
        return ReplayOrder().days
    try:
        return msgspec.json.decode(body, type=ReplayOrder).days
    except msgspec.ValidationError:
        raise RequestError(
            f'expected {{"days": an integer from 1 to {MOST_DAYS}}}, or no body'
        ) from None
    except (msgspec.DecodeError, RecursionError):
        raise ParseError("the body is not JSON") from None
