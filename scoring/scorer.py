"""The scorer: a batch of a table's rows in, the same rows with their answers out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec
import numpy as np
import pyarrow as pa

from errors import RowProblem, RowsError
from learning.explaining import explainer
from learning.intervals import INTERVALS, Intervals
from learning.prediction import Outputs
from learning.tasks import task_of
from persistence.artifact import verify
from persistence.model_persistence import Model, load_model
from persistence.seal import Trust
from scoring.answers import columns_of, contributions_of, intervals_of, names_of
from scoring.coherence import Coherence, important_columns
from scoring.options import Options
from tables.arrow_rows import ArrowEncoder, reason_of, without_views
from tables.batch import Batch
from tables.dialect import Dialect
from tables.rows import Formats

# A compiled model takes so many rows at once: more would ask for threads of its own, and each
# processor has a process here.
BLOCK_ROWS = 512
REJECTED = pa.schema([("row", pa.int64()), ("field", pa.string()), ("reason", pa.string())])


class Scored(NamedTuple):
    """What a batch came to: its good rows with their answers, the faults of the others by row.

    `unseen` is how many rows have a category that training never saw, by feature.
    """

    table: pa.Table
    rejected: pa.Table
    unseen: dict[str, int]


class Scorer:
    """Scores tables by one model; each process and each thread makes its own.

    `dialect` is that of the text which the tables were read from, None for what has types.
    """

    def __init__(
        self, model: Model, options: Options | None = None, dialect: Dialect | None = None
    ) -> None:
        self.options = options or Options()
        self.schema = model.schema
        self.name, self.version = model.name, model.version
        self._runtime = model.runtime
        self._task = task_of(model.schema.target)
        self._encoder = ArrowEncoder(model.codec, strict=self.options.strict, dialect=dialect)
        info = model.info
        self._coherence = Coherence(important_columns(model.schema, info))
        kept = info.get(INTERVALS)
        self._intervals = msgspec.convert(kept, Intervals) if kept else None
        self._explainer = (
            explainer.load(model.artifact.members, model.runtime, model.schema)
            if self.options.contributions
            else None
        )
        self.names = names_of(model.schema, self.options)

    @classmethod
    def of_artifact(
        cls,
        artifact: bytes,
        options: Options | None = None,
        dialect: Dialect | None = None,
        trust: Trust | None = None,
    ) -> Self:
        """Return the scorer of an artifact's bytes, whose seal is checked where there is trust.

        Raises the ArtifactErrors.
        """
        return cls(load_model(verify(artifact, trust)), options, dialect)

    def use_formats(self, formats: Formats) -> None:
        """Read numbers as they are written in other rows of the same table."""
        self._encoder.formats = dict(formats)

    def check_names(self, names: list[str]) -> None:
        """Raise RowsError for a table that has a column of a name which is to be added."""
        for name in names:
            if name in self.names:
                raise RowsError(
                    f"the table has a column {name}, as the answers do: "
                    "choose a prefix for theirs (--prefix), or leave the column out"
                )

    def score(self, table: pa.Table | pa.RecordBatch, first: int = 1) -> Scored:
        """Score a table's rows, of which `first` is the number of the first.

        Raises RowsError for a table that lacks a column, or has one of an answer's name; with
        `strict` also for a bad row, which it names.
        """
        scored = self.score_all(table, first)
        self.check_rejected(scored.rejected)
        return scored

    def check_rejected(self, rejected: pa.Table, file: str = "") -> None:
        """Raise RowsError, naming the first of the bad rows, where `strict` wants none."""
        if len(rejected) and self.options.strict:
            row = rejected.slice(0, 1).to_pylist()[0]
            where = f"{file}, " if file else ""
            raise RowsError(
                f"{where}row {row['row']}, {row['field'] or 'the row'}: {row['reason']}"
            )

    def score_all(self, table: pa.Table | pa.RecordBatch, first: int = 1) -> Scored:
        """Score a table's rows as `score` does, and leave it to the caller to mind bad ones."""
        if isinstance(table, pa.RecordBatch):
            table = pa.Table.from_batches([table])
        table = without_views(table)
        self.check_names(table.column_names)
        encoded = self._encoder.encode(table)
        rejected = rejected_table(encoded.problems, first)
        if encoded.good is not None:
            table = table.filter(pa.array(encoded.good))
        for name, column in zip(self.names, self._answers(encoded.batch), strict=True):
            table = table.append_column(name, column)
        return Scored(table, rejected, encoded.unseen)

    def _answers(self, batch: Batch) -> list[pa.Array]:
        outputs = self._outputs(batch)
        columns = columns_of(outputs, self.schema, self._task, self.options)
        if self.options.interval is not None:
            values = np.asarray(columns[0]).astype(np.float64)
            columns += intervals_of(values, self._intervals, self.options.interval)
        if self.options.contributions:
            columns += contributions_of(batch, outputs, self._explainer, self.schema)
        return columns

    def _outputs(self, batch: Batch) -> Outputs:
        """Return the model's outputs, made in the order that is quickest."""
        rows = len(batch.matrix)
        if not self._runtime.compiled or batch.texts or not rows:
            return self._all(batch) if rows else self._none()
        order = self._coherence.order(batch.matrix)
        matrix = batch.matrix if order is None else batch.matrix[order]
        starts = range(0, rows, BLOCK_ROWS)
        parts = [self._runtime.outputs(Batch(matrix[i : i + BLOCK_ROWS])) for i in starts]
        found = np.concatenate(parts)
        if order is None:
            return found
        outputs = np.empty_like(found)
        outputs[order] = found
        return outputs

    def _all(self, batch: Batch) -> Outputs:
        return self._runtime.outputs(batch)

    def _none(self) -> Outputs:
        return np.empty((0, self._task.width(self.schema.target)))


def rejected_table(problems: Sequence[RowProblem], first: int) -> pa.Table:
    """Return problems as rows of REJECTED, `first` added to their numbers."""
    columns = [
        [problem.row + first for problem in problems],
        [problem.field for problem in problems],
        [reason_of(problem) for problem in problems],
    ]
    return pa.table(columns, schema=REJECTED)
