"""Truths: what came true of a prediction, by its id, as they are kept beside the log.

PyArrow is imported here: a web process never imports this module.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from errors import KeyMissing
from monitoring.archive import Archive
from monitoring.parquet import ABOUT, from_parquet, to_parquet
from tables.cells import BOOLEAN_WORDS, TRUE_WORDS
from tables.schema import Class, Target

_TIME: Any = pa.timestamp("us", "UTC")
_SCHEMA: Any = pa.schema({"id": pa.string(), "truth": pa.string(), "time": _TIME})


def target_of(table: pa.Table) -> Target:
    """Return the target of the rows of a logged table."""
    about = msgspec.json.decode(table.schema.metadata[ABOUT])
    return Target(about["target"], tuple(about["classes"]), about["task"])


def text_of(truth: bool | int | float | str) -> str:
    """Return a truth as it is kept."""
    return str(truth).lower() if isinstance(truth, bool) else str(truth).strip()


def value_of(text: str, target: Target) -> float | None:
    """Return what a truth is for a target, None where it can be none.

    Of classes it is the index of the one; a quantity is a finite number.
    """
    if not target.classes:
        return _number(text)
    if all(isinstance(name, bool) for name in target.classes):
        text = text.lower()
    return _by_text(target.classes).get(text, _of_number(text, target.classes))


def known_text(text: str, target: Target) -> str:
    """Return a truth that a target can have as it is kept: a class by its name."""
    value = value_of(text, target)
    return text if value is None or not target.classes else target.keys[int(value)]


class Matched(NamedTuple):
    """The rows of a table whose truth is known: their indices `[n]`, and the values `[n]`.

    `unusable` is how many truths are none that the target can have.
    """

    rows: NDArray[np.intp]
    values: NDArray[np.float64]
    unusable: int = 0

    def of_target(self, target: Target) -> NDArray[Any]:
        """Return the values as the target's task takes them: the indices of classes."""
        return self.values.astype(np.intp) if target.classes else self.values


class Known(NamedTuple):
    """Rows whose truth is known: what was answered `[n, width]`, what is true `[n]`."""

    answered: NDArray[np.float64]
    values: NDArray[Any]


def matched(table: pa.Table, truths: pa.Table) -> Matched:
    """Return which rows of a logged table, by their `id`, have a truth among those of `read`."""
    at = pc.index_in(table["id"], value_set=truths["id"].combine_chunks())
    rows = np.flatnonzero(np.asarray(at.is_valid()))
    if len(rows) == 0:
        return Matched(rows, np.zeros(0))
    target, texts = target_of(table), truths["truth"].take(at.drop_null()).to_pylist()
    by_text = {text: value_of(text, target) for text in set(texts)}
    values = np.array([math.nan if by_text[t] is None else by_text[t] for t in texts])
    good = ~np.isnan(values)
    return Matched(rows[good], values[good], int((~good).sum()))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _by_text(classes: Sequence[Class]) -> Mapping[str, float]:
    found = {text_of(name): float(index) for index, name in enumerate(classes)}
    if all(isinstance(name, bool) for name in classes):
        words = {word: float(classes.index(word in TRUE_WORDS)) for word in BOOLEAN_WORDS}
        found = {**words, **found}
    return found


def _of_number(text: str, classes: Sequence[Class]) -> float | None:
    """Return the class that a number is, however it is written: 1.0 for 1."""
    number = _number(text)
    if number is None or any(isinstance(name, str) for name in classes):
        return None
    return next((float(i) for i, name in enumerate(classes) if float(name) == number), None)


def keep(archive: Archive, truths: Mapping[str, str]) -> None:
    """Keep the truths of some ids, which came now. Raises StoreUnavailable."""
    if not truths:
        return
    now = datetime.now(UTC)
    table = pa.table(
        {
            "id": pa.array(list(truths), pa.string()),
            "truth": pa.array(list(truths.values()), pa.string()).dictionary_encode(),
            "time": pa.array([now] * len(truths), _TIME),
        }
    )
    name = f"{time.time_ns() // 1000:016d}-{secrets.token_hex(4)}"
    archive.keep_feedback(now, name, to_parquet(table))


def read(archive: Archive, since: datetime) -> pa.Table:
    """Return the `id` and the last `truth` of all truths that came since a moment.

    A truth comes after its prediction: those of a span's predictions came since it began.
    Raises StoreUnavailable.
    """
    return _last(_kept(archive, since))


def arrived(archive: Archive, since: datetime, start: datetime, end: datetime) -> pa.Table:
    """Return the `id` and the `truth` of ids whose first truth came from `start` and before `end`.

    Of corrections in that span the last counts. Truths since `since` tell which were first:
    a correction of an earlier one is none that arrived. Raises StoreUnavailable.
    """
    kept = _kept(archive, since)
    kept = kept.filter(pc.less(kept["time"], pa.scalar(end, _TIME)))
    first = kept.group_by("id", use_threads=False).aggregate([("time", "min")])
    first = first.filter(pc.greater_equal(first["time_min"], pa.scalar(start, _TIME)))
    return _last(kept.filter(pc.is_in(kept["id"], value_set=first["id"].combine_chunks())))


def _kept(archive: Archive, since: datetime) -> pa.Table:
    tables = [_SCHEMA.empty_table()]
    for key in archive.feedback(since):
        try:
            table = from_parquet(archive.get(key), _SCHEMA.names)
        except KeyMissing:  # it was deleted meanwhile
            continue
        tables.append(table.select(_SCHEMA.names).cast(_SCHEMA))
    return pa.concat_tables(tables)


def _last(kept: pa.Table) -> pa.Table:
    last = kept.group_by("id", use_threads=False).aggregate([("truth", "last")])
    return last.rename_columns({"truth_last": "truth"}).select(["id", "truth"])
