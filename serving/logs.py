"""Structured logs: one JSON object a line on standard error."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any

import msgspec

# What every LogRecord has; the rest came by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


_TOKEN = re.compile(r"(/api/v1/)[^/\s\"]+")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: time, level, logger, message, and its extras."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class HideTokens(logging.Filter):
    """Takes the key out of the one path that has one, in the lines of a server that logs paths."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, without keys."""
        record.msg, record.args = _TOKEN.sub(r"\1...", record.getMessage()), ()
        return True


def start_logging(level: str) -> None:
    """Send Mirante's loggers to standard error as JSON lines."""
    logger = logging.getLogger("mirante")
    # Others may have put a handler of their own there; it does not write these lines.
    if not any(isinstance(h.formatter, JsonFormatter) for h in logger.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
