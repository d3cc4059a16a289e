"""Rows: bytes or objects in, checked against the signature, encoded into a batch.

Two ways lead to the same batch. The quick way lets msgspec decode the bytes
straight into typed rows and stops at the first thing it does not like. The
patient way then looks at every field of every row, accepts what only looks
odd (9.0 for an integer), and names everything that is wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from operator import attrgetter
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import LONGEST_NAME, RowProblem, RowsError, TooManyRows
from tables.batch import Batch
from tables.cells import BOOLEAN_WORDS, TRUE_WORDS, read_cell, read_numbers
from tables.column import as_columns, as_texts, encode_column, formats_of, missing_of
from tables.date_parts import encoder
from tables.dates import read_moment
from tables.dialect import PLAIN_DIALECT, Dialect
from tables.field_aliases import ONE_NAME, TWO_NAMES, canonical
from tables.json_text import MOST_ROWS, blocks, check_row, is_long, parse_block, too_many
from tables.json_text import parse_json as parse_json
from tables.numbers import PLAIN_NUMBERS, NumberFormat
from tables.schema import UNKNOWN, Feature, Schema
from tables.texts import Texts

# A larger number would become infinite in the float32 matrix.
LARGEST = float(np.finfo(np.float32).max)
# More than these are not listed: whoever reads them has understood.
MOST_PROBLEMS = 100
# To look for a near miss costs more than all other checks of a row: so many names are compared.
MOST_HINTS = 10
# Further names of all fields together: a client uses one naming, and others take the patient way.
MOST_NAMINGS = 4
# Rows are encoded as they are read, so many at a time.
BLOCK_ROWS = 4096

BOOLEANS: dict[Any, float] = {
    True: 1.0,
    False: 0.0,
    **{
        written: float(word in TRUE_WORDS)
        for word in BOOLEAN_WORDS
        for written in (word, word.title(), word.upper())
    },
}
# What jsonlite writes for a number that R has not: toJSON(c(1, NA, NaN)) is [1,"NA","NaN"].
NOTHING_IN_R = ("NA", "NaN")
_WITHOUT_WORDS = frozenset({"number", "integer", "boolean"})
_BOOLEAN_WORDS = tuple(word for word in BOOLEANS if isinstance(word, str))
_ROW_TYPES: dict[str, Any] = {
    "number": Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)],
    "integer": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "boolean": bool | Literal[_BOOLEAN_WORDS],
    "category": str,
    "date": str,
    "text": str,
}
_JSON_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}

Values = tuple[Any, ...]
Parts = tuple[float, ...]
Rejection = tuple[str, str]
# Row and column of the matrix, and the word there that no code stands for.
Unseen = tuple[tuple[int, int, str], ...]
# How a feature's numbers may be written, by its name.
Formats = dict[str, tuple[NumberFormat, ...]]


class Decoded(NamedTuple):
    """What a request's rows came to.

    `batch` holds the good rows and `indices` where each stood in the request;
    `problems` says what was wrong with the others, `unknown` which (row, field)
    held a category that training never saw, and `missing` which had no value
    where training always had one: the first MOST_PROBLEMS of each, and how many more.
    `single` tells one bare row from a list of one, and `rows` is the number of all.
    `unseen` are the words of the batch that are none of the categories, where the codec
    keeps them.
    """

    batch: Batch
    indices: Sequence[int]
    problems: tuple[RowProblem, ...] = ()
    unknown: tuple[tuple[int, str], ...] = ()
    single: bool = False
    missing: tuple[tuple[int, str], ...] = ()
    more_problems: int = 0
    more_warnings: int = 0
    rows: int = 0
    unseen: Unseen = ()

    def in_order(self, answers: list[Any]) -> list[Any]:
        """Return each answer at its row's index in the request, None where a bad row stood."""
        if not self.problems:
            return answers
        found = dict(zip(self.indices, answers, strict=True))
        return [found.get(index) for index in range(self.rows)]


class _Gathered:
    """What the rows of one request have come to so far, a block after another."""

    def __init__(self, most_rows: int, partial: bool) -> None:
        self.most_rows = most_rows
        self.partial = partial
        self.batches: list[Batch] = []
        self.indices: list[int] = []
        self.problems: list[RowProblem] = []
        self.unknown: list[tuple[int, str]] = []
        self.missing: list[tuple[int, str]] = []
        self.unseen: list[tuple[int, int, str]] = []
        self.good = 0
        self.more_problems = 0
        self.more_warnings = 0
        self.count = 0
        self.faulty = 0
        self.hints: dict[str, str | None] = {}

    def add_row(self) -> int:
        """Count one more row, and return its index. Raises TooManyRows."""
        if self.count >= self.most_rows:
            raise TooManyRows(too_many(self.most_rows))
        self.count += 1
        return self.count - 1

    def add_problem(self, index: int, name: str | None, expected: str, got: str) -> None:
        """List a problem, or count it once there are enough."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(RowProblem(index, name, expected, got))
        else:
            self.more_problems += 1

    def add(self, decoded: Decoded) -> None:
        """Add a block of good rows."""
        self.batches.append(decoded.batch)
        self.indices += decoded.indices
        self.unseen += [(row + self.good, column, word) for row, column, word in decoded.unseen]
        self.good += len(decoded.batch.matrix)
        self.more_warnings += decoded.more_warnings
        for kept, found in ((self.unknown, decoded.unknown), (self.missing, decoded.missing)):
            room = MOST_PROBLEMS - len(kept)
            kept += found[:room]
            self.more_warnings += len(found[room:])

    def whole(self) -> Decoded:
        """Return all of it. Raises RowsError when there is a problem, and all must be good."""
        if self.problems and not self.partial:
            raise rejected(self.problems, self.faulty, self.more_problems)
        matrix = np.concatenate([batch.matrix for batch in self.batches])
        parts = zip(*(batch.texts for batch in self.batches), strict=True)
        texts = tuple([text for part in column for text in part] for column in parts)
        indices = self.indices if self.problems else range(self.count)
        return Decoded(
            Batch(matrix, texts),
            indices,
            tuple(self.problems),
            tuple(self.unknown),
            False,
            tuple(self.missing),
            self.more_problems,
            self.more_warnings,
            self.count,
            tuple(self.unseen),
        )


class RowCodec:
    """Decodes and encodes the rows of one signature.

    `keeps_words` has it keep the words that no code stands for, as the prediction log wants them.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.keeps_words = False
        self._features = schema.values + schema.texts
        self._names = tuple(feature.name for feature in self._features)
        self._looked_at = tuple((f, f.name, f.kind in _WITHOUT_WORDS) for f in self._features)
        self._known = frozenset(self._names)
        self._by_name = {feature.name: feature for feature in self._features}
        self._model = schema.dialect or PLAIN_DIALECT
        # By whether a table is delimited as the model's file was.
        self._formats = {same: self._formats_of(same) for same in (True, False)}
        # Rows copied from a training table carry the label and what the model does not read.
        self._ignored = {schema.target.name, *schema.ignored} - self._known
        self._expected_names = self._known | self._ignored
        self._aliases = schema.aliases
        self._columns = schema.numeric
        self._width = len(self._columns)
        self._slices = schema.slices
        self._count = len(self._slices)
        self._codes = tuple(_codes(feature) for feature in self._features)
        self._words = tuple(map(_words_of, self._features, self._codes))
        self._missing = tuple(map(missing_of, self._features))
        self._imputes = schema.imputes is True
        self._closed = any(feature.closed for feature in schema.features)
        # Of the matrix, as are the slices; all else is by feature.
        self._categorical = [i for i, c in enumerate(self._columns) if c.kind == "category"]
        self._fallback = tuple(feature.fallback for feature in self._features)
        places = zip(range(len(self._codes)), self._codes, self._fallback, strict=True)
        self._has_others = any(feature.other for feature in self._features)
        self._coded = tuple((i, codes, other) for i, codes, other in places if codes is not None)
        dates = [(i, _parts_reader(f)) for i, f in enumerate(self._features) if f.dates]
        self._dates = dict(reversed(dates))
        self._nameable = all(map(_is_nameable, self._known | self._ignored))
        self._values = _values_of(len(self._features))
        types = [self._row_type(names) for names in self._namings()] if self._nameable else []
        self._one = [msgspec.json.Decoder(row) for row in types]
        self._many = [msgspec.json.Decoder(list[row]) for row in types]  # type: ignore[valid-type]

    def feature(self, name: str) -> Feature:
        """Return a feature by its name."""
        return self._by_name[name]

    def has_columns(self, names: Sequence[str]) -> bool:
        """Whether a table has the columns of all features, under any of their names, and no other.

        Those that the model ignores may be there.
        """
        found = {self._aliases.get(name, name) for name in names}
        return self._known <= found <= self._expected_names and len(found) == len(names)

    def decoded(self, batch: Batch, words: Callable[[str], Sequence[str]]) -> Decoded:
        """Return encoded rows, all of them good, as a request's; `words` are a column's texts."""
        wanted = self._coded if self.keeps_words else ()
        cells: list[Sequence[str]] = [()] * len(self._names)
        for index, _, _ in wanted:
            cells[index] = words(self._names[index])
        return self._encoded(batch, range(len(batch.matrix)), cells)

    def formats_for(self, dialect: Dialect | None) -> Formats:
        """Return how a table in a dialect, None for the model's, may write each one's numbers."""
        return self._formats[dialect is None or dialect.delimiter == self._model.delimiter]

    def _formats_of(self, same: bool) -> Formats:
        return {f.name: formats_of(f, self._model.decimal, same) for f in self._features}

    def _namings(self) -> list[tuple[str, ...]]:
        """Return the names that rows are read by quickly: the features', then their aliases."""
        others = (
            tuple(dict(enumerate(f.names)).get(i, f.name) for f in self._features)
            for i in range(max((len(f.names) for f in self._features), default=0))
        )
        quotable = (names for names in others if all(map(_is_nameable, names)))
        return [self._names, *islice(quotable, MOST_NAMINGS)]

    def _row_type(self, names: Sequence[str]) -> type[msgspec.Struct]:
        fields: list[Any] = [_row_field(i, feature) for i, feature in enumerate(self._features)]
        rename = {f"f{i}": name for i, name in enumerate(names)}
        for i, name in enumerate(sorted(self._ignored)):
            fields.append((f"past{i}", Any, None))
            rename[f"past{i}"] = name
        return msgspec.defstruct(
            "Row", fields, rename=rename, forbid_unknown_fields=True, kw_only=True, gc=False
        )

    def decode_json(
        self,
        body: bytes,
        *,
        single: bool,
        partial: bool = False,
        strict: bool = False,
        most_rows: int = MOST_ROWS,
    ) -> Decoded:
        """Decode a JSON object (`single`) or a list of objects.

        With `partial` the good rows are kept and the bad ones named in
        `problems`. Raises ParseError for bytes that are not JSON, RowsError
        for rows that the signature does not describe; `strict` counts a
        category never seen in training among those. Raises TooManyRows for more
        than `most_rows`, or one that is too long.
        """
        if single:
            check_row(len(body))
        elif is_long(body):
            return self._decode_blocks(body, partial, strict, most_rows)
        quick = self._decode_quickly(body, single, strict)
        if quick is not None:
            if len(quick.indices) > most_rows:
                raise TooManyRows(too_many(most_rows))
            return quick
        objects = parse_json(body, most_rows)
        rows = [objects] if single else objects
        decoded = self.decode_objects(rows, partial=partial, strict=strict, most_rows=most_rows)
        return decoded._replace(single=single)

    def _decode_blocks(self, body: bytes, partial: bool, strict: bool, most_rows: int) -> Decoded:
        gathered = _Gathered(most_rows, partial)
        for start, block in blocks(body, most_rows):
            quick = self._decode_quickly(block, False, strict)
            if quick is not None:
                first = gathered.count
                gathered.count += len(quick.indices)
                gathered.add(_moved(quick, first))
            else:
                self._gather(gathered, parse_block(block, body, start - 1), strict)
            if gathered.more_problems and not partial:
                break
        return gathered.whole()

    def _decode_quickly(self, body: bytes, single: bool, strict: bool) -> Decoded | None:
        """Return what msgspec reads straight into rows, None where that needs a closer look."""
        for one, many in zip(self._one, self._many, strict=True):
            try:
                if single:
                    decoded = self._encode_one(self._values(one.decode(body)))
                else:
                    rows = many.decode(body)
                    decoded = self._encode([self._values(row) for row in rows], range(len(rows)))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, NoDate):
                continue
            return None if decoded.unknown and (strict or self._closed) else decoded
        return None

    def decode_objects(
        self,
        rows: Any,
        *,
        partial: bool = False,
        strict: bool = False,
        most_rows: int = MOST_ROWS,
    ) -> Decoded:
        """Check parsed rows field by field, gather everything wrong, and encode the rest.

        `rows` is a list, or an iterator that makes them as they are read. A model that
        imputes answers a null also where training had none; `strict` refuses that.
        Raises RowsError when there is a problem and `partial` is not set, or when
        `rows` is neither, and TooManyRows beyond `most_rows`.
        """
        if not isinstance(rows, list | Iterator):
            raise RowsError("expected an object (one row) or a list of objects")
        gathered = _Gathered(most_rows, partial)
        self._gather(gathered, rows, strict)
        return gathered.whole()

    def _gather(self, gathered: _Gathered, rows: Iterable[Any], strict: bool) -> None:
        good: list[Values] = []
        indices: list[int] = []
        for row in rows:
            index = gathered.add_row()
            values = self._check(index, row, strict, gathered)
            if values is None:
                gathered.faulty += 1
            else:
                good.append(values)
                indices.append(index)
            if len(good) == BLOCK_ROWS:
                gathered.add(self._encode_checked(good, indices))
                good, indices = [], []
            if gathered.more_problems and not gathered.partial:
                break
        gathered.add(self._encode_checked(good, indices))

    def _encode_checked(self, rows: Sequence[Values], indices: Sequence[int]) -> Decoded:
        missing = self._never_missing(rows, indices)
        return self._encode(rows, indices)._replace(missing=missing)

    def _never_missing(
        self, rows: Sequence[Values], indices: Sequence[int]
    ) -> tuple[tuple[int, str], ...]:
        """Return the row and field of each value that is missing where training had all."""
        if not self._imputes:
            return ()
        always = [(i, f.name) for i, f in enumerate(self._features) if not f.nullable]
        return tuple(
            (index, name)
            for index, row in zip(indices, rows, strict=True)
            for i, name in always
            if row[i] is None
        )

    def encode_objects(self, rows: list[dict[str, Any]]) -> Batch:
        """Encode rows given as dicts. Raises RowsError."""
        return self.decode_objects(rows).batch

    def _check(self, index: int, row: Any, strict: bool, gathered: _Gathered) -> Values | None:
        """Return a row's values, or None where something is wrong, which is gathered."""
        if not isinstance(row, dict):
            gathered.add_problem(index, None, "object", json_name(row))
            return None
        row, twice = self._renamed(row)
        for name in twice:
            gathered.add_problem(index, name, ONE_NAME, TWO_NAMES)
        hinted = self._unknown_fields(index, row, gathered)
        good = hinted is None and not twice
        values: list[Any] = []
        for feature, name, wordless in self._looked_at:
            given = row.get(name, ABSENT)
            if wordless and given in NOTHING_IN_R:
                given = None
            if given is None and self._imputes and not strict:
                values.append(None)
                continue
            value, rejection = check_value(feature, given, strict)
            values.append(value)
            if rejection:
                good = False
                if not (hinted and rejection[1] == "nothing" and name in hinted):
                    gathered.add_problem(index, name, *rejection)
        return tuple(values) if good else None

    def _renamed(self, row: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return a row by the features' own names, and those that it has under two."""
        if self._aliases.keys().isdisjoint(row):
            return row, []
        names = [self._aliases.get(name, name) for name in row]
        twice = [name for name, count in Counter(names).items() if count > 1]
        return dict(zip(names, row.values(), strict=True)), twice

    def _unknown_fields(
        self, index: int, row: dict[str, Any], gathered: _Gathered
    ) -> set[str | None] | None:
        """Gather the fields that nobody knows, and return the names that are near; None of none."""
        unknown = row.keys() - self._expected_names
        if not unknown:
            return None
        hinted: set[str | None] = set()
        for name in row:  # in the row's own order
            if name not in unknown:
                continue
            if len(gathered.problems) >= MOST_PROBLEMS:
                gathered.more_problems += 1
                continue
            hint = self._hint(name, gathered.hints)
            hinted.add(hint)
            shown, expected = _printable(name[:LONGEST_NAME]), "a field of the signature"
            gathered.problems.append(RowProblem(index, shown, expected, "unknown field", hint))
        return hinted

    def _hint(self, name: str, known: dict[str, str | None]) -> str | None:
        """Return the feature whose name is nearest; only of the first names that are asked."""
        # Comparing is quadratic in the length: only a plausible name is compared.
        if name not in known and len(name) < LONGEST_NAME and len(known) < MOST_HINTS:
            known[name] = next(iter(get_close_matches(name, self._names, 1)), None)
        return known.get(name)

    def _encode_one(self, row: Values) -> Decoded:
        values = list(row)
        for i, codes, fallback in self._coded:
            values[i] = codes.get(values[i], fallback)
        texts = tuple([text or ""] for text in values[self._count :])
        unseen: Unseen = ()
        if self.keeps_words and (self._has_others or UNKNOWN in values):
            unseen = self._unseen_of_one(row, values)
        # From the last on, so that those before stay where they are.
        for i, read in self._dates.items():
            values[i : i + 1] = read(values[i])
        batch = Batch(np.array([values[: self._width]], dtype=np.float32), texts)
        unknown: tuple[tuple[int, str], ...] = ()
        if self._categorical and UNKNOWN in [values[i] for i in self._categorical]:
            unknown, _ = self._unknown(batch, (0,))
        return Decoded(batch, (0,), (), unknown, single=True, rows=1, unseen=unseen)

    def _unseen_of_one(self, row: Values, values: Sequence[Any]) -> Unseen:
        return tuple(
            (0, self._slices[i].start, row[i])
            for i, _, fallback in self._coded
            if values[i] == fallback and isinstance(row[i], str)
        )

    def _encode(self, rows: Sequence[Values], indices: Sequence[int]) -> Decoded:
        matrix = np.empty((len(rows), self._width), dtype=np.float32)
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self._features)
        for i, where in enumerate(self._slices):
            if i in self._dates:
                matrix[:, where] = as_columns([self._dates[i](value) for value in columns[i]])
            else:
                matrix[:, where.start] = self._coded_values(i, columns[i])
        texts = tuple([text or "" for text in column] for column in columns[self._count :])
        return self._encoded(Batch(matrix, texts), indices, columns)

    def _encoded(
        self, batch: Batch, indices: Sequence[int], columns: Sequence[Sequence[Any]]
    ) -> Decoded:
        unknown, more = self._unknown(batch, indices)
        unseen = self._unseen(batch, columns) if self.keeps_words else ()
        return Decoded(
            batch, indices, (), unknown, more_warnings=more, rows=len(indices), unseen=unseen
        )

    def _unseen(self, batch: Batch, columns: Sequence[Sequence[Any]]) -> Unseen:
        """Return the words of `columns`, by feature, that got the code of no category."""
        found: list[tuple[int, int, str]] = []
        for i, _, fallback in self._coded:
            at, cells = self._slices[i].start, columns[i]
            for row in np.flatnonzero(batch.matrix[:, at] == fallback).tolist():
                if isinstance(cells[row], str):
                    found.append((row, at, cells[row].strip()))
        return tuple(found)

    def _coded_values(self, index: int, column: Sequence[Any]) -> Sequence[Any]:
        codes, fallback = self._codes[index], self._fallback[index]
        return column if codes is None else [codes.get(value, fallback) for value in column]

    def _unknown(
        self, batch: Batch, indices: Sequence[int]
    ) -> tuple[tuple[tuple[int, str], ...], int]:
        """Return the row and field of the first categories never seen, and how many more."""
        if not self._categorical:
            return (), 0
        unknown = batch.matrix[:, self._categorical] == UNKNOWN
        # Of a long table whose every cell is unknown, the indices would be larger than the table.
        first = np.flatnonzero(unknown.any(axis=1))[:MOST_PROBLEMS]
        rows, columns = np.nonzero(unknown[first])
        found = tuple(
            (indices[row], self._columns[self._categorical[column]].name)
            for row, column in zip(first[rows].tolist(), columns.tolist(), strict=True)
        )[:MOST_PROBLEMS]
        return found, int(np.count_nonzero(unknown)) - len(found)

    def decode_columns(
        self,
        columns: Mapping[str, Sequence[str]],
        *,
        partial: bool = False,
        strict: bool = False,
        dialect: Dialect | None = None,
        most_rows: int = MOST_ROWS,
    ) -> Decoded:
        """Check and encode a table of texts, as a CSV file in a dialect has it.

        Cells are read as those of the training table: spaces around them do not
        count, numbers are written as they were there, and what means missing
        there does so here. Raises RowsError as `decode_objects` does.
        """
        if self._aliases:
            named = canonical(list(columns), self.schema)
            columns = dict(zip(named, columns.values(), strict=True))
        formats = self.formats_for(dialect)
        if len(next(iter(columns.values()), ())) > most_rows:
            raise TooManyRows(too_many(most_rows))
        quick = None if strict else self._columns_quickly(columns, formats)
        if quick is not None and not (quick.unknown and self._closed):
            return quick
        read = [self._read_cells(name, cells, formats) for name, cells in columns.items()]
        names = tuple(columns)
        rows = (dict(zip(names, row, strict=True)) for row in zip(*read, strict=True))
        return self.decode_objects(rows, partial=partial, strict=strict, most_rows=most_rows)

    def _read_cells(self, name: str, cells: Sequence[str], formats: Formats) -> list[Any]:
        """Return a column's values; its numbers in the format that fits all of them."""
        feature = self._by_name.get(name)
        if feature is None:
            return [read_cell(cell, "text") for cell in cells]
        missing = missing_of(feature)
        known = formats[name] if feature.kind in ("number", "integer") else (PLAIN_NUMBERS,)
        fitting = (f for f in known if read_numbers(cells, missing, f) is not None)
        written = next(fitting, known[0])
        return [read_cell(cell, feature.kind, missing, written) for cell in cells]

    def _columns_quickly(
        self, columns: Mapping[str, Sequence[str]], formats: Formats
    ) -> Decoded | None:
        """Encode column by column; None as soon as one needs a closer look."""
        if not self._known <= columns.keys() <= self._known | self._ignored:
            return None
        count = len(columns[self._names[0]])
        matrix = np.empty((count, self._width), dtype=np.float32)
        for i, where in enumerate(self._slices):
            name = self._names[i]
            values = self._column_quickly(i, columns[name], formats[name])
            if values is None:
                return None
            # As doubles, the matrix would be twice as large, and so would what it is checked by.
            doubles = as_columns(np.asarray(values, dtype=np.float64))
            if not self._are_good(i, doubles):
                return None
            matrix[:, where] = doubles
        texts = [as_texts(columns[name]) for name in self._names[self._count :]]
        optional = (feature.nullable for feature in self._features[self._count :])
        if not all(may or "" not in cells for may, cells in zip(optional, texts, strict=True)):
            return None
        batch = Batch(matrix, tuple(texts))
        return self._encoded(batch, range(count), [columns[name] for name in self._names])

    def _column_quickly(
        self, index: int, cells: Sequence[str], formats: tuple[NumberFormat, ...]
    ) -> Any:
        if type(cells) is Texts:
            try:
                return np.asarray(encode_column(self._features[index], cells, formats))
            except ValueError:
                return None
        if index in self._dates:
            return self._dates_quickly(index, cells)
        known, missing = self._words[index], self._missing[index]
        if known is not None:
            fallback = self._fallback[index]
            return [known.get(cell.strip(), fallback) for cell in cells]
        for written in formats:
            numbers = read_numbers(cells, missing, written)
            if numbers is not None:
                return numbers
        return None

    def _dates_quickly(self, index: int, cells: Sequence[str]) -> list[Parts] | None:
        try:
            return [self._dates[index](cell) for cell in cells]
        except NoDate:
            return None

    def _are_good(self, index: int, doubles: NDArray[np.floating[Any]]) -> bool:
        """Whether every value of a feature is one that the patient way would accept."""
        feature = self._features[index]
        if not feature.nullable and np.isnan(doubles).any():
            return False
        if feature.kind == "boolean" and (doubles == UNKNOWN).any():
            return False
        if (np.abs(doubles) > LARGEST).any():
            return False
        return not (feature.kind == "integer" and (doubles % 1 > 0).any())


class NoDate(Exception):
    """A value that is no date of its column; what looks at every field says so."""


class _Absent:
    """The value of a field that a row does not have."""


ABSENT = _Absent()


def _is_nameable(name: str) -> bool:
    """Tell whether msgspec can name a field so; the patient way reads those that it cannot."""
    return not any(letter in '"\\' or letter < " " for letter in name)


def check_value(feature: Feature, value: Any, strict: bool = False) -> tuple[Any, Rejection | None]:
    """Return the value to encode and None, or (None, (expected, got)) for one that does not fit."""
    if value is ABSENT or value is None:
        if feature.nullable:
            return None, None
        return None, (_expected(feature), "nothing" if value is ABSENT else "null")
    return _CHECKS[feature.kind](feature, value, strict)


def _check_number(feature: Feature, value: Any, strict: bool) -> tuple[Any, Rejection | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, (_expected(feature), json_name(value))
    if not abs(value) <= LARGEST:
        return None, (f"{feature.kind} within float32", "number out of range")
    if feature.kind == "integer" and isinstance(value, float) and not value.is_integer():
        return None, ("integer", "number with a fraction")
    return value, None


def _check_boolean(feature: Feature, value: Any, strict: bool) -> tuple[Any, Rejection | None]:
    if isinstance(value, bool) or (isinstance(value, str) and value in BOOLEANS):
        return value, None
    return None, (_expected(feature), json_name(value))


def _check_category(feature: Feature, value: Any, strict: bool) -> tuple[Any, Rejection | None]:
    if not isinstance(value, str):
        return None, (_expected(feature), json_name(value))
    known = value in feature.categories or value in feature.aliases or feature.other
    if value and value in missing_of(feature):
        return None, None
    if (strict or feature.closed) and not known:
        return None, (
            "one of " + ", ".join(feature.categories),
            "a category never seen in training",
        )
    return value, None


def _check_text(feature: Feature, value: Any, strict: bool) -> tuple[Any, Rejection | None]:
    return (value, None) if isinstance(value, str) else (None, ("string", json_name(value)))


def _check_date(feature: Feature, value: Any, strict: bool) -> tuple[Any, Rejection | None]:
    assert feature.dates is not None
    numeric = bool(feature.dates.unit) and isinstance(value, int | float)
    if isinstance(value, bool) or not (numeric or isinstance(value, str)):
        return None, (_expected(feature), json_name(value))
    if isinstance(value, str) and value.strip() in missing_of(feature):
        return (None, None) if feature.nullable else (None, (_expected(feature), "no date"))
    if read_moment(value, feature.dates) is None:
        return None, (_expected(feature), "no date")
    return value, None


_CHECKS: dict[str, Callable[[Feature, Any, bool], tuple[Any, Rejection | None]]] = {
    "number": _check_number,
    "integer": _check_number,
    "boolean": _check_boolean,
    "category": _check_category,
    "date": _check_date,
    "text": _check_text,
}


def _expected(feature: Feature) -> str:
    names = {"boolean": "true or false", "category": "string", "text": "string"}
    if feature.dates is not None:
        names["date"] = f"date as {feature.example}"
    expected = names.get(feature.kind, feature.kind)
    return f"{expected} or null" if feature.nullable else expected


def json_name(value: Any) -> str:
    """Return what JSON calls the type of a parsed value."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return _JSON_NAMES.get(type(value), "value")


def rejected(problems: Iterable[RowProblem], rows: int = 0, more: int = 0) -> RowsError:
    """Return the error that lists these problems of so many rows, the first hundred of them."""
    found = tuple(problems)
    count = rows or len({problem.row for problem in found})
    many = more or len(found) > MOST_PROBLEMS
    said = f"; the first {MOST_PROBLEMS} faults are listed" if many else ""
    noun = "row does" if count == 1 else "rows do"
    return RowsError(f"{count} {noun} not fit the signature{said}", found[:MOST_PROBLEMS])


def _moved(decoded: Decoded, by: int) -> Decoded:
    """Return rows that begin at an index of the request as they stand there."""
    unknown = tuple((row + by, name) for row, name in decoded.unknown)
    return decoded._replace(indices=range(by, by + len(decoded.indices)), unknown=unknown)


def _codes(feature: Feature) -> dict[Any, float] | None:
    if feature.kind == "boolean":
        return {**BOOLEANS, None: math.nan}
    if feature.kind != "category":
        return None
    codes: dict[Any, float] = {c: float(i) for i, c in enumerate(feature.categories)}
    codes |= {alias: codes[target] for alias, target in feature.aliases.items()}
    # A word that means missing in the model's file does so in JSON.
    return {**dict.fromkeys(missing_of(feature) - {""}, math.nan), **codes, None: math.nan}


def words_of(feature: Feature) -> dict[Any, float] | None:
    """Return what a value of a feature is encoded as, None where it is itself."""
    return _codes(feature)


def _words_of(feature: Feature, codes: dict[Any, float] | None) -> dict[Any, float] | None:
    """Return what a word of a table is encoded as, where words are."""
    return None if codes is None else dict.fromkeys(missing_of(feature), math.nan) | codes


def _parts_reader(feature: Feature) -> Callable[[Any], Parts]:
    """Return the function from a date of a row to its columns of the matrix; it raises NoDate."""
    assert feature.dates is not None
    encode, missing = encoder(feature.dates), missing_of(feature)
    nothing: Parts = (math.nan,) * len(feature.columns)

    def read(value: str | float | None) -> Parts:
        # A null that is not accepted comes no further than the checks before.
        if value is None or (feature.nullable and str(value).strip() in missing):
            return nothing
        found = encode(value)
        if found is None:
            raise NoDate
        return found

    return read


def _row_field(index: int, feature: Feature) -> Any:
    kind = _ROW_TYPES[feature.kind]
    if feature.dates is not None and feature.dates.unit:
        kind = kind | Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
    return (f"f{index}", kind | None, None) if feature.nullable else (f"f{index}", kind)


def _values_of(count: int) -> Callable[[Any], Values]:
    if count == 1:
        # attrgetter of one name returns the bare value.
        return lambda row: (row.f0,)
    return attrgetter(*(f"f{i}" for i in range(count)))


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8")
