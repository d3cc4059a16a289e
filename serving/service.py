"""The gate: what both lanes do with a prediction request, from bytes to bytes.

Key, limits, dialect, predictor, rendering, and the problem document when
something is wrong; then the request's line in the metrics and the log.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple, Protocol

import numpy as np

from errors import MiranteError, NotFound, Overloaded
from serving.champions import Champions, Live, Prediction
from serving.http.cors import Cors
from serving.http.description import Description
from serving.http.exchange import Answer, Request, problem
from serving.http.media import unpack
from serving.observation import Observation
from serving.refusals import BodyTooLarge
from tables.batch import Batch
from tables.rows import Decoded

log = logging.getLogger("mirante.service")

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class PredictionProtocol(Protocol):
    """What a module under serving/protocols offers: pure functions of bytes.

    `ROUTES` are (method, path pattern) pairs, where `{name}` is a model's name,
    `{version}` the one that must be live, and `{token}` a key; `FACE`, if any,
    is the face that a model must declare to be reached by a route that names no
    model.
    """

    ROUTES: tuple[tuple[str, str], ...]
    PROTOCOL: str | None

    def decode(self, request: Request, live: Live) -> Decoded:
        """Decode the body into a batch."""
        ...

    def render(
        self, request: Request, live: Live, decoded: Decoded, prediction: Prediction
    ) -> Answer:
        """Render the prediction."""
        ...

    def refuse(self, error: MiranteError, request_id: str) -> Answer:
        """Render an error."""
        ...

    def document(self, live: Live) -> Description:
        """Describe the exchange for the OpenAPI document."""
        ...


class Guard(Protocol):
    """Who may predict: raises AccessError, or does nothing."""

    def check_prediction(
        self, headers: Iterable[tuple[bytes, bytes]], token: str | None, client: str
    ) -> None:
        """Raise AccessError for a request that may not predict."""
        ...


class Route(NamedTuple):
    """A route of a dialect: `pattern` is what the metrics call it."""

    method: str
    pattern: str
    protocol: PredictionProtocol


class Match(NamedTuple):
    """A request's route and what its path says."""

    route: Route
    name: str | None = None
    token: str | None = None
    version: str | None = None


class Asked(NamedTuple):
    """A request whose body is whole, its route, and the client's address."""

    request: Request
    match: Match
    client: str = ""


@dataclass(slots=True)
class Taken:
    """A request on its way: what has become of it so far."""

    request: Request
    match: Match
    started: float
    live: Live | None = None
    decoded: Decoded | None = None
    prediction: Prediction | None = None
    error: Exception | None = None


class RequestIds:
    """Makes request ids: unique, cheap, and the client's own where it is sane."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._prefix = ""
        self._process = 0

    def of(self, given: bytes | None) -> str:
        """Return the client's id, or a new one."""
        if given is not None and _SANE_ID.fullmatch(given):
            return given.decode("ascii")
        if self._process != os.getpid():
            # Made before a fork, two workers would count through the same ids.
            self._process, self._prefix = os.getpid(), os.urandom(6).hex()
        return f"{self._prefix}-{next(self._count):x}"


class InFlight:
    """A bounded number of requests at once. Entering raises Overloaded beyond it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._count = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._count >= self._most:
                raise Overloaded(f"more than {self._most} requests at once; try again in a second")
            self._count += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._count -= 1


class PredictionService:
    """Answers prediction requests in every dialect that it is given."""

    def __init__(
        self,
        champions: Champions,
        protocols: Iterable[PredictionProtocol],
        *,
        default_model: str,
        max_body_bytes: int,
        max_rows: int,
        max_in_flight: int,
        guard: Guard | None,
        cors: Cors,
        observation: Observation,
    ) -> None:
        self.champions = champions
        self.routes = tuple(
            Route(method, pattern, protocol)
            for protocol in protocols
            for method, pattern in protocol.ROUTES
        )
        self.max_body_bytes = max_body_bytes
        self.in_flight = InFlight(max_in_flight)
        self.request_ids = RequestIds()
        self._default_model = default_model
        self._max_rows = max_rows
        self._guard = guard
        self._cors = cors
        self._observation = observation
        self._exact = {(r.method, r.pattern): Match(r) for r in self.routes if "{" not in r.pattern}
        self._patterns = [
            (r, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(r.pattern))))
            for r in self.routes
            if "{" in r.pattern
        ]

    def match(self, method: str, path: str) -> Match | None:
        """Return the route of a request, or None when no dialect has it."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        for route, pattern in self._patterns:
            found = pattern.fullmatch(path) if route.method == method else None
            if found:
                return Match(route, **found.groupdict())
        return None

    def is_quick(self, match: Match) -> bool:
        """Tell whether the route's model answers one row quickly enough for an event loop."""
        try:
            return self._live(match).runtime.quick
        except MiranteError:
            return True  # it will be refused, which is quick

    def answer(self, request: Request, match: Match, client: str = "") -> Answer:
        """Answer a request whose body is whole; never raises."""
        return self.answer_together([Asked(request, match, client)])[0]

    def answer_together(self, asked: Sequence[Asked]) -> list[Answer]:
        """Answer requests that are there at the same time, in their order; never raises.

        The rows of one model are predicted in one call: the trees are then walked
        while they are in the processor's cache, which for a row alone they are not.
        """
        taken = [self._take(one) for one in asked]
        for group in _by_model(taken):
            _predict(group)
        return [self._render(one) for one in taken]

    def _take(self, asked: Asked) -> Taken:
        request, match, client = asked
        taken = Taken(request, match, time.perf_counter())
        try:
            if self._guard is not None:
                self._guard.check_prediction(request.headers.items(), match.token, client)
            elif match.token is not None:
                raise NotFound("there is nothing at this path")
            taken.live = self._live(match)
            taken.request = self._unpacked(request)
            taken.decoded = match.route.protocol.decode(taken.request, taken.live)
            rows = len(taken.decoded.batch.matrix)
            if rows > self._max_rows:
                raise BodyTooLarge(f"{rows} rows; at most {self._max_rows} are taken at once")
        except Exception as error:  # each request fails by itself
            taken.error = error
        return taken

    def _render(self, taken: Taken) -> Answer:
        request, match = taken.request, taken.match
        rows = 0
        try:
            if taken.error is not None:
                raise taken.error
            assert taken.live is not None
            assert taken.decoded is not None
            assert taken.prediction is not None
            rows = len(taken.prediction.winners)
            answer = match.route.protocol.render(
                request, taken.live, taken.decoded, taken.prediction
            )
        except MiranteError as error:
            answer = match.route.protocol.refuse(error, request.request_id)
        except Exception:
            log.exception("request failed", extra={"request_id": request.request_id})
            answer = problem_of_ours(request.request_id)
        return self.finish(answer, request, match, taken.started, taken.live, rows)

    def refuse(self, error: MiranteError, request: Request, match: Match) -> Answer:
        """Answer a request that is refused before its body is read."""
        answer = match.route.protocol.refuse(error, request.request_id)
        return self.finish(answer, request, match, time.perf_counter(), None, 0)

    def finish(
        self,
        answer: Answer,
        request: Request,
        match: Match,
        started: float,
        live: Live | None,
        rows: int,
    ) -> Answer:
        """Add the headers that every answer has, and write the request down."""
        self._observation.record(
            request_id=request.request_id,
            method=request.method,
            route=match.route.pattern,
            status=answer.status,
            seconds=time.perf_counter() - started,
            rows=rows,
            model=live.name if live else "",
            version=live.version if live else "",
        )
        return complete(answer, request, self._cors)

    def _live(self, match: Match) -> Live:
        if match.name is not None:
            return self.champions.live_version(match.name, match.version)
        if match.route.protocol.PROTOCOL is not None:
            return self.champions.live_with_protocol(match.route.protocol.PROTOCOL)
        return self.champions.live(self._default_model)

    def _unpacked(self, request: Request) -> Request:
        encoding = request.headers.get(b"content-encoding")
        if encoding is None:
            return request
        return request._replace(body=unpack(request.body, encoding, self.max_body_bytes))


def _by_model(taken: list[Taken]) -> Iterable[list[Taken]]:
    """Return the requests that can be predicted, those of one live model together."""
    groups: dict[int, list[Taken]] = {}
    for one in taken:
        if one.error is None:
            groups.setdefault(id(one.live), []).append(one)
    return groups.values()


def _predict(group: list[Taken]) -> None:
    """Predict requests of one live model, together where that is of use."""
    live = group[0].live
    assert live is not None
    if len(group) > 1 and not live.schema.texts:
        try:
            _predict_joined(live, group)
            return
        except Exception:  # one of them may be to blame: each is asked alone
            log.debug("a joined prediction failed", exc_info=True)
    for one in group:
        try:
            assert one.decoded is not None
            one.prediction = live.predict(one.decoded.batch)
        except Exception as error:
            one.error = error


def _predict_joined(live: Live, group: list[Taken]) -> None:
    matrices = [one.decoded.batch.matrix for one in group if one.decoded is not None]
    joined = live.predict(Batch(np.concatenate(matrices)))
    start = 0
    for one, matrix in zip(group, matrices, strict=True):
        end = start + len(matrix)
        one.prediction = Prediction(joined.probabilities[start:end], joined.winners[start:end])
        start = end


def problem_of_ours(request_id: str) -> Answer:
    """Return the answer to a fault that is nobody's but ours: a 500 that says nothing of it."""
    detail = "the service failed; its log has the cause under this request id"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, request_id)


def complete(answer: Answer, request: Request, cors: Cors) -> Answer:
    """Add the request id and what CORS calls for to an answer's headers."""
    shared = cors.headers(request.headers.get(b"origin"))
    identity = (b"x-request-id", request.request_id.encode("ascii"))
    headers = (*answer.headers, *shared, identity)
    return Answer(answer.status, answer.body, answer.content_type, headers)
