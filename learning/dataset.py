"""From a table to a dataset: rows encoded as serving encodes them, and the class of each."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.column import is_number, read_values, spelt, stripped, to_float32
from learning.errors import DatasetError
from learning.inference import SMALLEST_CLASS, infer_signature, read_labels
from learning.runtimes.base import Batch
from learning.signature import UNKNOWN, Feature, Kind, Signature

DELIMITERS = (",", ";", "\t")
# The delimiter is the one under which this many first records look most like a table.
SAMPLE_RECORDS = 100
LONGEST_NAME = 200

_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]+(?:,[0-9]+)?\s*")


@dataclass(frozen=True)
class Table:
    """Columns of raw values by name, all of one length, or it raises DatasetError.

    Values are texts as a file has them, or Python's own; None is missing.
    `lines` are the lines of the file on which the rows begin, if there is one.
    """

    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({len(cells) for cells in self.columns.values()}) > 1:
            raise DatasetError("the table's columns are not all of one length")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def cells(self, name: str) -> list[str | None]:
        """Return a column spelt as a file has it, None where missing."""
        return spelt(self.columns[name])

    def place(self, row: int) -> str:
        """Say where a row (from 0) is: its number under the header, and its line in the file."""
        line = f" (line {self.lines[row]})" if row < len(self.lines) else ""
        return f"row {row + 1}{line}"


@dataclass(frozen=True)
class Dataset:
    """Encoded rows with the class of each, as an index into the label's classes."""

    signature: Signature
    batch: Batch
    target: NDArray[np.intp]
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)

    def take(self, indices: NDArray[np.intp]) -> Dataset:
        """Return the dataset of these rows, in this order."""
        texts = tuple([column[i] for i in indices.tolist()] for column in self.batch.texts)
        batch = Batch(np.ascontiguousarray(self.batch.matrix[indices]), texts)
        return Dataset(self.signature, batch, self.target[indices], self.notes)

    def objects(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Return rows as a client would send them; encoding them gives the same batch."""
        return [self._object(i) for i in indices]

    def _object(self, row: int) -> dict[str, Any]:
        numbers = zip(self.signature.numeric, self.batch.matrix[row].tolist(), strict=True)
        texts = zip(self.signature.texts, self.batch.texts, strict=True)
        values = {feature.name: _decoded(feature, code) for feature, code in numbers}
        values |= {feature.name: column[row] for feature, column in texts}
        return {feature.name: values[feature.name] for feature in self.signature.features}

    @property
    def digest(self) -> str:
        """The sha256 (hex) of everything in it: equal for equal data."""
        hasher = hashlib.sha256(msgspec.json.encode(self.signature))
        hasher.update(self.batch.matrix.tobytes())
        hasher.update(msgspec.json.encode(self.batch.texts))
        hasher.update(self.target.astype(np.int64).tobytes())
        return hasher.hexdigest()


def read_dataset(
    table: Table,
    target: str,
    aliases: Mapping[str, Mapping[str, str]] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Dataset:
    """Infer the signature of a table and encode its rows.

    The notes also name the features that give the label away. Raises
    DatasetError, naming column and row, for a table that cannot be learnt from.
    """
    from learning.giveaway import giveaways

    signature, notes = infer_signature(table, target, aliases, kinds)
    places = {value: place for place, value in enumerate(signature.label.classes)}
    classes = np.array([places[v] for v in read_labels(table, target)], dtype=np.intp)
    dataset = Dataset(signature, encode(table, signature), classes, notes)
    told = (
        f"{name} alone gives {target} away: is it known beforehand?" for name in giveaways(dataset)
    )
    return replace(dataset, notes=(*notes, *told))


def encode(table: Table, signature: Signature) -> Batch:
    """Encode a table's rows as `learning.rows` encodes the rows of requests."""
    matrix = np.empty((len(table), len(signature.numeric)), dtype=np.float32)
    for place, feature in enumerate(signature.numeric):
        matrix[:, place] = _encoded(feature, stripped(table.cells(feature.name)))
    texts = tuple([c or "" for c in table.cells(feature.name)] for feature in signature.texts)
    return Batch(matrix, texts)


def _encoded(feature: Feature, cells: list[str | None]) -> NDArray[np.float32]:
    values = read_values(cells, feature.kind)
    if feature.kind == "category":
        codes = {category: float(place) for place, category in enumerate(feature.categories)}
        codes |= {alias: codes[category] for alias, category in feature.aliases.items()}
        values = [None if value is None else codes.get(value, UNKNOWN) for value in values]
    return to_float32(values)


def _decoded(feature: Feature, code: float) -> Any:
    if np.isnan(code):
        return None
    if feature.kind == "category":
        return feature.categories[int(code)]
    return {"boolean": bool, "integer": int, "number": float}[feature.kind](code)


def split(dataset: Dataset, seed: int, fraction: float = 0.2) -> tuple[Dataset, Dataset]:
    """Return training part and hold-out: `fraction` of each class, at least one row, by chance.

    The same dataset and seed give the same rows, in the table's order.
    """
    random = np.random.default_rng(seed)
    held = np.zeros(dataset.rows, dtype=bool)
    for place in range(len(dataset.signature.label.classes)):
        members = np.flatnonzero(dataset.target == place)
        count = max(1, round(fraction * len(members)))
        held[random.permutation(members)[:count]] = True
    return dataset.take(np.flatnonzero(~held)), dataset.take(np.flatnonzero(held))


def sample(dataset: Dataset, rows: int) -> Dataset:
    """Return so many rows with every class in proportion, always the same; or all there are."""
    if dataset.rows <= rows:
        return dataset
    random = np.random.default_rng(0)
    rank = np.empty(dataset.rows)
    for place in np.unique(dataset.target):
        members = np.flatnonzero(dataset.target == place)
        # Each class is taken from by rank within it; its first rows always, to be split again.
        places = np.arange(len(members)) - (SMALLEST_CLASS - 1)
        rank[random.permutation(members)] = np.maximum(places, 0) / len(members)
    return dataset.take(np.sort(np.argsort(rank, kind="stable")[:rows]))


# ---------------------------------------------------------------- reading CSV


def read_table(source: str | Path | BinaryIO) -> Table:
    """Read a CSV file, or an open binary stream of one, into a table.

    UTF-8 with or without byte order mark; the delimiter is whichever of comma,
    semicolon and tab makes a table of it; rows without any value are passed
    over. Where the delimiter is not a comma, a column of numbers with decimal
    commas is read as numbers. Lines are counted from 1, the header's, and rows
    from 1, the first under the header.

    Raises DatasetError, naming the line, for what is not such a table.
    """
    text = _decode(_read_bytes(source))
    delimiter = _delimiter_of(text)
    records = _records(text, delimiter)
    line, header = next(records)
    names = _names(header)
    lines, rows = _rows(records, header)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    if not rows:
        raise DatasetError(f"the table has no rows under its header, line {line}")
    _check_header(columns, line)
    commas = _with_points(columns) if delimiter != "," else []
    notes = tuple(f"{name} has decimal commas, read as points" for name in commas)
    return Table(columns, lines, notes)


def _read_bytes(source: str | Path | BinaryIO) -> bytes:
    if not isinstance(source, str | Path):
        return source.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read the table {source}: {error.strerror}") from None


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"the table is not UTF-8: line {line} has a byte that cannot be; save it as UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(f"the table is not text: line {line} has a zero byte")
    if not text.strip():
        raise DatasetError("the table is empty")
    return text


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that has a value, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise DatasetError(
                f"the table cannot be read at line {line}: {_reason(error)}"
            ) from None
        if record is None:
            return
        if any(cell.strip() for cell in record):
            yield line, record
        line = reader.line_num + 1


def _reason(error: csv.Error) -> str:
    if "field larger" in str(error):
        limit = csv.field_size_limit()
        return f"a cell is longer than {limit} characters; is a quote never closed?"
    if "end of data" in str(error):
        return "a quote is never closed"
    return "a quoted cell goes on after its closing quote"


def _delimiter_of(text: str) -> str:
    best = max(DELIMITERS, key=lambda delimiter: _fit(text, delimiter))
    if _fit(text, best) <= (0, 0):
        # Reading it says where a quote is at fault, if that is why.
        for _ in _records(text, DELIMITERS[0]):
            pass
        raise DatasetError("the table has one column: no comma, semicolon or tab parts its header")
    return best


def _fit(text: str, delimiter: str) -> tuple[float, int]:
    """Return how well a delimiter fits: the share of records as wide as the header, its width."""
    widths: list[int] = []
    try:
        for _, record in _records(text, delimiter):
            widths.append(len(record))
            if len(widths) == SAMPLE_RECORDS:
                break
    except DatasetError:
        # Only the first records count: a fault further down is reported by line later.
        pass
    if not widths or widths[0] < 2:
        return (0.0, 0)
    return (widths.count(widths[0]) / len(widths), widths[0])


def _names(header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    for place, name in enumerate(names):
        if not name:
            raise DatasetError(f"the header has no name for column {place + 1}")
        if not name.isprintable():
            raise DatasetError(f"the header's name for column {place + 1} has a control character")
        if len(name) > LONGEST_NAME:
            raise DatasetError(
                f"the header's name for column {place + 1} is longer than {LONGEST_NAME} characters"
            )
        if name in names[:place]:
            both = f"columns {names.index(name) + 1} and {place + 1}"
            raise DatasetError(f"the header names {name} twice: {both}")
    return names


def _rows(
    records: Iterator[tuple[int, list[str]]], header: list[str]
) -> tuple[list[int], list[list[str]]]:
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, record in records:
        where = f"row {len(rows) + 1} (line {line})"
        if len(record) != len(header):
            raise DatasetError(f"{where} has {len(record)} cells, the header {len(header)}")
        if record == header:
            raise DatasetError(f"{where} is the header again")
        lines.append(line)
        rows.append(record)
    return lines, rows


def _check_header(columns: Mapping[str, list[str]], line: int) -> None:
    """Raise DatasetError when most names would do as values of their columns."""
    alike = sum(_could_be_a_value(name, cells) for name, cells in columns.items())
    if alike > len(columns) / 2:
        raise DatasetError(f"the table has no header: line {line} looks like a row of data")


def _could_be_a_value(name: str, cells: list[str]) -> bool:
    if is_number(name):
        values = [cell for cell in spelt(cells) if cell is not None]
        return all(map(is_number, values))
    return name in {cell.strip() for cell in cells}


def _with_points(columns: dict[str, list[str]]) -> list[str]:
    """Put points for the decimal commas of numbers; return the names of those columns."""
    changed = []
    for name, cells in columns.items():
        values = [cell for cell in spelt(cells) if cell is not None]
        if any("," in v for v in values) and all(map(_DECIMAL_COMMA.fullmatch, values)):
            columns[name] = [cell.replace(",", ".") for cell in cells]
            changed.append(name)
    return changed
