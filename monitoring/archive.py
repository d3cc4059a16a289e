"""The archive: where the log is kept, in a folder, a bucket or a database, one object a segment.

predictions/{model}/date=YYYY-MM-DD/{hour}-{segment}.parquet
feedback/date=YYYY-MM-DD/{hour}-{moment}.parquet
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from errors import ConfigError
from persistence.opening import open_store
from persistence.stores.store import Store

PREDICTIONS, FEEDBACK = "predictions", "feedback"
# The table of an archive in a database.
TABLE = "prediction_log"
MEBIBYTE = 1024 * 1024
_HOUR = re.compile(r"/date=(\d{4}-\d\d-\d\d)/(\d\d)-([^/]+)\.parquet$")
HOUR = timedelta(hours=1)


def open_archive(address: str, options: Mapping[str, str] | None = None) -> Archive:
    """Return the archive at a folder's path, `s3://bucket/prefix` or `postgres://…`.

    Nothing is connected to yet. Raises ConfigError and DependencyError.
    """
    if not address:
        raise ConfigError("PREDICTION_LOG: expected a folder, s3://bucket/prefix or database")
    return Archive(open_store(address, options, table=TABLE))


def spool_of(address: str, folder: str) -> Path:
    """Return the spool's folder: the one that is named, or one in the archive's own folder."""
    if folder:
        return Path(folder)
    return Path("var/prediction_log") if "://" in address else Path(address) / ".spool"


class Archive:
    """A log's objects in a store, found by model and hour."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def keep(self, model: str, moment: datetime, segment: str, data: bytes) -> None:
        """Keep the rows of a model of one segment, the first of which was answered then.

        Again under the same key if that was done before. Raises StoreUnavailable.
        """
        self.store.put(f"{PREDICTIONS}/{model}/{_at(moment)}-{segment}.parquet", data)

    def keep_feedback(self, moment: datetime, name: str, data: bytes) -> None:
        """Keep truths that came at a moment. Raises StoreUnavailable."""
        self.store.put(f"{FEEDBACK}/{_at(moment)}-{name}.parquet", data)

    def models(self) -> list[str]:
        """Return the names of the models that have rows. Raises StoreUnavailable."""
        return sorted({key.split("/")[1] for key in self.store.list(f"{PREDICTIONS}/")})

    def predictions(self, model: str, start: datetime, end: datetime) -> dict[str, str]:
        """Return the key of each segment's object that may have rows between two moments.

        The oldest first. Raises StoreUnavailable.
        """
        found = self._between(f"{PREDICTIONS}/{model}/", start, end)
        return {segment: key for key, segment in found}

    def feedback(self, start: datetime) -> list[str]:
        """Return the keys of the truths that came since. Raises StoreUnavailable."""
        return [key for key, _ in self._between(f"{FEEDBACK}/", start, datetime.now(UTC) + HOUR)]

    def get(self, key: str) -> bytes:
        """Return an object. Raises KeyMissing and StoreUnavailable."""
        return self.store.get(key).data

    def _between(self, prefix: str, start: datetime, end: datetime) -> Iterator[tuple[str, str]]:
        for key in self.store.list(prefix):
            placed = _placed(key)
            # A segment lasts an hour at most, and is placed by its first row.
            if placed is not None and start - HOUR < placed[0] + HOUR and placed[0] <= end:
                yield key, placed[1]

    def trim(self, days: int, mebibytes: int, now: datetime) -> int:
        """Delete what is older than so many days, and the oldest beyond a size; return how many.

        Raises StoreUnavailable.
        """
        placed = [
            (where[0], key, size)
            for key, size in self.store.sizes().items()
            if (where := _placed(key)) is not None
        ]
        room, deleted = mebibytes * MEBIBYTE, 0
        for moment, key, size in sorted(placed, reverse=True):
            room -= size
            if moment + HOUR < now - timedelta(days=days) or room < 0:
                self.store.delete(key)
                deleted += 1
        return deleted


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("date=%Y-%m-%d/%H")


def _placed(key: str) -> tuple[datetime, str] | None:
    """Return the hour and the segment that a key names, None for a key of something else."""
    found = _HOUR.search(key)
    if found is None:
        return None
    hour = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H").replace(tzinfo=UTC)
    return hour, found[3]
