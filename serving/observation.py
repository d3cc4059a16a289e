"""What is recorded of every request: metrics, and a sampled line in the access log."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence

from serving.metrics import Metrics
from serving.recorded import NO_HEADERS, Recorded
from serving.trace_context import TraceContext
from serving.tracing import Tracing

access_log = logging.getLogger("mirante.access")


class Observation:
    """Records requests. `sample` is the fraction of the good ones that the log gets.

    `tracing` makes spans of them; most processes have none.
    """

    def __init__(self, metrics: Metrics, sample: float, tracing: Tracing | None = None) -> None:
        self._metrics = metrics
        self._sample = sample
        self.tracing = tracing

    def record(
        self,
        *,
        request_id: str,
        method: str,
        route: str,
        status: int,
        seconds: float,
        rows: int = 0,
        model: str = "",
        version: str = "",
        detail: str = "",
        trace: TraceContext | None = None,
        client: str = "",
        headers: Mapping[bytes, bytes] = NO_HEADERS,
        marks: Sequence[tuple[str, float]] = (),
    ) -> TraceContext | None:
        """Count a request, and log it: every one that was refused, and a sample of the rest.

        `route` is a pattern, so that no key in a path is written down; `detail` is what
        the refusal says, whatever its status: some protocols refuse within a 200. `client`,
        `headers` and `marks` are what a span tells besides. Returns what the answer tells
        of the trace.
        """
        if self.tracing is not None:
            recorded = Recorded(method, route, int(status), seconds, request_id, trace, rows, model)
            recorded = recorded._replace(
                version=version, client=client, headers=headers, marks=marks
            )
            trace = self.tracing.record(recorded)
        recorded_in = trace.trace_id if trace is not None and trace.sampled else ""
        self._metrics.note_request(route, int(status), seconds, rows, model, version, recorded_in)
        if status < 400 and not detail and random.random() >= self._sample:  # noqa: S311 - no secret
            return trace
        refusal = {"detail": detail} if detail else {}
        traced = trace.members if trace else {}
        access_log.info(
            "request",
            extra={
                **refusal,
                **traced,
                "request_id": request_id,
                "method": method,
                "route": route,
                "status": int(status),
                "seconds": round(seconds, 6),
                "rows": rows,
                "model": model,
                "version": version,
            },
        )
        return trace
