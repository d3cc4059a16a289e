"""The Model Context Protocol: one message in, one answer out, under both transports."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.routes.model_info import describe_model
from serving.protocols.mcp import Mcp
from serving.service import PredictionService
from tests.serving.factory import ROW, ask, make_champions, make_live, make_service
from tests.serving.transports import JSON, by_asgi, by_wsgi, wsgi_application

TOKEN, KEY = new_key("client", ["predict"])
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
LIVES = (make_live(), make_live("small", quick=False))


def make(origins: tuple[str, ...] = ("*",), **options: Any) -> PredictionService:
    mcp = Mcp(make_champions(*LIVES), describe_model, Cors(origins))
    return make_service(*LIVES, protocols=(mcp,), **options)


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make()


def send(service: PredictionService, method: str, **params: Any) -> tuple[int, dict[str, Any]]:
    """Send a message of today's revision; return the answer's status and document."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": META}}
    head = {"mcp_protocol_version": "2026-07-28", "mcp_method": method}
    if "name" in params:
        head["mcp_name"] = str(params["name"])
    answer = ask(service, "/mcp", message, content_type="application/json", **head)
    return answer.status, json.loads(answer.body)


def send_older(service: PredictionService, document: Any, **headers: str) -> Any:
    return ask(service, "/mcp", document, content_type="application/json", **headers)


def call(service: PredictionService, name: str, arguments: Any) -> dict[str, Any]:
    status, answer = send(service, "tools/call", name=name, arguments=arguments)
    assert status == 200
    result: dict[str, Any] = answer["result"]
    return result


def test_a_server_says_what_it_speaks(service):
    status, answer = send(service, "server/discover")
    assert (status, answer["id"]) == (200, 1)
    assert answer["result"]["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18"]
    assert answer["result"]["capabilities"] == {"tools": {}}
    assert answer["result"]["ttlMs"] > 0


def test_each_model_is_a_tool_of_each_kind(service):
    _, answer = send(service, "tools/list")
    names = [tool["name"] for tool in answer["result"]["tools"]]
    assert names == ["predict_credit", "describe_credit", "predict_small", "describe_small"]
    assert answer["result"]["cacheScope"] == "private"
    status, answer = send(service, "tools/list", cursor="x")
    assert (status, answer["error"]["code"]) == (400, -32602)


def test_a_prediction_is_structured_and_the_same_as_text(service):
    result = call(service, "predict_credit", ROW)
    assert not result["isError"]
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert result["structuredContent"]["prediction"]["value"] is True
    assert result["structuredContent"]["model"]["name"] == "credit"
    _, listed = send(service, "tools/list")
    jsonschema.validate(result["structuredContent"], listed["result"]["tools"][0]["outputSchema"])


def test_a_model_describes_itself(service):
    result = call(service, "describe_small", {})
    assert result["structuredContent"]["name"] == "small"
    assert result["structuredContent"]["metrics"] == {"roc_auc": 0.5}


def test_an_unseen_category_is_told(service):
    result = call(service, "predict_credit", ROW | {"home": "castle"})
    (warning,) = result["structuredContent"]["warnings"]
    assert (warning["field"], warning["message"][:8]) == ("home", "a catego")


def test_what_is_wrong_with_a_row_is_for_the_language_model(service):
    result = call(service, "predict_credit", ROW | {"age": "old", "incme": 1})
    assert result["isError"]
    text = result["content"][0]["text"]
    assert "age: expected integer, got string" in text
    assert "did you mean income?" in text
    assert "old" not in text
    assert call(service, "describe_credit", {"a": 1})["isError"]


@pytest.mark.parametrize(
    ("status", "code", "method", "params"),
    [
        (404, -32601, "resources/list", {}),
        (404, -32601, "initialize", {}),
        (400, -32602, "tools/call", {"name": "predict_nobody"}),
        (400, -32602, "tools/call", {"name": "forget_credit"}),
        (400, -32602, "tools/call", {"name": "predict"}),
        (400, -32602, "tools/call", {"name": "predict_credit", "arguments": [ROW]}),
    ],
)
def test_what_is_not_there_is_an_error_of_the_protocol(service, status, code, method, params):
    found, answer = send(service, method, **params)
    assert (found, answer["error"]["code"], answer["id"]) == (status, code, 1)


def test_a_client_that_initializes_is_answered_without_a_session(service):
    asked = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}}
    message = {"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": asked}
    answer = send_older(service, message)
    result = json.loads(answer.body)["result"]
    assert (answer.status, result["protocolVersion"]) == (200, "2025-06-18")
    assert b"mcp-session-id" not in dict(answer.headers)
    message["params"] = asked | {"protocolVersion": "2025-03-26"}
    result = json.loads(send_older(service, message).body)["result"]
    assert result["protocolVersion"] == "2025-11-25"
    version = {"mcp_protocol_version": "2025-06-18"}
    done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = send_older(service, done, **version)
    assert (answer.status, answer.body) == (202, b"")
    answer = send_older(service, {"jsonrpc": "2.0", "id": 2, "method": "ping"}, **version)
    assert json.loads(answer.body) == {"jsonrpc": "2.0", "id": 2, "result": {}}
    answer = send_older(service, {"jsonrpc": "2.0", "id": 3, "method": "prompts/list"}, **version)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (200, -32601)


def test_a_page_of_another_origin_asks_nothing():
    service = make(("https://a.example",))
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert send_older(service, ping, origin="https://a.example").status == 200
    refused = send_older(service, ping, origin="http://evil.example")
    assert (refused.status, list(json.loads(refused.body))) == (403, ["jsonrpc", "error"])
    assert send_older(service, ping, origin="null").status == 403


def test_a_key_closes_it():
    service = make(guard=Guard(KeyRing([KEY.entry()]), require_for_prediction=True))
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    refused = send_older(service, ping)
    assert refused.status == 401
    assert dict(refused.headers)[b"www-authenticate"] == b"Bearer"
    assert json.loads(refused.body)["error"]["code"] == -32603
    assert send_older(service, ping, authorization=f"Bearer {TOKEN}").status == 200


def test_a_body_is_bounded_as_every_other(service):
    assert by_asgi(service, "POST", "/mcp", JSON, b" " * 100_001).status == 413
    assert send_older(service, b"[" * 50_000).status == 400


@pytest.mark.parametrize("body", [b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', b"{", b"[]"])
def test_both_transports_give_the_same_bytes(service, body):
    headers = JSON | {"x-request-id": "same"}
    one = by_asgi(service, "POST", "/mcp", headers, body)
    two = by_wsgi(wsgi_application(service), "POST", "/mcp", headers, body)
    assert (one.status, one.body) == (two.status, two.body)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_is_no_stream_to_get_and_no_session_to_delete(service, method):
    answer = by_wsgi(wsgi_application(service), method, "/mcp", {}, b"")
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")
