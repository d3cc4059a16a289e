"""The typed service of each live model, remade when its champion changes."""

from __future__ import annotations

from typing import Any

from serving.actions import PREDICT
from serving.champions import Champions, Live
from serving.exchange import Answer, Exchange, Route
from serving.explanations import wanted_whole
from serving.grpc.codes import refuse
from serving.grpc.parsing import parse
from serving.grpc.protos.descriptors import Messages
from serving.grpc.protos.typed import (
    BASELINE,
    CLASS_NAME,
    CONTRIBUTIONS,
    EXPLAINED_CLASS,
    PROBABILITIES,
    SPACE,
    VERSION,
    label_type,
    row_of,
    typed_proto,
)
from serving.warnings import warning_headers
from tables.rows import Decoded


class TypedService:
    """The service of one version of one model; `route` is that of its only call."""

    EXPLAINS = True

    def __init__(self, live: Live) -> None:
        self._live = live
        self.messages = Messages(typed_proto(live.name, live.schema))
        (method,) = self.messages.proto.methods
        self._request = self.messages[method.request]
        self._reply = self.messages[method.reply]
        path = f"/{self.messages.proto.full_service}/{method.name}"
        self.route = Route("GRPC", path, PREDICT, self, in_head=False)

    def decode(self, exchange: Exchange) -> Decoded:
        """Decode the request into a batch of one row. Raises ParseError and RowsError."""
        exchange.live = self._live
        message = parse(self._request, exchange.body)
        (strict,) = exchange.flags("strict")
        exchange.wanted = wanted_whole(exchange.query)
        return self._live.codec.decode_objects([row_of(self._live.schema, message)], strict=strict)

    def render(self, exchange: Exchange) -> Answer:
        """Make the reply: the version, and the class with every probability, or the value."""
        explained = self._explained(exchange)
        fields = {VERSION: self._live.version, **self._predicted(exchange), **explained}
        reply = self._reply(**fields)
        return Answer(200, reply.SerializeToString(), headers=warning_headers(exchange.decoded))

    def _predicted(self, exchange: Exchange) -> dict[str, Any]:
        prediction, label = exchange.prediction, self._live.schema.target
        first = self._reply.DESCRIPTOR.fields[0].name
        if not label.classes:
            return {first: prediction.values[0]}
        winner = prediction.winners[0]
        by_index = label_type(label) == "int32"
        return {
            first: winner if by_index else label.classes[winner],
            PROBABILITIES: prediction.probabilities[0],
            **({CLASS_NAME: label.keys[winner]} if by_index else {}),
        }

    def _explained(self, exchange: Exchange) -> dict[str, Any]:
        """Return the fields of the row's explanation, none where it was not asked for."""
        found, target = exchange.contributions, self._live.schema.target
        if found is None:
            return {}
        said = {CONTRIBUTIONS: found.values[0].tolist(), BASELINE: found.baselines[0]}
        (of,) = found.classes
        named = {} if of is None else {EXPLAINED_CLASS: target.keys[target.classes.index(of)]}
        return {**said, SPACE: found.space, **named}

    refuse = staticmethod(refuse)


class TypedServices:
    """Finds the typed service that a call's path names."""

    def __init__(self, champions: Champions) -> None:
        self._champions = champions
        self._made: dict[tuple[str, str], TypedService] = {}

    def services(self) -> list[TypedService]:
        """Return the service of every live model."""
        lives = self._champions.lives.values()
        keys = {(live.name, live.sha256 + live.version): live for live in lives}
        # Replaced as a whole: two threads that do so at once make the same.
        made = {key: self._made.get(key) or TypedService(live) for key, live in keys.items()}
        self._made = made
        return list(made.values())

    def find(self, path: str) -> Route | None:
        """Return the route of a call, or None."""
        routes = (service.route for service in self.services())
        return next((route for route in routes if route.pattern == path), None)
