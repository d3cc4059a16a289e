"""The exchange: a request to predict and its answer, as one object that every station fills in.

Plain values of bytes: HTTP and gRPC make the same exchange, so that the same
request gets the same answer whichever way it came.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs

import numpy as np

from errors import MiranteError
from serving.champions import Live, Prediction
from serving.contributions import Contributions, Wanted
from serving.refusals import RequestError
from serving.trace_context import TraceContext
from tables.batch import Batch
from tables.json_text import MOST_ROWS
from tables.rows import Decoded

Headers = tuple[tuple[bytes, bytes], ...]
# Method, path pattern and action of each.
Routes = tuple[tuple[str, str, str], ...]

JSON = b"application/json"
NO_PARAMETERS: Mapping[str, Any] = {}
# What is decoded of a request that asks for no prediction.
NO_ROWS = Decoded(Batch(np.empty((0, 0), np.float32)), ())
_LEVEL = re.compile(r"0?\.\d{1,6}")


@lru_cache(maxsize=64)
def parameters_of(query: bytes) -> Mapping[str, list[str]]:
    """Return a query's parameters. Clients send few different ones, again and again."""
    return parse_qs(query.decode("latin-1"), keep_blank_values=True)


class Answer(NamedTuple):
    """What is sent back; `content_type` and the body's length become headers."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()


class PredictionProtocol(Protocol):
    """How a family of clients writes rows and reads predictions: pure functions of bytes."""

    def decode(self, exchange: Exchange) -> Decoded:
        """Decode the body into a batch; keep in `options` what rendering needs of the body."""
        ...

    def render(self, exchange: Exchange) -> Answer:
        """Render what was computed."""
        ...

    def refuse(self, error: MiranteError, request_id: str) -> Answer:
        """Render an error."""
        ...


class Route(NamedTuple):
    """What a protocol does at one path, whose `pattern` is what the metrics call it.

    `action` is a name in `actions.ACTIONS`; any other computes nothing. `alias` is
    what a model must declare to be reached by a route that names no model. `in_head`
    is false where only the body says which model it is for: decoding then finds it.
    `lists` is the route of the same path for a body that is a list. A `trial` is what
    people try out on a page: it is no traffic, so the prediction log does not keep it, and it
    gets no more than a share of the time.
    """

    method: str
    pattern: str
    action: str
    protocol: PredictionProtocol
    alias: str | None = None
    in_head: bool = True
    lists: Route | None = None
    trial: bool = False


@dataclass(slots=True)
class Exchange:
    """A request on its way. Header names are lower case, as in ASGI.

    `name`, `version` and `token` are what the path says of model, version and key;
    `max_rows` is how many rows are taken; `partial`, once decoded, whether fewer may be answered.
    `inference_id` is the prediction's id.
    The members below `body` are not there before their station: `live` comes with
    admission, `decoded` with decoding, `prediction` with predicting, and `contributions`
    where they are `wanted`; `options` is what decoding keeps for rendering. `error` is
    what refuses it.
    `size` is the body's, once unpacked: a long one is let go of as soon as it is decoded.
    `trace` is its caller's,
    `marks` are the ends of its stations, where spans are made of them.
    """

    route: Route
    headers: Mapping[bytes, bytes]
    request_id: str
    query: bytes = b""
    client: str = ""
    name: str | None = None
    version: str | None = None
    token: str | None = None
    max_rows: int = MOST_ROWS
    inference_id: str = ""
    partial: bool = False
    body: bytes = b""
    live: Live = field(init=False)
    decoded: Decoded = field(init=False)
    options: Any = field(init=False)
    prediction: Prediction = field(init=False)
    wanted: Wanted | None = None
    contributions: Contributions | None = None
    started: float = 0.0
    rows: int = 0
    error: Exception | None = None
    size: int = 0
    trace: TraceContext | None = None
    marks: Sequence[tuple[str, float]] = ()

    def mark(self, station: str) -> None:
        """Note that a station has ended."""
        self.marks = (*self.marks, (station, time.perf_counter()))

    def forget(self) -> None:
        """Let go of the body and of all that was made of it; `error` stays, without its frames."""
        self.body = b""
        for name in ("decoded", "options", "prediction"):
            if hasattr(self, name):
                delattr(self, name)
        self.contributions = None
        error: BaseException | None = self.error
        while error is not None:
            error.__traceback__ = None
            error = error.__context__

    @property
    def media_type(self) -> bytes:
        """The body's media type in lower case, without parameters; empty when none is named."""
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()

    def flags(self, *names: str) -> list[bool]:
        """Return for each name whether the query sets it to 1 or true.

        Raises RequestError for what is neither that nor 0 nor false: a misspelt
        switch is not the same as none.
        """
        if not self.query:
            return [False] * len(names)
        query = parameters_of(self.query)
        given = [query.get(name, ["0"])[-1] for name in names]
        for name, value in zip(names, given, strict=True):
            if value not in ("1", "true", "0", "false"):
                raise RequestError(f"{name}: expected 1 or true, 0 or false")
        return [value in ("1", "true") for value in given]

    def switches(self, parameters: Mapping[str, Any] = NO_PARAMETERS) -> tuple[bool, bool]:
        """Return `partial` and `strict`, of the query or of the body's parameters; keep the first.

        `partial` is for protocols whose answer says which rows it has. Raises RequestError.
        """
        if not self.query and parameters is NO_PARAMETERS:
            self.partial = False
            return False, False
        partial, strict = self.flags("partial", "strict")
        self.partial = partial or _is_set("partial", parameters)
        return self.partial, strict or _is_set("strict", parameters)

    @property
    def level(self) -> float | None:
        """The level of the interval that the query asks for, None where it asks for none.

        Raises RequestError for one that is not between 0 and 1.
        """
        if b"interval" not in self.query:
            return None
        query = parameters_of(self.query)
        given = query.get("interval", [None])[-1]
        if given is None:
            return None
        if not _LEVEL.fullmatch(given) or float(given) == 0.0:
            raise RequestError("interval: expected a number above 0 and below 1, such as 0.9")
        return float(given)


def _is_set(name: str, parameters: Mapping[str, Any]) -> bool:
    value = parameters.get(name)
    if value not in (None, True, False, "1", "true", "0", "false"):
        raise RequestError(f"{name}: expected true or false")
    return value in (True, "1", "true")
