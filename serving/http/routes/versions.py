"""Versions over HTTP: promote, roll back, delete; and the audit that says who did."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec
from flask import Blueprint, Response

from errors import MiranteError, ParseError
from persistence import promotion
from persistence.registry import Alias, Registry
from serving.auth import Guard
from serving.exchange import Answer
from serving.http.access import check_key
from serving.http.operation import (
    INTEGER,
    JSON,
    TEXT,
    TIME,
    Operation,
    content,
    described,
    every,
    listed,
    order_schema,
)
from serving.http.small_body import small_body
from serving.http.wsgi import flask_response
from serving.problems import status_of
from serving.refusals import RequestError

log = logging.getLogger("mirante.versions")

T = TypeVar("T")
LONGEST_LIST = 200
MOST_JSON = 4096


class Audit(Protocol):
    """The table of who did what, when."""

    def record(self, who: str, action: str, subject: str, outcome: str = "done") -> None:
        """Write one line down."""
        ...

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest lines, newest first."""
        ...


class Expectation(msgspec.Struct, forbid_unknown_fields=True):
    """The optional body of a promotion or roll back: the champion's serial that it is based on."""

    expected_serial: int | None = None


_ALIAS = every(name=TEXT, version=TEXT, serial=INTEGER, changed_at=TIME)
_PROMOTE = Operation(
    "Lifecycle",
    "Make a version the champion",
    content(_ALIAS),
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    key="train",
    takes={JSON: {"schema": order_schema(Expectation)}},
)
_ROLLBACK = _PROMOTE._replace(summary="Make the previous champion champion again")
_DELETE = Operation(
    "Lifecycle",
    "Delete a version that is not the champion",
    {},
    (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
    HTTPStatus.NO_CONTENT,
    "admin",
)
_AUDITED = every(id=INTEGER, at=TIME, who=TEXT, action=TEXT, subject=TEXT, outcome=TEXT)
_AUDIT = Operation(
    "Lifecycle",
    "Who did what, when",
    listed("audit", _AUDITED),
    (HTTPStatus.SERVICE_UNAVAILABLE,),
    key="admin",
)


Promote = Callable[[Registry, str, str, int | None], Alias]


def versions_blueprint(
    registry: Registry,
    get_audit: Callable[[], Audit],
    guard: Guard,
    promote_version: Promote = promotion.promote,
) -> Blueprint:
    """Return the blueprint of the routes that change which version answers.

    `promote_version` promotes one, and refuses what cannot be served.
    """
    blueprint = Blueprint("versions", __name__)

    @blueprint.post("/v0/models/<name>/versions/<version>/promote")
    @described(_PROMOTE)
    def promote(name: str, version: str) -> Response:
        who = check_key(guard, "train")
        serial = _expected_serial()
        subject = f"{name} version {version}"

        def act() -> Alias:
            return promote_version(registry, name, version, serial)

        return _alias(_audited(get_audit, who, "promote", subject, act))

    @blueprint.post("/v0/models/<name>/rollback")
    @described(_ROLLBACK)
    def rollback(name: str) -> Response:
        who = check_key(guard, "train")
        serial = _expected_serial()
        return _alias(
            _audited(get_audit, who, "rollback", name, lambda: registry.rollback(name, serial))
        )

    @blueprint.delete("/v0/models/<name>/versions/<version>")
    @described(_DELETE)
    def delete(name: str, version: str) -> Response:
        who = check_key(guard, "admin")
        subject = f"{name} version {version}"
        _audited(get_audit, who, "delete", subject, lambda: registry.delete(name, version))
        return Response(status=204)

    @blueprint.get("/v0/audit")
    @described(_AUDIT)
    def audited() -> Response:
        check_key(guard, "admin")
        return _json({"audit": get_audit().newest(LONGEST_LIST)})

    return blueprint


def _audited(
    get_audit: Callable[[], Audit], who: str, action: str, subject: str, act: Callable[[], T]
) -> T:
    """Do it and write it down; what was refused is written down as well."""
    try:
        done = act()
    except MiranteError as error:
        _record(get_audit, who, action, subject, f"refused ({int(status_of(error))})")
        raise
    _record(get_audit, who, action, subject, "done")
    return done


def _record(
    get_audit: Callable[[], Audit], who: str, action: str, subject: str, outcome: str
) -> None:
    try:
        get_audit().record(who, action, subject, outcome)
    except MiranteError as error:
        # What was done is done, and is answered so; the log is then the audit.
        log.error("not audited: %s, %s %s: %s; %s", who, action, subject, outcome, error)


def _expected_serial() -> int | None:
    body = small_body(MOST_JSON, "an expectation")
    if not body:
        return None
    try:
        return msgspec.json.decode(body, type=Expectation).expected_serial
    except msgspec.ValidationError:
        raise RequestError('expected {"expected_serial": an integer}, or no body') from None
    except (msgspec.DecodeError, RecursionError):
        raise ParseError("the body is not JSON") from None


def _alias(alias: Alias) -> Response:
    return _json(
        {
            "name": alias.name,
            "version": alias.version,
            "serial": alias.serial,
            "changed_at": alias.changed_at,
        }
    )


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))
