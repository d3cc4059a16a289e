"""The JSON Schema of rows: it accepts what the codec accepts, and refuses what that refuses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import RowsError
from tables.dates import DateFormat
from tables.json_schema import feature_schema, row_schema
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target

SIGNATURE = Schema(
    (
        Feature("age", "integer", minimum=18, maximum=70, example=30),
        Feature("income", "number", nullable=True, example=12.5),
        Feature("home", "category", True, ("owner", "rent"), {"aluguel": "rent"}, example="rent"),
        Feature("records", "boolean", example=False),
        Feature("insured", "boolean", nullable=True, example=True),
        Feature("note", "text", example="some words"),
    ),
    Target("approved", (False, True)),
)
CODEC = RowCodec(SIGNATURE)
VALIDATOR = jsonschema.Draft202012Validator(row_schema(SIGNATURE))

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**38, 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["rent", "yes", "TRUE", "Maybe", ""]),
    st.lists(st.integers(), max_size=1),
)
names = [feature.name for feature in SIGNATURE.features]
changes = st.dictionaries(st.sampled_from([*names, "approved", "other"]), values, max_size=3)


@given(changes, st.sets(st.sampled_from(names), max_size=1))
def test_schema_and_codec_agree_on_every_row(changed: dict[str, Any], left_out: set[str]):
    row = {k: v for k, v in (SIGNATURE.example | changed).items() if k not in left_out}
    try:
        CODEC.encode_objects([row])
        accepted = True
    except RowsError:
        accepted = False
    assert VALIDATOR.is_valid(row) == accepted, row


@given(changes)
def test_schema_and_codec_agree_also_where_the_model_imputes(changed: dict[str, Any]):
    row, schema = SIGNATURE.example | changed, msgspec.structs.replace(SIGNATURE, imputes=True)
    try:
        RowCodec(schema).encode_objects([row])
        accepted = True
    except RowsError:
        accepted = False
    assert jsonschema.Draft202012Validator(row_schema(schema)).is_valid(row) == accepted, row


def test_the_schema_is_one_and_its_example_fits():
    jsonschema.Draft202012Validator.check_schema(row_schema(SIGNATURE))
    VALIDATOR.validate(row_schema(SIGNATURE)["examples"][0])


@pytest.mark.parametrize(
    ("name", "said"),
    [("age", "in training from 18 to 70"), ("home", "one of owner, rent; or aluguel")],
)
def test_a_feature_is_described_by_what_training_saw(name, said):
    assert row_schema(SIGNATURE)["properties"][name]["description"] == said


def test_a_label_that_is_a_feature_as_well_keeps_the_features_schema():
    schema = Schema((Feature("y", "number"),), Target("y", (0, 1)))
    assert row_schema(schema)["properties"]["y"]["type"] == "number"


def test_the_words_of_a_boolean_stand_in_one_order_in_every_process(root):
    code = "from tables.json_schema import feature_schema; from tables.schema import Feature; "
    code += "print(feature_schema(Feature('b', 'boolean'))['enum'])"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    ("example", "dates", "expected"),
    [
        ("2024-01-05", DateFormat(), {"type": "string", "format": "date"}),
        ("2024-01-05T06:30:00Z", DateFormat(zone=0), {"type": "string", "format": "date-time"}),
        ("05/01/2024", DateFormat(day_first=True), {"type": "string"}),
        ("20240105", DateFormat(unit="ymd"), {"type": ["string", "number"]}),
    ],
)
def test_a_date_has_the_format_that_it_is_written_in(example, dates, expected):
    feature = Feature("x", "date", example=example, dates=dates)
    found = feature_schema(feature)
    assert {key: found.get(key) for key in ("type", "format")} == {"format": None} | expected
    assert f"a date as {example}, or in ISO 8601" in found["description"]
    types = expected["type"] if isinstance(expected["type"], list) else [expected["type"]]
    nullable = feature_schema(msgspec.structs.replace(feature, nullable=True))
    assert nullable["type"] == [*types, "null"]
