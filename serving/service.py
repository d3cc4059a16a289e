"""The prediction service: what every transport does with a request, from bytes to bytes.

Admit (key, size, model), decode, compute, render, record. A transport makes the
exchange, reads the body once it is admitted, and sends the answer.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from errors import AccessError, MiranteError, NotFound, TooManyRows
from monitoring.entries import Answered
from monitoring.prediction_log import PredictionLog
from serving.actions import ACTIONS, EXPLAIN
from serving.auth import HOW_TO, Scope
from serving.champions import Champions, Live
from serving.cors import Cors
from serving.description import Description
from serving.exchange import Answer, Exchange, Headers, PredictionProtocol, Route, Routes
from serving.explanations import is_asked
from serving.in_flight import InFlight
from serving.media import unpack
from serving.memory import CollectionPause, give_back
from serving.observation import Observation
from serving.packing import SMALLEST, pack
from serving.problems import FAULT, too_large
from serving.request_ids import RequestIds
from serving.trace_context import PARENT, TraceContext, trace_of
from tables.json_text import are_long, is_long, too_many

log = logging.getLogger("mirante.service")

# An answer has a value a row and class: models of more classes take fewer rows.
CLASSES_A_ROW = 10
# A browser takes an answer for what its content type says (fetch.spec.whatwg.org).
NOSNIFF = (b"x-content-type-options", b"nosniff")
NO_NAMES: Mapping[str, Any] = {}


class HttpProtocol(PredictionProtocol, Protocol):
    """What a module under serving/protocols offers.

    `ROUTES` are (method, path pattern, action), where `{name}` is a model's name,
    `{version}` the one that must be live, and `{token}` a key. `PROTOCOL`, if any,
    is what a model must declare to be reached by a route that names no model.
    `TAG` is its heading in the OpenAPI document, the module's first line what stands under it.
    `IN_HEAD`, if it is there and false, says that only the body tells which model it is for.
    """

    TAG: str
    ROUTES: Routes
    PROTOCOL: str | None

    def document(self, live: Live) -> Description:
        """Describe the exchange for the OpenAPI document."""
        ...


class Guard(Protocol):
    """Who may do what: raises AccessError, or does nothing."""

    def check(self, headers: Iterable[tuple[bytes, bytes]], scope: Scope, client: str) -> Any:
        """Raise AccessError for a request whose key does not have the scope."""
        ...

    def check_prediction(
        self, headers: Iterable[tuple[bytes, bytes]], token: str | None, client: str
    ) -> None:
        """Raise AccessError for a request that may not predict."""
        ...


class PredictionService:
    """Answers prediction requests in every protocol that it is given."""

    def __init__(
        self,
        champions: Champions,
        protocols: Iterable[HttpProtocol],
        *,
        default_model: str,
        max_body_bytes: int,
        max_rows: int,
        max_in_flight: int,
        guard: Guard | None,
        cors: Cors,
        observation: Observation,
        prediction_log: PredictionLog | None = None,
        more_routes: Iterable[Route] = (),
    ) -> None:
        self.champions = champions
        self.protocols = tuple(protocols)
        self.routes = _routes_of(self.protocols, more_routes)
        self.max_body_bytes = max_body_bytes
        self.in_flight = InFlight(max_in_flight)
        self.request_ids = RequestIds()
        self._pause = CollectionPause()
        self._default_model = default_model
        self._max_rows = max_rows
        self._guard = guard
        self._cors = cors
        self._observation = observation
        self._traced = observation.tracing is not None
        self._prediction_log = prediction_log
        self._exact = {(r.method, r.pattern): r for r in self.routes if "{" not in r.pattern}
        self._patterns = [
            (r, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(r.pattern))))
            for r in self.routes
            if "{" in r.pattern
        ]

    def match(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route of a request and what its path names, or None when nobody has it."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, NO_NAMES
        for route, pattern in self._patterns:
            found = pattern.fullmatch(path) if route.method == method else None
            if found:
                return route, found.groupdict()
        # A slash at the end is typed by people, and a redirect would lose the body.
        bare = path.rstrip("/")
        return self.match(method, bare) if path != bare else None

    def begin(
        self,
        route: Route,
        headers: Mapping[bytes, bytes],
        query: bytes = b"",
        client: str = "",
        name: str | None = None,
        version: str | None = None,
        token: str | None = None,
    ) -> Exchange:
        """Return the exchange of a request whose head is there; the last three are of its path."""
        given = headers.get(b"x-request-id")
        request_id = inference_id = self.request_ids.of(given)
        if given is not None or b"x-inference-id" in headers:
            inference_id = self.request_ids.of_prediction(headers, request_id)
        most = self._max_rows
        exchange = Exchange(
            route, headers, request_id, query, client, name, version, token, most, inference_id
        )
        if PARENT in headers:
            exchange.trace = trace_of(headers)
        if self._traced:
            exchange.mark("begin")
        return exchange

    def admit(self, exchange: Exchange, streamed: bool = False) -> None:
        """Check the key and the declared size, and find the model; the body is not read yet.

        One that is `streamed` may be of any size: a block at a time is held of it.

        Raises AccessError, RateLimited, BodyTooLarge, NotFound and ModelNotReady.
        """
        if self._guard is not None:
            self._guard.check_prediction(exchange.headers.items(), exchange.token, exchange.client)
        elif exchange.token is not None:
            raise NotFound("there is nothing at this path")
        declared = exchange.headers.get(b"content-length")
        # The body is counted again as it is read: its length may be other than declared.
        if (
            not streamed
            and declared is not None
            and not (
                declared.isdigit() and len(declared) < 16 and int(declared) <= self.max_body_bytes
            )
        ):
            raise too_large(self.max_body_bytes)
        if exchange.route.in_head and exchange.route.lists is None:
            exchange.live = self._find(exchange)

    def check_key(self, exchange: Exchange, scope: Scope) -> None:
        """Raise AccessError for a request whose key does not have the scope."""
        if self._guard is None:
            raise AccessError(HOW_TO)
        self._guard.check(exchange.headers.items(), scope, exchange.client)

    def is_quick(self, exchange: Exchange) -> bool:
        """Whether a whole body, not packed, is answered at once: by its model, or by none."""
        if exchange.route.lists is not None:
            try:
                self._choose(exchange)
            except MiranteError:
                return True
        live = exchange.live
        takes_long = live.explainer is not None and not live.explainer.quick
        slow = takes_long and (exchange.route.action == EXPLAIN or _may_ask(exchange))
        return live.runtime.quick and not slow

    def _choose(self, exchange: Exchange) -> None:
        """Choose between two routes of one path, and find the model. Raises as `admit` does."""
        lists = exchange.route.lists
        if lists is not None and _is_list(exchange.body):
            exchange.route = lists
        exchange.live = self._find(exchange)

    def _find(self, exchange: Exchange) -> Live:
        if exchange.name is not None:
            return self.champions.live_version(exchange.name, exchange.version)
        if exchange.route.alias is not None:
            return self.champions.live_with_protocol(exchange.route.alias)
        return self.champions.live(self._default_model)

    def serve(self, exchange: Exchange, read_body: Callable[[], bytes]) -> Answer:
        """Answer a request whose body is read in this thread; never raises."""
        try:
            self.admit(exchange)
            exchange.body = read_body()
            with self.in_flight:
                return self.answer_long(exchange)
        except MiranteError as error:
            return self.refuse(exchange, error)

    def answer(self, exchange: Exchange) -> Answer:
        """Answer an admitted request whose body is whole; never raises."""
        return self.answer_together([exchange])[0]

    def answer_long(self, exchange: Exchange) -> Answer:
        """Answer as `answer` does, and give back the memory that a long body took."""
        if not is_long(exchange.body) and b"content-encoding" not in exchange.headers:
            return self.answer(exchange)
        with self._pause:
            answer = self.answer(exchange)
            # One that could not be unpacked may have been longer than any.
            is_large = are_long(exchange.size) or exchange.error is not None
            if is_large:
                exchange.forget()
        if is_large:
            give_back()
        return answer

    def answer_together(self, exchanges: Sequence[Exchange]) -> list[Answer]:
        """Answer admitted requests that are there at the same time, in their order; never raises.

        Those of one action and one live model are computed together.
        """
        groups: dict[tuple[str, int], list[Exchange]] = {}
        for exchange in exchanges:
            self._decode(exchange)
            if exchange.error is None and exchange.route.action in ACTIONS:
                key = exchange.route.action, id(exchange.live)
                groups.setdefault(key, []).append(exchange)
        for (action, _), group in groups.items():
            ACTIONS[action](group)
            if self._traced:
                for exchange in group:
                    exchange.mark(action)
        return [self._render(exchange) for exchange in exchanges]

    def _decode(self, exchange: Exchange) -> None:
        exchange.started = time.perf_counter()
        if self._traced:
            exchange.mark("receive")
        try:
            encoding = exchange.headers.get(b"content-encoding")
            if encoding is not None:
                exchange.body = unpack(exchange.body, encoding, self.max_body_bytes)
            if exchange.route.lists is not None:
                self._choose(exchange)
            exchange.decoded = exchange.route.protocol.decode(exchange)
            if len(exchange.decoded.batch.matrix) > 1:
                self._check_size(exchange)
        except Exception as error:  # each request fails by itself
            exchange.error = error
        exchange.size = len(exchange.body)
        if are_long(exchange.size):
            exchange.body = b""
            give_back()  # what reading took, before computing takes its own
        if self._traced:
            exchange.mark("decode")

    def _check_size(self, exchange: Exchange) -> None:
        """Raise TooManyRows for what would be answered with too many values."""
        rows = len(exchange.decoded.batch.matrix)
        if rows > self._max_rows:
            raise TooManyRows(too_many(self._max_rows))
        if exchange.route.action in ACTIONS:
            width = exchange.live.task.width(exchange.live.schema.target)
            most = max(1, self._max_rows * CLASSES_A_ROW // max(1, width))
            if rows > most:
                raise TooManyRows(f"{too_many(most)} of a model of {width} classes")

    def _render(self, exchange: Exchange) -> Answer:
        if are_long(exchange.size):
            give_back()  # what computing took, before the answer takes its own
        if exchange.error is None:
            exchange.rows = len(exchange.decoded.batch.matrix)
            try:
                answer = exchange.route.protocol.render(exchange)
                if self._traced:
                    exchange.mark("render")
            except Exception as error:
                exchange.error = error
        if exchange.error is not None:
            answer = self._refusal(exchange, exchange.error)
        return self._finish(exchange, answer)

    def _refusal(self, exchange: Exchange, error: Exception) -> Answer:
        if not isinstance(error, MiranteError):
            told = {"request_id": exchange.request_id}
            told |= exchange.trace.members if exchange.trace else {}
            log.error("request failed", extra=told, exc_info=error)
            error = MiranteError(FAULT)
        return exchange.route.protocol.refuse(error, exchange.request_id)

    def refuse(self, exchange: Exchange, error: MiranteError) -> Answer:
        """Answer a request that was not computed."""
        exchange.error = error
        exchange.started = exchange.started or time.perf_counter()
        return self._finish(exchange, self._refusal(exchange, error))

    def _finish(self, exchange: Exchange, answer: Answer) -> Answer:
        """Record the request, and add the headers that every answer has."""
        live = getattr(exchange, "live", None)
        seconds = time.perf_counter() - exchange.started
        trace = self._observation.record(
            request_id=exchange.request_id,
            method=exchange.route.method,
            route=exchange.route.pattern,
            status=answer.status,
            seconds=seconds,
            rows=exchange.rows,
            model=live.name if live else "",
            version=live.version if live else "",
            detail=str(exchange.error) if isinstance(exchange.error, MiranteError) else "",
            trace=exchange.trace,
            client=exchange.client,
            headers=exchange.headers,
            marks=exchange.marks,
        )
        identity: Headers = ()
        if exchange.error is None and exchange.route.action in ACTIONS:
            identity = ((b"x-inference-id", exchange.inference_id.encode("ascii")),)
            prediction_log = self._prediction_log if not exchange.route.trial else None
            if prediction_log is not None and prediction_log.is_chosen():
                prediction_log.note(_answered(exchange, seconds))
        return complete(answer, exchange.headers, exchange.request_id, self._cors, trace, identity)


def _may_ask(exchange: Exchange) -> bool:
    """Whether a request may want an explanation: its query says so, or a word of its body.

    A body without these words asks for none, in whatever protocol.
    """
    find = exchange.body.find  # `in` first raises an error within, and costs ten times as much
    said = find(b"explain") >= 0 or find(b"contributions") >= 0 or find(b"baseline") >= 0
    return said or (exchange.query != b"" and is_asked(exchange.query))


def _answered(exchange: Exchange, seconds: float) -> Answered:
    """Return what the prediction log keeps of an exchange that was answered."""
    return Answered(
        exchange.live,
        exchange.decoded,
        exchange.prediction,
        exchange.inference_id,
        time.time(),
        seconds,
        exchange.route.pattern,
        exchange.size,
    )


def _routes_of(protocols: Iterable[HttpProtocol], more: Iterable[Route]) -> tuple[Route, ...]:
    """Return the protocols' routes, and more in place of those with the same path.

    Of two protocols with one path the later answers bodies that are lists.
    """
    routes: dict[tuple[str, str], Route] = {}
    for protocol in protocols:
        for method, pattern, action in protocol.ROUTES:
            in_head = getattr(protocol, "IN_HEAD", True)
            route = Route(method, pattern, action, protocol, protocol.PROTOCOL, in_head)
            other = routes.get((method, pattern))
            routes[method, pattern] = route if other is None else other._replace(lists=route)
    routes |= {(route.method, route.pattern): route for route in more}
    return tuple(routes.values())


def _is_list(body: bytes) -> bool:
    return body.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:1] == b"["


def complete(
    answer: Answer,
    headers: Mapping[bytes, bytes],
    request_id: str,
    cors: Cors,
    trace: TraceContext | None = None,
    more: Headers = (),
) -> Answer:
    """Add to the answer of a request with these headers its id, its trace, what browsers read."""
    if len(answer.body) >= SMALLEST:
        answer = pack(answer, headers.get(b"accept-encoding"))
    if b"origin" in headers:
        more = (*more, *cors.headers(headers[b"origin"]))
    if trace is not None:
        more = (*more, *trace.headers)
    identity = (b"x-request-id", request_id.encode("ascii"))
    added = (*answer.headers, *more, NOSNIFF, identity)
    return Answer(answer.status, answer.body, answer.content_type, added)
