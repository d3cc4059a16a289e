"""The messages of the Model Context Protocol: JSON-RPC requests, and the rules of two eras.

Since revision 2026-07-28 every request says in `_meta` which revision it speaks, and its head
repeats what it asks for. Before, `initialize` came first; a session is not needed for that either.
modelcontextprotocol.io/specification/2026-07-28/basic has the rules.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from errors import MiranteError, ParseError
from serving.exchange import Answer
from serving.problems import explain, headers_of, status_of
from serving.refusals import MediaTypeError, RequestError
from tables.json_text import parse_json

MODERN = ("2026-07-28",)
# 2025-03-26 is not among them: its servers must take batches.
LEGACY = ("2025-11-25", "2025-06-18")
VERSIONS = (*MODERN, *LEGACY)

VERSION_HEADER = b"mcp-protocol-version"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY = "io.modelcontextprotocol/serverInfo"
SERVER = {"name": "mirante", "title": "Mirante", "version": "0"}

CALL = "tools/call"
INITIALIZE = "initialize"
NOTIFICATION = "notifications/"

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022

_VERSION = re.compile(r"[0-9A-Za-z.-]{1,32}")


class RpcError(RequestError):
    """What the protocol calls an error: its code, and what it tells beside its text."""

    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class Message(NamedTuple):
    """A request, or a notification, whose id is None; `modern` says whose rules it follows."""

    id: str | int | None
    method: str
    params: dict[str, Any]
    modern: bool = False
    in_session: bool = False

    @property
    def meta(self) -> dict[str, Any]:
        """What it says of itself."""
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}


def read_message(body: bytes, media_type: bytes, headers: Mapping[bytes, bytes]) -> Message:
    """Return the one message of a body. Raises MediaTypeError, ParseError and RpcError."""
    if media_type != b"application/json":
        raise MediaTypeError("expected Content-Type application/json")
    parsed = parse_json(body)
    if isinstance(parsed, list):
        raise RpcError(INVALID_REQUEST, "expected one message, not a batch of them")
    if not isinstance(parsed, dict) or parsed.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'expected an object with "jsonrpc": "2.0"')
    number, method, params = parsed.get("id"), parsed.get("method"), parsed.get("params", {})
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "method: expected the name of one")
    if "id" in parsed and (isinstance(number, bool) or not isinstance(number, str | int)):
        raise RpcError(INVALID_REQUEST, "id: expected a string or an integer")
    if "id" not in parsed and not method.startswith(NOTIFICATION):
        raise RpcError(INVALID_REQUEST, "id: expected one, as this is no notification")
    message = Message(number, method, params if isinstance(params, dict) else {})
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params: expected an object")
    given = headers.get(VERSION_HEADER)
    modern = VERSION_KEY in message.meta or not (given is None or given.decode("latin-1") in LEGACY)
    return message._replace(modern=modern, in_session=not modern and given is not None)


def check_head(message: Message, headers: Mapping[bytes, bytes]) -> None:
    """Check that a request of today says what it must, and its head the same. Raises RpcError."""
    if not message.modern or message.id is None:
        return
    given = _text(headers, VERSION_HEADER)
    version = message.meta.get(VERSION_KEY, given)
    if given != version:
        raise RpcError(HEADER_MISMATCH, "MCP-Protocol-Version: expected the version of _meta")
    if version not in MODERN:
        # The protocol wants it repeated.
        asked = version if isinstance(version, str) and _VERSION.fullmatch(version) else ""
        told = {"supported": list(VERSIONS), "requested": asked}
        raise RpcError(UNSUPPORTED_VERSION, "unsupported protocol version", told)
    if VERSION_KEY not in message.meta:
        raise RpcError(INVALID_PARAMS, f"_meta: expected {VERSION_KEY}")
    if not isinstance(message.meta.get(CAPABILITIES_KEY), dict):
        raise RpcError(INVALID_PARAMS, f"_meta: expected {CAPABILITIES_KEY}, an object")
    if _text(headers, b"mcp-method") != message.method:
        raise RpcError(HEADER_MISMATCH, "Mcp-Method: expected the method of the body")
    if message.method == CALL and _text(headers, b"mcp-name") != message.params.get("name"):
        raise RpcError(HEADER_MISMATCH, "Mcp-Name: expected params.name of the body")


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """Return a header's text, which may be in base64 between marks; None for what is malformed."""
    value = headers.get(name)
    if value is None:
        return None
    try:
        if value.startswith(b"=?base64?") and value.endswith(b"?="):
            return base64.b64decode(value[9:-2], validate=True).decode("utf-8")
        return value.decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None


def succeed(message: Message, result: dict[str, Any]) -> Answer:
    """Answer a request with its result."""
    if message.modern:
        result = {"resultType": "complete", **result, "_meta": {SERVER_KEY: SERVER}}
    return Answer(200, msgspec.json.encode({"jsonrpc": "2.0", "id": message.id, "result": result}))


def fail(message: Message | None, error: MiranteError) -> Answer:
    """Answer with an error, under the id of its request where that is known."""
    code, data = code_of(error), getattr(error, "data", None)
    told: dict[str, Any] = {"code": code, "message": explain(error)}
    document: dict[str, Any] = {"jsonrpc": "2.0", "error": told | ({"data": data} if data else {})}
    if message is not None and message.id is not None:
        document["id"] = message.id
    status = status_of(error)
    if code == METHOD_NOT_FOUND:
        status = HTTPStatus.NOT_FOUND
    # A client of the older revisions takes any other status for the end of its session.
    if message is not None and message.in_session and isinstance(error, RpcError):
        status = HTTPStatus.OK
    return Answer(status, msgspec.json.encode(document), headers=headers_of(error))


def code_of(error: MiranteError) -> int:
    """Return JSON-RPC's code of an error."""
    match error:
        case RpcError(code=code):
            return code
        case ParseError():
            return PARSE_ERROR
        case RequestError():
            return INVALID_REQUEST
    return INTERNAL_ERROR
