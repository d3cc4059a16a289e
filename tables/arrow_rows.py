"""Rows as Arrow has them: whole columns checked against the signature and encoded into a batch.

What a column of numbers or words says is what `tables.rows` reads of the same cells as text;
rows in which one does not fit take the patient way of a request's rows, which names the fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import LONGEST_NAME, RowProblem, RowsError
from tables.batch import Batch
from tables.cells import read_cell
from tables.column import as_columns, as_texts, encode_column, missing_of
from tables.dialect import Dialect
from tables.field_aliases import canonical
from tables.numbers import PLAIN_NUMBERS, NumberFormat, is_number
from tables.readers import columnar
from tables.readers.columnar import texts_of_column
from tables.rows import LARGEST, MOST_PROBLEMS, Formats, RowCodec, check_value, words_of
from tables.schema import UNKNOWN, Feature
from tables.texts import Texts

if TYPE_CHECKING:
    import pyarrow as pa

Mask = NDArray[np.bool_]
_NUMBERS = ("number", "integer")


class Encoded(NamedTuple):
    """What a table's rows came to.

    `batch` holds the good rows and `good` says which those are, None for all of them;
    `problems` are all that is wrong with the others, rows counted from 0, and `unseen` how many
    rows have a category that training never saw, by feature.
    """

    batch: Batch
    good: Mask | None
    problems: list[RowProblem]
    unseen: dict[str, int]


class _Column(NamedTuple):
    """A feature's values `[n]` or `[n, parts]`, which rows fit, and how its numbers are written."""

    values: Any
    good: Mask
    written: NumberFormat = PLAIN_NUMBERS


class ArrowEncoder:
    """Encodes Arrow's columns as rows of one signature.

    `strict` refuses categories never seen, and missing values where training had none.
    `dialect` is that of the text which the columns were read from. Numbers that may be written
    in several ways are read, in all batches, as the first batch has them: `formats` says how.
    """

    def __init__(
        self, codec: RowCodec, *, strict: bool = False, dialect: Dialect | None = None
    ) -> None:
        self._codec = codec
        self._schema = codec.schema
        self._strict = strict
        self.formats: Formats = dict(codec.formats_for(dialect))
        self._imputes = codec.schema.imputes is True and not strict
        self._words = {feature.name: words_of(feature) for feature in self._schema.features}
        self._typed = {
            feature.name
            for feature in self._schema.features
            if feature.kind in _NUMBERS and not any(map(is_number, missing_of(feature)))
        }

    def encode(self, table: pa.Table) -> Encoded:
        """Encode a table's rows.

        Columns that are no features are not looked at; a feature that may be missing may have no
        column. Raises RowsError for a table that lacks a column.
        """
        columns = self._columns(table)
        read, good = self._all(columns, table.num_rows)
        if good.all():
            return Encoded(self._batch(read), None, [], self._unseen(read))
        return self._with_bad_rows(columns, read, good)

    def encode_good(self, table: pa.Table) -> Batch | None:
        """Encode a table's rows where all of them fit; None where one does not."""
        read, good = self._all(self._columns(table), table.num_rows)
        return self._batch(read) if good.all() else None

    def _all(
        self, columns: Mapping[str, pa.ChunkedArray], rows: int
    ) -> tuple[dict[str, _Column], Mask]:
        read = {name: self._read(name, columns.get(name), rows) for name in self._names()}
        return read, np.logical_and.reduce([column.good for column in read.values()])

    def _names(self) -> list[str]:
        return [feature.name for feature in (*self._schema.values, *self._schema.texts)]

    # ------------------------------------------------ columns

    def _columns(self, table: pa.Table) -> dict[str, pa.ChunkedArray]:
        """Return the columns of the features that the table has, by name."""
        table = without_views(table)
        names = canonical(table.column_names, self._schema)
        found: dict[str, pa.ChunkedArray] = {}
        for index, name in enumerate(names):
            if name in self._words:
                if name in found:
                    raise RowsError(f"the table has two columns {name}")
                found[name] = _chunked(table.column(index))
        self._check_missing(names)
        return found

    def _check_missing(self, names: Sequence[str]) -> None:
        strangers = [name for name in names if name not in self._words]
        for feature in self._schema.features:
            if feature.name in names:
                continue
            near = get_close_matches(feature.name, strangers, 1)
            if near or not (feature.nullable or self._imputes):
                known = [n for n in near if len(n) < LONGEST_NAME and n.isprintable()]
                hint = f"; is {known[0]} meant for it?" if known else ""
                raise RowsError(f"the table has no column {feature.name}{hint}")

    def _read(self, name: str, column: pa.ChunkedArray | None, rows: int) -> _Column:
        feature = self._codec.feature(name)
        may_miss = feature.nullable or self._imputes
        if column is None:
            return _nothing(feature, rows)
        if feature.kind == "text":
            return _texts(name, column, may_miss)
        numbers = _numbers(column) if name in self._typed else None
        if numbers is not None:
            return _Column(numbers, _good_numbers(feature, numbers, may_miss))
        if feature.kind in _NUMBERS or feature.dates is not None:
            return self._written(feature, column, may_miss)
        return self._coded(feature, column, may_miss)

    def _written(self, feature: Feature, column: pa.ChunkedArray, may_miss: bool) -> _Column:
        """Read numbers or dates of texts: all at once, or else each different text by itself."""
        texts = texts_of_column(feature.name, column)
        for written in self.formats[feature.name]:
            try:
                values = np.asarray(encode_column(feature, texts, (written,)))
            except ValueError:
                continue
            if feature.kind in _NUMBERS and len(texts):
                self.formats[feature.name] = (written,)
            good = _good_numbers(feature, values, may_miss)
            return _Column(values, good, written)
        return self._by_words(feature, texts, may_miss)

    def _by_words(self, feature: Feature, texts: Texts, may_miss: bool) -> _Column:
        words, codes = _different(texts.array)
        best: tuple[int, NumberFormat, list[bool]] | None = None
        for written in self.formats[feature.name]:
            fit = [self._value(feature, word, written)[1] for word in words]
            if best is None or sum(fit) > best[0]:
                best = sum(fit), written, fit
        assert best is not None
        _, written, fit = best
        good = np.array([*fit, may_miss])[codes]
        kept = texts.array.filter(_boolean(good))
        values = np.full((len(good), len(feature.columns)), np.nan, np.float32)
        values[good] = as_columns(encode_column(feature, Texts(kept), (written,)))
        return _Column(values, good, written)

    def _coded(self, feature: Feature, column: pa.ChunkedArray, may_miss: bool) -> _Column:
        """Read words that stand for codes, each different one once."""
        words, codes = _different(column)
        read = [self._value(feature, word, PLAIN_NUMBERS) for word in words]
        values = np.array([*(value for value, _ in read), np.nan], np.float32)
        good = np.array([*(fits for _, fits in read), may_miss])
        return _Column(values[codes], good[codes])

    def _value(self, feature: Feature, word: str, written: NumberFormat) -> tuple[float, bool]:
        """Return the code of a word where there is one, and whether a row may have it."""
        value = read_cell(word, feature.kind, missing_of(feature), written)
        if value is None and self._imputes:
            return np.nan, True
        value, rejection = check_value(feature, value, self._strict)
        if rejection is not None:
            return np.nan, False
        codes = self._words[feature.name]
        return (0.0 if codes is None else codes.get(value, feature.fallback)), True

    # ------------------------------------------------ rows

    def _batch(self, read: Mapping[str, _Column], chosen: Mask | None = None) -> Batch:
        rows = len(next(iter(read.values())).good)
        matrix = np.empty((rows, len(self._schema.numeric)), np.float32)
        for feature, where in zip(self._schema.values, self._schema.slices, strict=True):
            matrix[:, where] = as_columns(read[feature.name].values)
        texts = [read[feature.name].values for feature in self._schema.texts]
        if chosen is None:
            return Batch(matrix, tuple(texts))
        kept = np.flatnonzero(chosen).tolist()
        return Batch(matrix[chosen], tuple([column[i] for i in kept] for column in texts))

    def _unseen(self, read: Mapping[str, _Column], chosen: Mask | None = None) -> dict[str, int]:
        found: dict[str, int] = {}
        for feature in self._schema.values:
            if feature.kind == "category":
                values = read[feature.name].values
                count = np.count_nonzero((values if chosen is None else values[chosen]) == UNKNOWN)
                found |= {feature.name: int(count)} if count else {}
        return found

    def _with_bad_rows(
        self, columns: Mapping[str, pa.ChunkedArray], read: Mapping[str, _Column], good: Mask
    ) -> Encoded:
        """Name what is wrong with the rows that do not fit; none is let through after all."""
        bad = np.flatnonzero(~good)
        problems = list(self._problems(columns, read, bad))
        return Encoded(self._batch(read, good), good, problems, self._unseen(read, good))

    def _problems(
        self,
        columns: Mapping[str, pa.ChunkedArray],
        read: Mapping[str, _Column],
        bad: NDArray[np.intp],
    ) -> Iterator[RowProblem]:
        # So few rows at a time that all of their problems are listed.
        size = max(1, MOST_PROBLEMS // max(1, len(self._words)))
        for start in range(0, len(bad), size):
            rows = bad[start : start + size]
            for problem in self._faults(columns, read, rows):
                yield RowProblem(
                    int(rows[problem.row]), problem.field, problem.expected, problem.got
                )

    def _faults(
        self,
        columns: Mapping[str, pa.ChunkedArray],
        read: Mapping[str, _Column],
        rows: NDArray[np.intp],
    ) -> Sequence[RowProblem]:
        cells = {name: self._cells(name, columns[name], read[name], rows) for name in columns}
        objects = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
        decoded = self._codec.decode_objects(objects, partial=True, strict=self._strict)
        named = {problem.row for problem in decoded.problems}
        # What the columns refuse is refused, also where a row by itself would pass.
        rest = (
            RowProblem(index, name, f"a {self._codec.feature(name).kind}", "another value")
            for index, row in enumerate(rows.tolist())
            if index not in named
            for name, column in read.items()
            if not column.good[row]
        )
        return [*decoded.problems, *rest]

    def _cells(
        self, name: str, column: pa.ChunkedArray, read: _Column, rows: NDArray[np.intp]
    ) -> list[Any]:
        feature = self._codec.feature(name)
        texts = texts_of_column(name, _chunked(column.take(rows)))
        missing = missing_of(feature)
        return [read_cell(cell, feature.kind, missing, read.written) for cell in texts]


def without_views(table: pa.Table) -> pa.Table:
    """Return a table whose columns have no views of texts and bytes, nor categories of such."""
    for index, field in enumerate(table.schema):
        column = columnar.without_views(table.column(index))
        if column.type != field.type:
            table = table.set_column(index, field.with_type(column.type), column)
    return table


def _chunked(column: Any) -> pa.ChunkedArray:
    import pyarrow as pa

    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _boolean(mask: Mask) -> pa.Array:
    import pyarrow as pa

    return pa.array(mask)


def _nothing(feature: Feature, rows: int) -> _Column:
    """Return the column of a feature that the table has none for."""
    everywhere = np.ones(rows, dtype=bool)
    if feature.kind == "text":
        return _Column([""] * rows, everywhere)
    return _Column(np.full((rows, len(feature.columns)), np.nan, np.float32), everywhere)


def _texts(name: str, column: pa.ChunkedArray, may_miss: bool) -> _Column:
    texts = as_texts(texts_of_column(name, column))
    if may_miss:
        return _Column(texts, np.ones(len(texts), dtype=bool))
    return _Column(texts, np.array([text != "" for text in texts], dtype=bool))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return a column of numbers as doubles, NaN where missing; None where it holds no such."""
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind)):
        return None
    doubles: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return doubles


def _good_numbers(feature: Feature, values: NDArray[Any], may_miss: bool) -> Mask:
    missing = np.isnan(values)
    good: Mask = np.abs(values) <= LARGEST
    if feature.kind == "integer":
        good &= values == np.floor(values)
    if may_miss:
        good |= missing
    return good if good.ndim == 1 else np.logical_and.reduce(good, axis=1)


def _different(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.intp]]:
    """Return a column's different values as texts, and each row's index in them, -1 for none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = column.combine_chunks().dictionary_encode()
    words = texts_of_column("", _chunked(found.dictionary))
    # Others write them unsigned.
    indices = found.indices.cast(pa.int64(), safe=False)
    return list(words), pc.fill_null(indices, -1).to_numpy(zero_copy_only=False)


def reason_of(problem: RowProblem) -> str:
    """Return in one line what is wrong with a field."""
    return f"expected {problem.expected}, got {problem.got}"


def rows_of(problems: Iterable[RowProblem]) -> int:
    """Return how many rows have a problem."""
    return len({problem.row for problem in problems})
