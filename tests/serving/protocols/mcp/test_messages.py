"""MCP's messages: what is one, which rules it follows, and how an error is written."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from errors import ModelNotReady, ParseError
from serving.protocols.mcp import messages
from serving.protocols.mcp.messages import (
    Message,
    RpcError,
    check_head,
    fail,
    read_message,
    succeed,
)
from serving.refusals import KeyRejected, MediaTypeError, RequestError

JSON = b"application/json"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEAD = {b"mcp-protocol-version": b"2026-07-28", b"mcp-method": b"tools/call", b"mcp-name": b"a"}


def read(document: Any, headers: dict[bytes, bytes] | None = None) -> Message:
    return read_message(json.dumps(document).encode(), JSON, headers or {})


def call(name: str = "a", **meta: Any) -> dict[str, Any]:
    params = {"name": name, "_meta": META | meta}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def code_of(document: Any, headers: dict[bytes, bytes]) -> int:
    with pytest.raises(RpcError) as refused:
        check_head(read(document, headers), headers)
    return refused.value.code


@pytest.mark.parametrize(
    ("code", "document"),
    [
        (-32600, [PING]),
        (-32600, []),
        (-32600, "ping"),
        (-32600, PING | {"jsonrpc": "1.0"}),
        (-32600, PING | {"method": 1}),
        (-32600, PING | {"id": None}),
        (-32600, PING | {"id": True}),
        (-32600, PING | {"id": 1.5}),
        (-32600, {"jsonrpc": "2.0", "id": 1, "result": {}}),
        (-32600, {"jsonrpc": "2.0", "method": "ping"}),
        (-32602, PING | {"params": []}),
    ],
)
def test_what_is_no_message_is_refused(code, document):
    with pytest.raises(RpcError) as refused:
        read(document)
    assert refused.value.code == code


def test_a_body_that_is_no_json_is_refused():
    with pytest.raises(ParseError):
        read_message(b"{", JSON, {})
    with pytest.raises(MediaTypeError):
        read_message(b"{}", b"text/plain", {})


def test_the_era_of_a_message_is_that_of_its_version():
    assert not read(PING).modern
    assert read(PING, {b"mcp-protocol-version": b"2025-11-25"}).in_session
    assert read(PING, {b"mcp-protocol-version": b"2026-07-28"}).modern
    assert read(call()).modern
    assert read({"jsonrpc": "2.0", "method": "notifications/initialized"}).id is None


def test_a_head_that_says_what_the_body_says_is_taken():
    check_head(read(call(), HEAD), HEAD)
    encoded = {**HEAD, b"mcp-name": b"=?base64?" + base64.b64encode("pré".encode()) + b"?="}
    check_head(read(call("pré"), encoded), encoded)


@pytest.mark.parametrize(
    ("code", "document", "changed"),
    [
        (-32020, call(), {b"mcp-protocol-version": None}),
        (-32020, call(), {b"mcp-protocol-version": b"2025-11-25"}),
        (-32020, call(), {b"mcp-protocol-version": b"\xff"}),
        (-32020, call(), {b"mcp-method": None}),
        (-32020, call(), {b"mcp-method": b"tools/list"}),
        (-32020, call(), {b"mcp-name": None}),
        (-32020, call(), {b"mcp-name": b"A"}),
        (-32020, call(), {b"mcp-name": b"=?base64?!?="}),
        (-32022, PING, {b"mcp-protocol-version": b"1900-01-01"}),
        (-32602, PING, {b"mcp-method": b"ping"}),
        (-32602, call("a", **{messages.CAPABILITIES_KEY: []}), {}),
    ],
)
def test_a_head_that_says_other_than_the_body_is_refused(code, document, changed):
    headers = {name: value for name, value in {**HEAD, **changed}.items() if value is not None}
    assert code_of(document, headers) == code


def test_an_unknown_version_is_told_those_that_are_spoken():
    version = {"io.modelcontextprotocol/protocolVersion": "1900-01-01"}
    headers = {**HEAD, b"mcp-protocol-version": b"1900-01-01"}
    with pytest.raises(RpcError) as refused:
        check_head(read(call(**version), headers), headers)
    supported = ["2026-07-28", "2025-11-25", "2025-06-18"]
    assert refused.value.data == {"supported": supported, "requested": "1900-01-01"}


def test_a_version_that_is_not_harmless_is_not_repeated():
    version = {"io.modelcontextprotocol/protocolVersion": "<script>"}
    headers = {**HEAD, b"mcp-protocol-version": b"<script>"}
    with pytest.raises(RpcError) as refused:
        check_head(read(call(**version), headers), headers)
    assert refused.value.data is not None
    assert refused.value.data["requested"] == ""


def test_a_result_of_today_says_who_answers_and_that_it_is_whole():
    modern = json.loads(succeed(Message("a", "ping", {}, modern=True), {"x": 1}).body)
    assert modern["result"]["resultType"] == "complete"
    assert modern["result"]["_meta"][messages.SERVER_KEY]["name"] == "mirante"
    legacy = json.loads(succeed(Message("a", "ping", {}), {"x": 1}).body)
    assert legacy == {"jsonrpc": "2.0", "id": "a", "result": {"x": 1}}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, -32700, ParseError("a")),
        (400, -32600, RequestError("a")),
        (404, -32601, RpcError(-32601, "a")),
        (401, -32603, KeyRejected("a")),
        (503, -32603, ModelNotReady("a")),
    ],
)
def test_an_error_has_its_status_and_its_code(status, code, error):
    answer = fail(Message(7, "ping", {}, modern=True), error)
    assert answer.status == status
    assert json.loads(answer.body) == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": code, "message": "a"},
    }
    assert ("id" in json.loads(fail(None, error).body)) is False


def test_an_error_ends_no_session_of_an_older_client():
    message = Message(7, "x", {}, in_session=True)
    assert fail(message, RpcError(-32601, "a")).status == 200
    assert fail(message, ModelNotReady("a")).status == 503
