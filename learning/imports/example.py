"""The signature of a model made elsewhere, inferred from an example row or table.

What a ready-made model was fitted on is not there any more, so a column's kind
is what its example values are: numbers, booleans, and texts, which are handed
to the model as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from errors import ModelFileError, ParseError
from tables.cells import kind_of, read_values, stripped, to_cells
from tables.column import TEXT_EXAMPLE
from tables.readers import read_table
from tables.rows import parse_json
from tables.schema import Feature, Kind

# Rows of the example that are answered to prove that the model was taken in as it was.
MOST_ROWS = 1000
TRUTHS = frozenset({"true", "false"})


class Example(NamedTuple):
    """The features in the order of the example, its rows, and the label's values if it has them.

    `words` are the boolean features that a .json file has in quotes, such as "True".
    """

    features: tuple[Feature, ...]
    rows: list[dict[str, Any]]
    labels: list[str | None] | None
    words: frozenset[str] = frozenset()


def read_example(path: str | Path, target: str) -> Example:
    """Read a .json file (a row, or a list of rows) or a .csv table; `target` is no feature.

    Raises ModelFileError, naming the column, for values of which no kind can be
    told, and DatasetError for a table that cannot be read.
    """
    quoted = Path(path).suffix == ".json"
    columns = _columns_of_json(Path(path)) if quoted else dict(read_table(path).columns)
    return _example(columns, target, quoted)


def example_of(rows: Any, target: str) -> Example:
    """Return the example of rows, a list of dicts. Raises ModelFileError, as `read_example`."""
    return _example(_columns_of(rows), target, quoted=True)


def _example(columns: dict[str, Sequence[Any]], target: str, quoted: bool) -> Example:
    if not columns or not next(iter(columns.values())):
        raise ModelFileError("the example has no row")
    columns = {name: values[:MOST_ROWS] for name, values in columns.items()}
    labels = to_cells(columns.pop(target)) if target in columns else None
    made = [_feature(name, values, quoted) for name, values in columns.items()]
    features = tuple(feature for feature, _ in made)
    names = [feature.name for feature in features]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*(v for _, v in made), strict=True)]
    words = frozenset(
        feature.name
        for feature in features
        if quoted and feature.kind == "boolean" and isinstance(columns[feature.name][0], str)
    )
    return Example(features, rows, labels, words)


def _columns_of_json(path: Path) -> dict[str, Sequence[Any]]:
    try:
        document = parse_json(path.read_bytes())
    except OSError as error:
        raise ModelFileError(f"cannot read the example {path}: {error.strerror}") from None
    except ParseError as error:
        raise ModelFileError(f"the example {path}: {error}") from None
    return _columns_of(document if isinstance(document, list) else [document])


def _columns_of(rows: list[Any]) -> dict[str, Sequence[Any]]:
    if not rows or not all(
        isinstance(row, Mapping) and row.keys() == rows[0].keys() for row in rows
    ):
        raise ModelFileError("the example: expected a row, or rows with the same names in each")
    return {name: [row[name] for row in rows] for name in rows[0]}


def _feature(name: str, values: Sequence[Any], quoted: bool) -> tuple[Feature, list[Any]]:
    kind, read = _read(name, values, quoted)
    there = [value for value in read if value is not None]
    nullable = len(there) < len(read)
    example = TEXT_EXAMPLE if kind == "text" and len(there) > 1 else there[0]
    if kind in ("number", "integer"):
        low, high = float(min(there)), float(max(there))
        return Feature(name, kind, nullable, minimum=low, maximum=high, example=example), read
    return Feature(name, kind, nullable, example=example), read


def _read(name: str, values: Sequence[Any], quoted: bool) -> tuple[Kind, list[Any]]:
    """Return a column's kind and its values as a client would send them."""
    there = [value for value in values if value is not None]
    if not there:
        raise ModelFileError(f"the example has no value of {name}; give one, to show its kind")
    if all(isinstance(value, bool) for value in there):
        return "boolean", list(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        return "number", list(values)
    if not all(isinstance(value, str) for value in there):
        raise ModelFileError(f"the example has values of several kinds, or of none, in {name}")
    return _read_texts(values, quoted)


def _read_texts(values: Sequence[str | None], quoted: bool) -> tuple[Kind, list[Any]]:
    """A table's cells are texts all of them; of JSON's values, those in quotes were meant to be."""
    cells = stripped(to_cells(values))
    if all(cell.lower() in TRUTHS for cell in cells if cell is not None):
        return "boolean", read_values(cells, "boolean")
    kind = None if quoted else kind_of(Counter(cell for cell in cells if cell is not None))
    if kind in ("number", "integer"):
        return "number", read_values(cells, "number")
    return "text", list(to_cells(values))
