"""The truths of a feedback request's body: JSON, JSON Lines or CSV; pure functions of bytes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from errors import DatasetError, ParseError, RowProblem, RowsError, TooManyRows
from serving.media import CSV, JSON, JSON_LINES
from tables.json_text import lines_of, parse_json, too_many
from tables.readers.encoding import to_utf8
from tables.rows import json_name, rejected

FIELDS = ("id", "truth")
LONGEST = 256
# A longer integer is no number of a table, and Python writes none of over 4,300 digits.
MOST = 2**63
# An id, and what came true.
Pair = dict[str, Any]


def read_truths(body: bytes, media_type: str, most: int) -> list[Pair]:
    """Return the truths of a body. Raises ParseError, RowsError and TooManyRows."""
    if media_type == CSV:
        rows: Iterable[Any] = _csv(body)
    elif media_type == JSON_LINES:
        rows = lines_of(body)
    else:
        assert media_type == JSON
        parsed = parse_json(body, most)
        rows = parsed if isinstance(parsed, list) else [parsed]
    return _checked(rows, most)


def _csv(body: bytes) -> list[dict[str, Any]]:
    try:
        text = to_utf8(body).data.decode()
    except DatasetError as error:
        raise ParseError(str(error)) from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        raise ParseError("the body is not CSV") from None


def _checked(rows: Iterable[Any], most: int) -> list[Pair]:
    found: list[Pair] = []
    problems: list[RowProblem] = []
    for index, row in enumerate(rows):
        if index >= most:
            raise TooManyRows(too_many(most))
        fault = _fault(index, row)
        if fault is not None:
            problems.append(fault)
        else:
            found.append({name: row[name] for name in FIELDS})
    if problems:
        raise RowsError("a truth is an object of id and truth", rejected(problems).problems)
    if not found:
        raise RowsError("expected at least one truth")
    return found


def _fault(index: int, row: Any) -> RowProblem | None:
    if not isinstance(row, dict):
        return RowProblem(index, None, "object", json_name(row))
    for name in FIELDS:
        if row.get(name) is None:
            return RowProblem(index, name, "a value", "nothing")
    if not row["id"] or not _is_text(row["id"]):
        return RowProblem(index, "id", f"string of 1 to {LONGEST} letters", json_name(row["id"]))
    return _fault_of_truth(index, row["truth"])


def _is_text(value: Any) -> bool:
    """Tell whether a value is a text that can be written as UTF-8: half a pair cannot."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return False
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) < MOST
    return isinstance(value, float) and math.isfinite(value)


def _fault_of_truth(index: int, truth: Any) -> RowProblem | None:
    good = isinstance(truth, bool) or _is_number(truth) or _is_text(truth)
    expected = f"boolean, number or string of at most {LONGEST} letters"
    return None if good else RowProblem(index, "truth", expected, json_name(truth))
