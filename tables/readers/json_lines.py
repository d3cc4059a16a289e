"""JSON (a list of objects, or lists by column) and JSON Lines to columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from errors import DatasetError
from tables.table import Table

_VALUES = (str, int, float, bool, type(None))


def read_json(data: bytes) -> Table | None:
    """Read rows as objects, one a line or in a list, or an object of columns.

    Returns None for bytes that are not JSON, which may begin so by chance.
    Raises DatasetError for JSON that is no table.
    """
    document = _parsed(data.removeprefix(b"\xef\xbb\xbf"))
    if document is None:
        return None
    if isinstance(document, list):
        return Table(_columns(document))
    if all(isinstance(column, list) for column in document.values()):
        columns = {name: _checked(name, column) for name, column in document.items()}
        return Table(columns)
    raise DatasetError("the JSON is no table: expected a list of objects, or a list a column")


def _parsed(data: bytes) -> list[Any] | dict[str, Any] | None:
    for decode in (msgspec.json.decode, msgspec.json.Decoder(dict[str, Any]).decode_lines):
        try:
            found = decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(found, list | dict):
            return found
    return None


def _columns(rows: Sequence[Any]) -> dict[str, list[Any]]:
    if not rows:
        raise DatasetError("the table is empty")
    wrong = next((i for i, row in enumerate(rows) if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise DatasetError(f"row {wrong + 1} of the JSON is no object")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _checked(name, [row.get(name) for row in rows]) for name in names}


def _checked(name: str, values: list[Any]) -> list[Any]:
    wrong = next((i for i, value in enumerate(values) if not isinstance(value, _VALUES)), None)
    if wrong is not None:
        raise DatasetError(f"column {name}, row {wrong + 1}: a list or an object is no value")
    return values
