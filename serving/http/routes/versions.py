"""Versions over HTTP: promote, roll back, delete; and the audit that says who did."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal, Protocol, TypeVar

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
    members,
    order_schema,
)
from serving.http.small_body import small_body
from serving.http.wsgi import flask_response
from serving.problems import status_of
from serving.refusals import RequestError

log = logging.getLogger("mirante.versions")

T = TypeVar("T")
Ordered = TypeVar("Ordered", bound="Expectation")
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
    """The optional body of a roll back: the champion's serial that it is based on."""

    expected_serial: int | None = None


class PromotionOrder(Expectation, forbid_unknown_fields=True):
    """The optional body of a promotion: the serial too, and whether it is only `if_better`.

    Then the version first answers what was logged, and must not be worse on what came true.
    """

    promote: Literal["always", "if_better"] = "always"


_ALIAS = members(
    *("name", "version", "serial", "changed_at"),
    name=TEXT,
    version=TEXT,
    serial=INTEGER,
    changed_at=TIME,
    reason=TEXT,
)
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
    takes={JSON: {"schema": order_schema(PromotionOrder)}},
)
_ROLLBACK = _PROMOTE._replace(
    summary="Make the previous champion champion again",
    takes={JSON: {"schema": order_schema(Expectation)}},
)
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
# Returns what a model's version answers to what was logged, in words. Raises MiranteError.
CheckReplay = Callable[[str, str], str]


def versions_blueprint(
    registry: Registry,
    get_audit: Callable[[], Audit],
    guard: Guard,
    promote_version: Promote = promotion.promote,
    check_replay: CheckReplay | None = None,
) -> Blueprint:
    """Return the blueprint of the routes that change which version answers.

    `promote_version` promotes one, and refuses what cannot be served; `check_replay` refuses
    one that is worse on what was logged.
    """
    blueprint = Blueprint("versions", __name__)

    @blueprint.post("/v0/models/<name>/versions/<version>/promote")
    @described(_PROMOTE)
    def promote(name: str, version: str) -> Response:
        who = check_key(guard, "train")
        order = _order(PromotionOrder)
        subject = f"{name} version {version}"
        reason: list[str] = []

        def act() -> Alias:
            if order.promote == "if_better" and check_replay is not None:
                reason.append(check_replay(name, version))
            return promote_version(registry, name, version, order.expected_serial)

        return _alias(_audited(get_audit, who, "promote", subject, act), *reason)

    @blueprint.post("/v0/models/<name>/rollback")
    @described(_ROLLBACK)
    def rollback(name: str) -> Response:
        who = check_key(guard, "train")
        serial = _order(Expectation).expected_serial
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


def _order(kind: type[Ordered]) -> Ordered:
    body = small_body(MOST_JSON, "an order")
    if not body:
        return kind()
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        told = {"expected_serial": "an integer"}
        if kind is PromotionOrder:
            told["promote"] = "always or if_better"
        shown = ", ".join(f'"{name}": {what}' for name, what in told.items())
        raise RequestError(f"expected {{{shown}}}, or no body") from None
    except (msgspec.DecodeError, RecursionError):
        raise ParseError("the body is not JSON") from None


def _alias(alias: Alias, reason: str | None = None) -> Response:
    document = {
        "name": alias.name,
        "version": alias.version,
        "serial": alias.serial,
        "changed_at": alias.changed_at,
    }
    return _json(document if reason is None else {**document, "reason": reason})


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))
