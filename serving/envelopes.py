"""Rows in the JSON envelopes of other servers: MLflow, KServe, TensorFlow Serving, SageMaker.

mlflow.org/docs/latest/ml/deployment/deploy-model-locally and
kserve.github.io/website/latest/modelserving/data_plane/v1_protocol have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from errors import RowProblem, RowsError
from tables.json_text import LateList, Names
from tables.rows import rejected
from tables.schema import Schema

FRAME = "dataframe_split"
COLUMNS = "inputs"
RECORDS = "dataframe_records"
INSTANCES = "instances"
FEATURES = "features"
ENVELOPES = (FRAME, RECORDS, INSTANCES, COLUMNS)
ROWS = (list, LateList)


def envelope_of(parsed: Any, schema: Schema) -> str | None:
    """Return which envelope a body is in, or None; a feature of that name is no envelope."""
    if not isinstance(parsed, dict):
        return None
    return next((name for name in _envelopes(schema) if name in parsed), None)


def _envelopes(schema: Schema) -> list[str]:
    names = {feature.name for feature in schema.features} | schema.aliases.keys()
    return [name for name in ENVELOPES if name not in names]


def late_rows(schema: Schema) -> set[Names]:
    """Return where the rows are of which each is needed only once: in an envelope, or in none."""
    return {(), *((name, "data") if name == FRAME else (name,) for name in _envelopes(schema))}


def rows_in(envelope: str, parsed: dict[str, Any], schema: Schema) -> Iterator[Any]:
    """Return the rows of an envelope as objects by feature, made one by one. Raises RowsError."""
    content = parsed[envelope]
    if envelope == FRAME:
        return _frame(content)
    if isinstance(content, dict) and envelope == COLUMNS:
        return rows_of_columns(content)
    if not isinstance(content, ROWS):
        raise RowsError(f"{envelope}: expected a list of rows")
    return named(content, schema)


def _frame(frame: Any) -> Iterator[Any]:
    parts = frame if isinstance(frame, dict) else {}
    columns: Any = parts.get("columns")
    data: Any = parts.get("data")
    if not _are_names(columns) or not isinstance(data, ROWS):
        raise RowsError(f"{FRAME}: expected columns, a list of names, and data, a list of rows")
    if len(set(columns)) < len(columns):
        raise RowsError(f"{FRAME}: expected every column once")
    return _by_name(data, columns)


def _are_names(columns: Any) -> bool:
    return isinstance(columns, list) and all(isinstance(name, str) for name in columns)


def in_columns(parsed: Any, schema: Schema) -> bool:
    """Tell an object of lists, one a feature, from a row and from `{"features": [...]}`."""
    if not isinstance(parsed, dict):
        return False
    bare = list(parsed) == [FEATURES] and all(f.name != FEATURES for f in schema.features)
    return not bare and any(isinstance(value, list) for value in parsed.values())


def rows_of_columns(columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the rows of an object of equally long lists, made one by one. Raises RowsError."""
    if not all(isinstance(column, list) for column in columns.values()):
        raise RowsError("expected a list for every field, or for none")
    if len({len(column) for column in columns.values()}) > 1:
        raise RowsError("expected equally many values for every field")
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def named(rows: Iterable[Any], schema: Schema) -> Iterator[Any]:
    """Return rows as objects: those that are lists have the features in their order.

    `{"features": [...]}` is such a list too, and for a model of one feature its value alone.
    Raises RowsError for one of another length.
    """
    names = [feature.name for feature in schema.features]
    is_bare, is_one = FEATURES not in names, len(names) == 1

    def plain(row: Any) -> Any:
        if is_one and not isinstance(row, list | dict):
            return [row]
        is_wrapped = is_bare and isinstance(row, dict) and list(row) == [FEATURES]
        return row[FEATURES] if is_wrapped else row

    return _by_name(rows, names, plain)


def _by_name(
    rows: Iterable[Any], names: Sequence[str], plain: Callable[[Any], Any] = lambda row: row
) -> Iterator[Any]:
    """Return rows by name; they are read twice, so that a late list is never there as a whole."""
    wrong = [
        RowProblem(index, None, f"{len(names)} values", f"{len(row)} values")
        for index, row in enumerate(map(plain, rows))
        if isinstance(row, list) and len(row) != len(names)
    ]
    if wrong:
        raise rejected(wrong)
    return (
        dict(zip(names, row, strict=True)) if isinstance(row, list) else row
        for row in map(plain, rows)
    )
