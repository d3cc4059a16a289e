"""Replay: what a challenger answers to logged rows, beside the champion, before it takes over.

PyArrow is imported here: a web process never imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from errors import Conflict, ModelFault
from learning.comparison import Comparison, compare
from learning.learnt_rows import learnt
from learning.prediction import Runtime
from learning.tasks import task_of
from monitoring.archive import Archive
from monitoring.logged_rows import batch_of, input_columns, lacking
from monitoring.reading import LogReader
from monitoring.replay_documents import ReplayDocuments
from monitoring.replay_slices import Slice, slices_of
from monitoring.truths import Matched, matched, read, target_of
from persistence.artifact import Artifact
from persistence.model_persistence import load_model
from persistence.registry import Registry
from tables.batch import Batch
from tables.schema import Schema

DAYS = 7
# So many rows are replayed, the newest, and as many again of those whose truth is known.
MOST_ROWS = 100_000
# Rows that are answered at once.
CHUNK = 10_000
# A quantity has changed if it has by more than this share of how the champion's answers spread.
CHANGED = 0.01
SEED = 0

Doubles = NDArray[np.float64]


class Contestant(NamedTuple):
    """A model as it answers logged rows; `members` tell what it has learnt from."""

    version: str
    schema: Schema
    runtime: Runtime
    members: Mapping[str, bytes]


class Answers(NamedTuple):
    """What both answered to some rows, of which `known` have a truth that neither has learnt.

    `rows` are encoded as the challenger reads them, `learnt` is how many more have a truth.
    """

    champion: Doubles
    challenger: Doubles
    rows: NDArray[np.float32]
    known: NDArray[np.intp]
    values: Doubles
    learnt: int


class Found(NamedTuple):
    """What a replay found; `skipped` rows lack `fields` that one of the two reads.

    `comparison` is of the rows whose truth is known, None where there is none; `difference`
    is a row's: half of the sum over classes of how far probabilities are apart, or how far
    a quantity is.
    """

    champion: str
    challenger: str
    loss_name: str
    rows: int
    skipped: int
    fields: tuple[str, ...]
    changed: int
    difference: Mapping[str, float]
    slices: tuple[Slice, ...]
    learnt: int
    comparison: Comparison | None

    def document(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        truth: dict[str, Any] = {"rows": 0, "learnt_by_either": self.learnt}
        if self.comparison is not None:
            truth |= self.comparison.document(self.loss_name)
        return {
            "champion": self.champion,
            "challenger": self.challenger,
            "rows": self.rows,
            "skipped": {"rows": self.skipped, "fields": self.fields},
            "changed": {"rows": self.changed, "share": self.changed / max(self.rows, 1)},
            "difference": self.difference,
            "slices": [each.document() for each in self.slices],
            "truth": truth,
        }


def replay(
    champion: Contestant,
    challenger: Contestant,
    tables: Iterable[pa.Table],
    truths: pa.Table,
) -> Found:
    """Let both answer logged rows, and return how they differ.

    `tables` are a log's, the newest first, `truths` those of `monitoring.truths.read`.
    Raises Conflict where the two predict something else, and ModelFault.
    """
    if champion.schema.target != challenger.schema.target:
        raise Conflict("the challenger has another label, or other classes, than the champion")
    counted = _Rows()
    parts = [
        _answered(champion, challenger, table, known)
        for table, known in counted.chosen(tables, truths, champion.schema, challenger.schema)
    ]
    return _found(champion, challenger, counted, parts)


class _Rows:
    """Chooses the rows that are replayed, and counts those that cannot be."""

    def __init__(self) -> None:
        self.rows = 0
        self.known = 0
        self.skipped = 0
        self.fields: dict[str, None] = {}

    def chosen(
        self, tables: Iterable[pa.Table], truths: pa.Table, *schemas: Schema
    ) -> Iterator[tuple[pa.Table, Matched]]:
        """Yield tables with which of their rows have a truth."""
        for table in tables:
            if not self._can_be_answered(table, schemas):
                continue
            newest = table.slice(max(0, len(table) - max(0, MOST_ROWS - self.rows)))
            if len(newest):
                yield self._counted(newest, matched(newest, truths))
            elif self.known >= MOST_ROWS:
                return
            elif len((known := matched(table, truths)).rows):
                # Truths come late: rows that have one count beyond the newest.
                every = known._replace(rows=np.arange(len(known.rows)))
                yield self._counted(table.take(known.rows), every)

    def _counted(self, table: pa.Table, known: Matched) -> tuple[pa.Table, Matched]:
        self.rows += len(table)
        self.known += len(known.rows)
        return table, known

    def _can_be_answered(self, table: pa.Table, schemas: Sequence[Schema]) -> bool:
        target, own = target_of(table), schemas[0].target
        if (target.name, target.classes, target.task) != (own.name, own.classes, own.task):
            return False
        missing = {name for schema in schemas for name in lacking(table, schema)}
        self.fields |= dict.fromkeys(sorted(missing))
        self.skipped += len(table) if missing else 0
        return not missing


def _answered(
    champion: Contestant, challenger: Contestant, table: pa.Table, known: Matched
) -> Answers:
    outputs, fair, rows = [], np.ones(len(table), np.bool_), np.zeros((0, 0), np.float32)
    for each in (champion, challenger):
        batch = batch_of(table, each.schema)
        rows = batch.matrix
        outputs.append(_outputs(each, batch))
        seen = learnt(each.members, batch)
        fair &= ~seen if seen is not None else True
    good = fair[known.rows]
    return Answers(
        outputs[0], outputs[1], rows, known.rows[good], known.values[good], int((~good).sum())
    )


def _outputs(model: Contestant, batch: Batch) -> Doubles:
    count = len(batch.matrix)
    parts = [
        model.runtime.outputs(
            Batch(
                batch.matrix[start : start + CHUNK],
                tuple(text[start : start + CHUNK] for text in batch.texts),
            )
        )
        for start in range(0, count, CHUNK)
    ]
    outputs = np.concatenate(parts).astype(np.float64)
    if not np.isfinite(outputs.sum()):
        raise ModelFault(f"version {model.version} answers NaN or infinity to logged rows")
    return outputs


def _found(
    champion: Contestant, challenger: Contestant, counted: _Rows, parts: Sequence[Answers]
) -> Found:
    task = task_of(challenger.schema.target)
    before: Doubles = _joined([part.champion for part in parts])
    after: Doubles = _joined([part.challenger for part in parts])
    apart, changed = _apart(before, after)
    rows = _joined([part.rows for part in parts])
    return Found(
        champion.version,
        challenger.version,
        task.loss_name,
        len(before),
        counted.skipped,
        tuple(counted.fields),
        int(changed.sum()),
        _described(apart),
        slices_of(challenger.schema, rows, apart, changed) if len(rows) else (),
        sum(part.learnt for part in parts),
        _compared(challenger.schema, parts),
    )


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros((0, 1))


def _apart(before: Doubles, after: Doubles) -> tuple[Doubles, NDArray[np.bool_]]:
    """Return by how much each answer differs `[n]`, and whether it is another `[n]`."""
    if before.shape[1] > 1:
        apart: Doubles = np.abs(after - before).sum(axis=1) / 2
        return apart, before.argmax(axis=1) != after.argmax(axis=1)
    apart = np.abs(after - before)[:, 0]
    return apart, apart > CHANGED * (before.std() if len(before) else 0.0)


def _described(apart: Doubles) -> dict[str, float]:
    if not len(apart):
        return {}
    middle, most = np.quantile(apart, [0.5, 0.95]).tolist()
    found = {"mean": float(apart.mean()), "median": middle, "of_19_in_20_at_most": most}
    return {**found, "largest": float(apart.max())}


def _compared(schema: Schema, parts: Sequence[Answers]) -> Comparison | None:
    known = [part for part in parts if len(part.known)]
    if not known:
        return None
    task, values = task_of(schema.target), _joined([part.values for part in known])
    values = values.astype(np.intp) if schema.target.classes else values
    before = _joined([part.champion[part.known] for part in known])
    after = _joined([part.challenger[part.known] for part in known])
    return compare(task.losses(before, values), task.losses(after, values), SEED)


class Replays:
    """Replays a model's logged rows of the last days."""

    def __init__(self, registry: Registry, archive: Archive, reader: LogReader) -> None:
        self._registry = registry
        self._archive = archive
        self._reader = reader

    def of_version(self, name: str, version: str, days: int = DAYS) -> Found:
        """Let a version answer beside the champion; as `of` does, and raises VersionUnknown."""
        return self.of(name, contestant(self._registry.read(name, version)), days)

    def keep(self, name: str, version: str, document: dict[str, Any]) -> None:
        """Keep what a replay of a version found, in the place of the last one."""
        ReplayDocuments(self._archive).keep(name, version, document)

    def of(self, name: str, challenger: Contestant, days: int = DAYS) -> Found:
        """Let a challenger answer the rows of the last days beside the champion.

        Raises Conflict where it is the champion, or predicts something else; ModelUnknown
        where there is no champion; ModelFault, StoreUnavailable and the ArtifactErrors.
        """
        champion = contestant(self._registry.read_champion(name)[1])
        if champion.version == challenger.version:
            raise Conflict("the version is the champion: there is nothing to compare it with")
        end = datetime.now(UTC)
        start = end - timedelta(days=days)
        columns = {*input_columns(champion.schema), *input_columns(challenger.schema)}
        names = ["id", "version", *sorted(columns)]
        tables = self._reader.newest_first([name], start, end, names)
        return replay(champion, challenger, tables, read(self._archive, start))


def contestant(artifact: Artifact) -> Contestant:
    """Return the model of an artifact. Raises the ArtifactErrors."""
    model = load_model(artifact)
    return Contestant(model.version, model.schema, model.runtime, artifact.members)
