"""Rows in the JSON envelopes of other servers: MLflow, KServe, TensorFlow Serving, SageMaker.

mlflow.org/docs/latest/ml/deployment/deploy-model-locally and
kserve.github.io/website/latest/modelserving/data_plane/v1_protocol have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from errors import RowProblem, RowsError
from tables.rows import rejected
from tables.schema import Schema

FRAME = "dataframe_split"
COLUMNS = "inputs"
RECORDS = "dataframe_records"
INSTANCES = "instances"
FEATURES = "features"
ENVELOPES = (FRAME, RECORDS, INSTANCES, COLUMNS)


def envelope_of(parsed: Any, schema: Schema) -> str | None:
    """Return which envelope a body is in, or None; a feature of that name is no envelope."""
    if not isinstance(parsed, dict):
        return None
    names = {feature.name for feature in schema.features} | schema.aliases.keys()
    return next((name for name in ENVELOPES if name in parsed and name not in names), None)


def rows_in(envelope: str, parsed: dict[str, Any], schema: Schema) -> Iterator[Any]:
    """Return the rows of an envelope as objects by feature, made one by one. Raises RowsError."""
    content = parsed[envelope]
    if envelope == FRAME:
        return _frame(content)
    if isinstance(content, dict) and envelope == COLUMNS:
        return rows_of_columns(content)
    if not isinstance(content, list):
        raise RowsError(f"{envelope}: expected a list of rows")
    return named(content, schema)


def _frame(frame: Any) -> Iterator[Any]:
    parts = frame if isinstance(frame, dict) else {}
    columns: Any = parts.get("columns")
    data: Any = parts.get("data")
    if not _are_names(columns) or not isinstance(data, list):
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


def named(rows: list[Any], schema: Schema) -> Iterator[Any]:
    """Return rows as objects: those that are lists have the features in their order.

    `{"features": [...]}` is such a list too, and for a model of one feature its value alone.
    Raises RowsError for one of another length.
    """
    names = [feature.name for feature in schema.features]
    if len(names) == 1:
        rows = [row if isinstance(row, list | dict) else [row] for row in rows]
    if FEATURES not in names:
        rows = [_bare(row) for row in rows]
    return _by_name(rows, names)


def _bare(row: Any) -> Any:
    return row[FEATURES] if isinstance(row, dict) and list(row) == [FEATURES] else row


def _by_name(rows: list[Any], names: Sequence[str]) -> Iterator[Any]:
    wrong = [
        RowProblem(index, None, f"{len(names)} values", f"{len(row)} values")
        for index, row in enumerate(rows)
        if isinstance(row, list) and len(row) != len(names)
    ]
    if wrong:
        raise rejected(wrong)
    return (dict(zip(names, row, strict=True)) if isinstance(row, list) else row for row in rows)
