"""Envelopes: which one a body is in, and what is no rows of it."""

from __future__ import annotations

import pytest

from errors import RowsError
from serving.envelopes import envelope_of, in_columns, late_rows, named, rows_in
from tables import json_text
from tables.json_text import parse_json
from tables.schema import Feature, Schema, Target

TARGET = Target("y", ("no", "yes"))
SCHEMA = Schema((Feature("a", "number"), Feature("b", "number")), TARGET)
NAMED_SO = Schema((Feature("inputs", "number"), Feature("features", "number")), TARGET)


def test_a_feature_of_an_envelopes_name_is_a_feature():
    assert envelope_of({"inputs": [1]}, SCHEMA) == "inputs"
    assert envelope_of({"inputs": [1]}, NAMED_SO) is None
    assert envelope_of([1], SCHEMA) is None
    assert in_columns({"features": [1]}, NAMED_SO)
    assert not in_columns({"features": [1]}, SCHEMA)


@pytest.mark.parametrize(
    ("envelope", "content"),
    [
        ("instances", {"a": 1}),
        ("instances", [[1]]),
        ("inputs", {"a": [1], "b": [1, 2]}),
        ("dataframe_split", [[1, 2]]),
        ("dataframe_split", {"columns": [1], "data": []}),
        ("dataframe_split", {"columns": ["a", "a"], "data": [[1, 2]]}),
        ("dataframe_split", {"columns": ["a", "b"], "data": [[1]]}),
    ],
)
def test_what_is_no_rows_is_refused(envelope, content):
    with pytest.raises(RowsError):
        rows_in(envelope, {envelope: content}, SCHEMA)


def test_a_row_of_one_feature_may_be_its_value_alone():
    one = Schema((Feature("text", "text"),), TARGET)
    rows = list(named(["x", ["y"], {"text": "z"}], one))
    assert rows == [{"text": "x"}, {"text": "y"}, {"text": "z"}]
    assert list(named(["x"], SCHEMA)) == ["x"]


def test_a_row_that_is_a_list_has_the_features_in_their_order():
    assert list(named([[1, 2], {"features": [3, 4]}, {"a": 5}], SCHEMA)) == [
        {"a": 1, "b": 2},
        {"a": 3, "b": 4},
        {"a": 5},
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}}',
        b'{"instances": [[1, 2], {"features": [3, 4]}]}',
        b'{"inputs": [{"a": 1, "b": 2}, [3, 4]]}',
        b"[[1, 2], [3, 4]]",
    ],
)
def test_rows_of_a_long_body_are_those_of_a_short_one(monkeypatch, body):
    monkeypatch.setattr(json_text, "BLOCK_BYTES", 8)
    parsed = parse_json(body, late=late_rows(SCHEMA))
    envelope = envelope_of(parsed, SCHEMA)
    rows = named(parsed, SCHEMA) if envelope is None else rows_in(envelope, parsed, SCHEMA)
    assert list(rows) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_rows_of_another_length_are_named_in_a_long_body_too(monkeypatch):
    monkeypatch.setattr(json_text, "BLOCK_BYTES", 8)
    parsed = parse_json(b"[[1, 2], [3], [4, 5], [6]]", late=late_rows(SCHEMA))
    with pytest.raises(RowsError) as caught:
        named(parsed, SCHEMA)
    assert [problem.row for problem in caught.value.problems] == [1, 3]


def test_a_feature_of_an_envelopes_name_is_read_at_once():
    assert ("inputs",) not in late_rows(NAMED_SO)
    assert ("inputs",) in late_rows(SCHEMA)
