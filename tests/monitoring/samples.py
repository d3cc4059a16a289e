"""A log over a folder, and a service whose predictions stand in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from monitoring.archive import MEBIBYTE, Archive, open_archive
from monitoring.archiving import archive_segments
from monitoring.prediction_log import PredictionLog
from monitoring.reading import LogReader
from monitoring.spool import Spool
from serving.service import PredictionService
from tables.schema import Schema
from tests.serving.factory import SIGNATURE, make_live, make_service

DAYS, MB = 30, 1000
NOW = datetime.now(UTC)


class NoArchiver:
    """Archives nothing: the test does."""

    def __init__(self) -> None:
        self.called = 0

    def due(self) -> None:
        """Count the call."""
        self.called += 1

    def attend(self) -> None:
        """Do nothing."""

    def patience(self) -> float | None:
        """Nothing is to be done."""
        return None

    def finish(self, patience: float) -> None:
        """Do nothing."""


@dataclass
class Logged:
    """A service with a log in a folder."""

    folder: Path
    spool: Spool
    archive: Archive
    log: PredictionLog
    service: PredictionService
    counts: Counter[str] = field(default_factory=Counter)

    def rows(self, model: str = "credit", **options: Any) -> list[dict[str, Any]]:
        """Return all rows of a model, archived or not."""
        reader = LogReader(self.archive, self.spool)
        span = NOW - timedelta(days=2), datetime.now(UTC) + timedelta(hours=1)
        return [
            row for table in reader.tables(model, *span, **options) for row in table.to_pylist()
        ]

    def archived(self) -> int:
        """Archive what is finished."""
        return archive_segments(self.spool, self.archive, DAYS, MB)


def make_logged(
    folder: Path,
    schema: Schema = SIGNATURE,
    *,
    most_bytes: int = 64 * MEBIBYTE,
    archive: Archive | None = None,
    **options: Any,
) -> Logged:
    """Return a service of a credit model of the schema whose answers are logged."""
    spool = Spool(folder / ".spool", most_bytes)
    counts: Counter[str] = Counter()

    def count(outcome: str, rows: int) -> None:
        counts[outcome] += rows

    settings: dict[str, Any] = {"share": 1.0, "seconds": 3600.0, "key": b""}
    log = PredictionLog(spool, count=count, archiver=NoArchiver(), **(settings | options))
    live = make_live(schema=schema)
    live.codec.keeps_words = True
    service = make_service(live, prediction_log=log)
    return Logged(folder, spool, archive or open_archive(str(folder)), log, service, counts)


def changed(schema: Schema, name: str, **fields: Any) -> Schema:
    """Return a schema, one feature of which has other fields."""
    replace: Callable[..., Any] = msgspec.structs.replace
    features = (replace(f, **fields) if f.name == name else f for f in schema.features)
    changed: Schema = replace(schema, features=tuple(features))
    return changed
