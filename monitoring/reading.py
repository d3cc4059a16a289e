"""Reading the log back: a model's rows between two moments, a segment at a time.

PyArrow is imported here: a web process never imports this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from errors import KeyMissing
from monitoring.archive import Archive
from monitoring.parquet import from_parquet, tables_of
from monitoring.spool import Spool
from monitoring.subject import Subject

DAY = timedelta(days=1)
# The columns that say what was answered.
ANSWER, PROBABILITIES = "answer", "probabilities"
OUTPUTS = (ANSWER, PROBABILITIES)
# Those of what a challenger answered, and which version it was.
SHADOW = "shadow_"
SHADOW_VERSION = "shadow_version"
SHADOWS = (SHADOW_VERSION, *(SHADOW + name for name in OUTPUTS))


class LogReader:
    """Reads an archive and, where it is on this machine, the spool of what is not archived yet."""

    def __init__(self, archive: Archive, spool: Spool | None = None) -> None:
        self._archive = archive
        self._spool = spool

    def models(self) -> list[str]:
        """Return the names of the models that have rows. Raises StoreUnavailable."""
        waiting = {subject.model for _, subject, _ in self._segments()}
        return sorted({*self._archive.models(), *waiting})

    def tables(
        self, model: str, start: datetime, end: datetime, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows answered from `start` and before `end`, a table a segment and version.

        `columns` are those to read, as far as there are such; `time` is always read. No
        table has more rows than a segment, and each row comes once. A table's schema has
        under `mirante` in its metadata the model, version, task, target and classes, as JSON.
        Raises StoreUnavailable.
        """
        # First: what is archived meanwhile is then known, and is not read twice.
        names = _with_time(columns)
        waiting = self._waiting([model], names)[model]
        yield from self._tables(model, start, end, names, waiting)

    def _tables(
        self,
        model: str,
        start: datetime,
        end: datetime,
        names: Sequence[str] | None,
        waiting: dict[str, pa.Table],
    ) -> Iterator[pa.Table]:
        for segment, key in self._archive.predictions(model, start, end).items():
            if segment in waiting:
                continue
            try:
                table = from_parquet(self._archive.get(key), names)
            except KeyMissing:  # it was deleted meanwhile
                continue
            yield from _between(table, start, end)
        for table in waiting.values():
            yield from _between(table, start, end)

    def newest_first(
        self, models: Sequence[str], start: datetime, end: datetime, columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        """Yield the rows of models as `tables` does, the last day's before those of earlier ones.

        Raises StoreUnavailable.
        """
        names = _with_time(columns)
        # Once: the spool has no days, and is long while much is answered.
        waiting = self._waiting(models, names)
        while end > start:
            for model in models:
                yield from self._tables(model, max(end - DAY, start), end, names, waiting[model])
            end -= DAY

    def _waiting(
        self, models: Sequence[str], names: Sequence[str] | None
    ) -> dict[str, dict[str, pa.Table]]:
        """Return what the spool has of each model, by the name that the archive will give it."""
        found: dict[str, dict[str, pa.Table]] = {model: {} for model in models}
        for name, subject, table in self._segments():
            if subject.model in found:
                known = [n for n in names or table.column_names if n in table.column_names]
                found[subject.model][name] = table.select(known)
        return found

    def _segments(self) -> Iterator[tuple[str, Subject, pa.Table]]:
        for path in self._spool.paths() if self._spool else ():
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # it was archived meanwhile
                continue
            for number, (subject, table) in enumerate(tables_of(data)):
                yield f"{path.stem}-{number}", subject, table


def _with_time(columns: Sequence[str] | None) -> Sequence[str] | None:
    return None if columns is None else ["time", *(n for n in columns if n != "time")]


def outputs_of(table: pa.Table) -> NDArray[np.float64]:
    """Return what was answered in rows with the columns OUTPUTS `[n, width]`."""
    if PROBABILITIES not in table.column_names:
        return np.asarray(table[ANSWER], np.float64).reshape(-1, 1)
    lists = table[PROBABILITIES].combine_chunks()
    return np.asarray(lists.flatten(), np.float64).reshape(-1, lists.type.list_size)


def shadowed(table: pa.Table) -> pa.Table | None:
    """Return the rows that a challenger answered too, with its answers and version as theirs.

    None where there are no such rows.
    """
    if SHADOW_VERSION not in table.column_names:
        return None
    chosen = table.filter(pc.is_valid(table[SHADOW_VERSION]))
    names = [name for name in chosen.column_names if name not in ("version", *OUTPUTS)]
    renamed = chosen.select(names).rename_columns([n.removeprefix(SHADOW) for n in names])
    return renamed.replace_schema_metadata(table.schema.metadata)


def _between(table: pa.Table, start: datetime, end: datetime) -> Iterator[pa.Table]:
    kind = table["time"].type
    low, high = pa.scalar(start, kind), pa.scalar(end, kind)
    chosen = table.filter(
        pc.and_(pc.greater_equal(table["time"], low), pc.less(table["time"], high))
    )
    if len(chosen):
        yield chosen
