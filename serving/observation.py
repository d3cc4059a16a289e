"""What is recorded of every request: metrics, and a sampled line in the access log."""

from __future__ import annotations

import logging
import random

from serving.metrics import Metrics
from serving.trace_context import TraceContext

access_log = logging.getLogger("mirante.access")


class Observation:
    """Records requests. `sample` is the fraction of the good ones that the log gets."""

    def __init__(self, metrics: Metrics, sample: float) -> None:
        self._metrics = metrics
        self._sample = sample

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
    ) -> None:
        """Count a request, and log it: every one that was refused, and a sample of the rest.

        `route` is a pattern, so that no key in a path is written down; `detail` is what
        the refusal says, whatever its status: some protocols refuse within a 200.
        """
        self._metrics.note_request(route, int(status), seconds, rows, model, version)
        if status < 400 and not detail and random.random() >= self._sample:  # noqa: S311 - no secret
            return
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
