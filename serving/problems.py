"""Problem documents (RFC 9457): what an error looks like on the wire, and its status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

import errors
from errors import MiranteError, RowProblem
from serving import refusals
from serving.exchange import Answer, Headers
from tables.rows import Decoded

# The one table of HTTP statuses. The most particular class wins.
STATUS: dict[type[MiranteError], HTTPStatus] = {
    errors.MiranteError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DependencyError: HTTPStatus.NOT_IMPLEMENTED,
    errors.DatasetError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RecipeError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RowsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyRows: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ParseError: HTTPStatus.BAD_REQUEST,
    refusals.RequestError: HTTPStatus.BAD_REQUEST,
    refusals.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    refusals.BodyTimeout: HTTPStatus.REQUEST_TIMEOUT,
    refusals.CallUnknown: HTTPStatus.METHOD_NOT_ALLOWED,
    refusals.DeadlinePassed: HTTPStatus.GATEWAY_TIMEOUT,
    refusals.MediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    refusals.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    refusals.KeyRejected: HTTPStatus.UNAUTHORIZED,
    errors.AccessError: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    refusals.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.ModelNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ClusterError: HTTPStatus.SERVICE_UNAVAILABLE,
}

PROBLEM = b"application/problem+json"
FAULT = "the service failed; its log has the cause under this request id"


class Problem(msgspec.Struct, omit_defaults=True):
    """An RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[dict[str, Any]] = []


TITLES: Mapping[HTTPStatus, str] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Entity",
}


def status_of(error: MiranteError) -> HTTPStatus:
    """Return the status of an error, by the nearest class of its family in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def title(status: HTTPStatus) -> str:
    """Return what a status is called, the same under every Python: 3.13 renamed some."""
    return TITLES.get(status, status.phrase)


def problem(status: HTTPStatus, detail: str, request_id: str, **more: Any) -> Answer:
    """Return a problem document as an answer; `more` are members of Problem."""
    document = Problem("about:blank", title(status), status, detail, request_id, **more)
    return Answer(status, msgspec.json.encode(document), PROBLEM)


def refuse(error: MiranteError, request_id: str) -> Answer:
    """Return the problem document of an error, with its status and the headers it calls for."""
    listed = [describe(fault) for fault in getattr(error, "problems", ())]
    answer = problem(status_of(error), str(error), request_id, errors=listed)
    return answer._replace(headers=headers_of(error))


def refuse_with_message(error: MiranteError, request_id: str) -> Answer:
    """Return the problem document of an error with `message`, the one member that some show."""
    answer = refuse(error, request_id)
    document = msgspec.json.decode(answer.body) | {"message": explain(error)}
    return answer._replace(body=msgspec.json.encode(document))


def headers_of(error: MiranteError) -> Headers:
    """Return the headers that an error's status calls for (RFC 9110: 401, 503)."""
    match error:
        case refusals.KeyRejected():
            return ((b"www-authenticate", b"Bearer"),)
        case errors.Overloaded(retry_after=seconds):
            return ((b"retry-after", str(seconds).encode()),)
        case errors.ModelNotReady() | errors.StoreUnavailable():
            return ((b"retry-after", b"5"),)
    return ()


def describe(fault: RowProblem) -> dict[str, Any]:
    """Return one entry of a problem's `errors`."""
    entry: dict[str, Any] = {"row": fault.row}
    if fault.field is not None:
        entry["field"] = fault.field
    entry |= {"expected": fault.expected, "got": fault.got}
    if fault.hint is not None:
        entry["hint"] = f"did you mean {fault.hint}?"
    return entry


def errors_of(decoded: Decoded) -> dict[str, Any]:
    """Return what an answer of the good rows says of the others: the first, and how many more."""
    if not decoded.problems:
        return {}
    listed: dict[str, Any] = {"errors": [describe(fault) for fault in decoded.problems]}
    return listed | ({"errors_omitted": decoded.more_problems} if decoded.more_problems else {})


def explain(error: MiranteError) -> str:
    """Return an error in one line with the first faulty field: for answers that have no list."""
    listed: tuple[RowProblem, ...] = getattr(error, "problems", ())
    if not listed:
        return str(error)
    first = listed[0]
    where = f"row {first.row}" + (f", {first.field}" if first.field is not None else "")
    return f"{error}: {where}: expected {first.expected}, got {first.got}"


def fault(request_id: str) -> Answer:
    """Return the answer to a fault of ours: a 500 that says nothing of its cause."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, FAULT, request_id)


def too_large(limit: int) -> refusals.BodyTooLarge:
    """Return the error of a body of more than `limit` bytes."""
    return refusals.BodyTooLarge(f"the body is larger than {limit} bytes")
