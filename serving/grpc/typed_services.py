"""The typed service of each live model, remade when its champion changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from serving.champions import Champions, Live, Prediction
from serving.grpc.protos.descriptors import Messages
from serving.grpc.protos.typed import PROBABILITIES, VERSION, label_type, row_of, typed_proto
from tables.rows import Decoded

Predict = Callable[[Live, Decoded], Prediction]
Answer = Callable[[Any, Predict], Any]


class TypedService(NamedTuple):
    """The service of one version of one model; `path` is that of its only call."""

    messages: Messages
    path: str
    request: Any
    reply: Any


class TypedServices:
    """Finds the typed service that a call's path names."""

    def __init__(self, champions: Champions) -> None:
        self._predictor = champions
        self._made: dict[tuple[str, str], TypedService] = {}

    def services(self) -> list[TypedService]:
        """Return the service of every live model."""
        return [service for _, service in self._current()]

    def find(self, path: str) -> tuple[Any, Answer] | None:
        """Return the request's class of a call and what answers it, or None."""
        for live, service in self._current():
            if service.path == path:
                return service.request, partial(_answer, live, service)
        return None

    def _current(self) -> list[tuple[Live, TypedService]]:
        lives = list(self._predictor.lives.values())
        wanted = {(live.name, live.sha256 + live.version): live for live in lives}
        # Replaced as a whole: two threads that do so at once make the same.
        self._made = {
            key: self._made.get(key) or make_service(live) for key, live in wanted.items()
        }
        return [(wanted[key], service) for key, service in self._made.items() if key in wanted]


def make_service(live: Live) -> TypedService:
    """Return the typed service of a live model."""
    messages = Messages(typed_proto(live.name, live.schema))
    (method,) = messages.proto.methods
    path = f"/{messages.proto.full_service}/{method.name}"
    return TypedService(messages, path, messages[method.request], messages[method.reply])


def _answer(live: Live, service: TypedService, request: Any, predict: Predict) -> Any:
    decoded = live.codec.decode_objects([row_of(live.schema, request)])
    prediction = predict(live, decoded)
    label, winner = live.schema.target, prediction.winners[0]
    name = service.reply.DESCRIPTOR.fields[0].name
    value = winner if label_type(label) == "int32" else label.classes[winner]
    return service.reply(
        **{name: value, PROBABILITIES: prediction.probabilities[0], VERSION: live.version}
    )
