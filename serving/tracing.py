"""Tracing: spans of requests by OpenTelemetry, where its variables ask for them.

opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables has the variables. None of
them ends the process: what cannot be used is said in one line, and requests are answered without.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Protocol

from serving.recorded import Recorded
from serving.trace_context import TraceContext

log = logging.getLogger("mirante.tracing")

INSTALL = "OpenTelemetry is not installed; to install it: pip install -r requirements-otel.txt"
OTLP, CONSOLE, NONE = "otlp", "console", "none"
SPOKEN = "http/protobuf"
# Seconds for what is still to be sent when the process ends.
FLUSH_SECONDS = 5.0


class Spans(Protocol):
    """What sends spans: `serving.spans.Spans`, whose libraries are imported when it starts."""

    def record(self, recorded: Recorded) -> TraceContext:
        """Make the spans of a request, and return what its own is called."""
        ...

    def stop(self) -> None:
        """Send what is left."""
        ...

    def abandon(self) -> None:
        """Try no more to send."""
        ...


class Tracing:
    """The spans of a process: they are made from `start`, which comes after the fork, to `stop`."""

    def __init__(self, exporters: Collection[str]) -> None:
        self._exporters = exporters
        self._spans: Spans | None = None

    def start(self) -> None:
        """Begin; nothing that is wrong with a variable or an installation is raised."""
        _log_as_we_do()
        try:
            from serving.spans import Spans

            self._spans = Spans(otlp=OTLP in self._exporters, console=CONSOLE in self._exporters)
        except ImportError:
            log.warning(INSTALL)
        except Exception as error:  # whatever a library makes of a variable
            log.warning("no spans are sent: %s", type(error).__name__)

    def record(self, recorded: Recorded) -> TraceContext | None:
        """Make the spans of a request; return its trace as the answer and the log tell it."""
        if self._spans is None:
            return recorded.trace
        return self._spans.record(recorded)

    def stop(self) -> None:
        """Send what is left, within FLUSH_SECONDS: a collector that does not answer is left."""
        spans, self._spans = self._spans, None
        if spans is not None:
            sending = threading.Thread(target=spans.stop, name="mirante-spans", daemon=True)
            sending.start()
            sending.join(FLUSH_SECONDS)
            if sending.is_alive():
                spans.abandon()


def _log_as_we_do() -> None:
    """Have the library's own warnings, such as that of a collector that is away, in our log."""
    logger = logging.getLogger("opentelemetry")
    for handler in logging.getLogger("mirante").handlers:
        if handler not in logger.handlers:
            logger.addHandler(handler)
            logger.propagate = False


def tracing_of(
    *, exporters: str = "", endpoint: str = "", protocol: str = "", disabled: str = ""
) -> Tracing | None:
    """Return the tracing that the variables ask for, or None.

    OTEL_TRACES_EXPORTER names exporters; without it, an endpoint asks for `otlp`.
    """
    asked = [name.strip().lower() for name in exporters.split(",") if name.strip()]
    if not asked and endpoint:
        asked = [OTLP]
    if disabled.strip().lower() == "true":
        return None
    found = [name for name in asked if name in (OTLP, CONSOLE)]
    if set(asked) - {OTLP, CONSOLE, NONE}:
        log.warning("OTEL_TRACES_EXPORTER: expected %s, %s or %s", OTLP, CONSOLE, NONE)
    if OTLP in found and protocol not in ("", SPOKEN):
        log.warning("OTEL_EXPORTER_OTLP_PROTOCOL: expected %s, which is spoken anyway", SPOKEN)
    return Tracing(found) if found else None
