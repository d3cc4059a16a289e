"""The Model Context Protocol over HTTP: each model is a tool that a language model calls.

One POST is one message, and there is no session: modelcontextprotocol.io/specification/2026-07-28.
Clients that begin with `initialize`, as before that revision, are answered too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from errors import AccessError, MiranteError, ModelUnknown, RowsError, TooManyRows
from serving.actions import DESCRIBE
from serving.champions import Champions, Live
from serving.cors import Cors
from serving.description import Description
from serving.exchange import NO_ROWS, Answer, Exchange, Routes
from serving.protocols.mcp import messages
from serving.protocols.mcp.messages import Message, RpcError
from serving.protocols.mcp.tools import (
    EXPLAIN_TOOL,
    PREDICT_TOOL,
    Tool,
    declared,
    describe_tool,
    refused,
)
from tables.json_schema import choice
from tables.rows import Decoded

ROUTES: Routes = (("POST", "/mcp", DESCRIBE),)
# How long a client may keep the list of tools, in ms: a promoted model may have other fields.
KEPT = {"ttlMs": 60_000, "cacheScope": "private"}
CAPABILITIES: dict[str, Any] = {"tools": {}}
INSTRUCTIONS = (
    "Each model is a tool: predict_NAME answers for one row, explain_NAME says as well what each "
    "field contributed, describe_NAME tells what the model is and how good it was on rows that it "
    "had not seen. A warning in an answer says which value was unlike all those of training."
)


class Mcp:
    """The protocol over the live models; `describe` says what a model tells of itself."""

    TAG = "Model Context Protocol"
    ROUTES = ROUTES
    PROTOCOL: str | None = None
    # Only the body says which model it is for.
    IN_HEAD = False

    def __init__(
        self, champions: Champions, describe: Callable[[Live], dict[str, Any]], cors: Cors
    ) -> None:
        self._champions = champions
        self._cors = cors
        # In the order of the list; what else may be done with a model is one more entry.
        self._tools = {
            "predict": PREDICT_TOOL,
            "explain": EXPLAIN_TOOL,
            "describe": describe_tool(describe),
        }
        self._methods: dict[str, Callable[[Message], dict[str, Any]]] = {
            messages.INITIALIZE: self._initialize,
            "ping": lambda _: {},
            "server/discover": self._discover,
            "tools/list": self._list,
        }

    def decode(self, exchange: Exchange) -> Decoded:
        """Read the message; what follows is done by a reply of its own, under its id.

        Raises AccessError for an origin that may not ask, MediaTypeError, ParseError, RpcError
        and RowsError.
        """
        origin = exchange.headers.get(b"origin")
        if origin is not None and not self._cors.allows(origin):
            raise AccessError("Origin: expected one that CORS_ORIGINS names")
        message = messages.read_message(exchange.body, exchange.media_type, exchange.headers)
        reply = Reply(message)
        exchange.route = exchange.route._replace(protocol=reply)
        messages.check_head(message, exchange.headers)
        if message.method == messages.CALL and message.id is not None:
            return self._call(exchange, reply)
        reply.result = {} if message.id is None else self._method(message)(message)
        return NO_ROWS

    def _method(self, message: Message) -> Callable[[Message], dict[str, Any]]:
        found = self._methods.get(message.method)
        if found is None or (message.modern and message.method == messages.INITIALIZE):
            spoken = ", ".join(messages.VERSIONS)
            raise RpcError(
                messages.METHOD_NOT_FOUND, f"no such method in the versions spoken here, {spoken}"
            )
        return found

    def _call(self, exchange: Exchange, reply: Reply) -> Decoded:
        params = reply.message.params
        name, arguments = params.get("name"), params.get("arguments", {})
        if not isinstance(name, str):
            raise RpcError(messages.INVALID_PARAMS, "params.name: expected the name of a tool")
        if not isinstance(arguments, dict):
            raise RpcError(messages.INVALID_PARAMS, "params.arguments: expected an object")
        what, _, model = name.partition("_")
        tool = self._tools.get(what)
        try:
            live = self._champions.live(model)
        except ModelUnknown:
            tool = None
        if tool is None or not tool.fits(live):
            raise RpcError(
                messages.INVALID_PARAMS, "unknown tool: tools/list names those there are"
            )
        exchange.live, reply.tool = live, tool
        exchange.route = exchange.route._replace(action=tool.action)
        exchange.wanted = tool.wanted
        return tool.decode(live, arguments)

    def _initialize(self, message: Message) -> dict[str, Any]:
        asked = message.params.get("protocolVersion")
        version = asked if asked in messages.LEGACY else messages.LEGACY[0]
        return {
            "protocolVersion": version,
            "capabilities": CAPABILITIES,
            "serverInfo": messages.SERVER,
            "instructions": INSTRUCTIONS,
        }

    def _discover(self, _: Message) -> dict[str, Any]:
        return {
            "supportedVersions": messages.VERSIONS,
            "capabilities": CAPABILITIES,
            "instructions": INSTRUCTIONS,
            **KEPT,
        }

    def _list(self, message: Message) -> dict[str, Any]:
        if message.params.get("cursor") is not None:
            raise RpcError(messages.INVALID_PARAMS, "cursor: expected none, the list is one page")
        lives = sorted(self._champions.lives.items())
        tools = [
            declared(what, tool, live)
            for _, live in lives
            for what, tool in self._tools.items()
            if tool.fits(live)
        ]
        return {"tools": tools, **(KEPT if message.modern else {})}

    def render(self, exchange: Exchange) -> Answer:
        """Answer nothing: every message that is read has a reply of its own."""
        raise NotImplementedError

    def refuse(self, error: MiranteError, request_id: str) -> Answer:
        """Answer what is no message, or may not be asked: its id is not known."""
        return messages.fail(None, error)

    def document(self, live: Live) -> Description:
        """Describe the exchange for the OpenAPI document."""
        number = {"type": ["string", "integer"]}
        properties = {"jsonrpc": {"type": "string", "const": "2.0"}, "id": number}
        method = choice([*self._methods, messages.CALL])
        asked = properties | {"method": method, "params": {"type": "object"}}
        example = {"name": f"predict_{live.name}", "arguments": live.schema.example}
        answer = properties | {"result": {"type": "object"}}
        said = {"code": {"type": "integer"}, "message": {"type": "string"}}
        error = properties | {"error": _object(said, "code", "message")}
        return Description(
            "A message of the Model Context Protocol: each model is a tool",
            {
                "application/json": {
                    "schema": _object(asked, "jsonrpc", "id", "method"),
                    "example": {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
                    | {"params": example},
                }
            },
            {"application/json": {"schema": _object(answer, "jsonrpc", "id", "result")}},
            {"application/json": {"schema": _object(error, "jsonrpc", "error")}},
        )


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


class Reply:
    """The protocol of one message: its result, or an error under its id."""

    EXPLAINS = True

    def __init__(self, message: Message) -> None:
        self.message = message
        self.result: dict[str, Any] = {}
        self.tool: Tool | None = None

    def decode(self, exchange: Exchange) -> Decoded:
        """Decode nothing: the message has been read."""
        return exchange.decoded

    def render(self, exchange: Exchange) -> Answer:
        """Answer the result; a notification is only accepted."""
        if self.message.id is None:
            return Answer(202, b"")
        if self.tool is not None:
            content = msgspec.json.encode(self.tool.render(exchange))
            self.result = {
                "content": [{"type": "text", "text": content.decode()}],
                "structuredContent": msgspec.Raw(content),
                "isError": False,
            }
        return messages.succeed(self.message, self.result)

    def refuse(self, error: MiranteError, request_id: str) -> Answer:
        """Answer an error; what is wrong with a row is told to the language model."""
        if self.tool is None or not isinstance(error, RowsError) or isinstance(error, TooManyRows):
            return messages.fail(self.message, error)
        content = [{"type": "text", "text": refused(error)}]
        return messages.succeed(self.message, {"content": content, "isError": True})
