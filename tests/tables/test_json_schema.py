"""The JSON Schema of rows: it accepts what the codec accepts, but for the words of a boolean."""

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
from tables.json_schema import MOST_LISTED, choice, feature_schema, nullable, row_schema
from tables.rows import BOOLEANS, RowCodec
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


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose booleans are no words."""
    flags = {f.name for f in SIGNATURE.features if f.kind == "boolean"}
    words = {k for k in flags & row.keys() if isinstance(row[k], str) and row[k] in BOOLEANS}
    return row | {name: BOOLEANS[row[name]] == 1 for name in words}


@given(changes, st.sets(st.sampled_from(names), max_size=1))
def test_schema_and_codec_agree_on_every_row(changed: dict[str, Any], left_out: set[str]):
    row = {k: v for k, v in (SIGNATURE.example | changed).items() if k not in left_out}
    try:
        CODEC.encode_objects([row])
        accepted = True
    except RowsError:
        accepted = False
    assert VALIDATOR.is_valid(plain(row)) == accepted, row


@given(changes)
def test_schema_and_codec_agree_also_where_the_model_imputes(changed: dict[str, Any]):
    row, schema = SIGNATURE.example | changed, msgspec.structs.replace(SIGNATURE, imputes=True)
    try:
        RowCodec(schema).encode_objects([row])
        accepted = True
    except RowsError:
        accepted = False
    validator = jsonschema.Draft202012Validator(row_schema(schema))
    assert validator.is_valid(plain(row)) == accepted, row


def test_the_schema_is_one_and_its_example_fits():
    jsonschema.Draft202012Validator.check_schema(row_schema(SIGNATURE))
    VALIDATOR.validate(row_schema(SIGNATURE)["examples"][0])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("age", "in training from 18 to 70"),
        ("home", "one of owner, rent; or aluguel"),
        ("records", "or one of true, True, TRUE, yes, Yes, YES, false, False, FALSE, no, No, NO"),
    ],
)
def test_a_feature_is_described_by_what_training_saw(name, said):
    assert row_schema(SIGNATURE)["properties"][name]["description"] == said


def test_a_label_that_is_a_feature_as_well_keeps_the_features_schema():
    schema = Schema((Feature("y", "number"),), Target("y", (0, 1)))
    assert row_schema(schema)["properties"]["y"]["type"] == "number"


def test_the_words_of_a_boolean_stand_in_one_order_in_every_process(root):
    code = "from tables.json_schema import feature_schema; from tables.schema import Feature; "
    code += "print(feature_schema(Feature('b', 'boolean'))['description'])"
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


def test_a_category_is_enumerated_where_the_model_answers_no_other():
    plan = Feature("plan", "category", categories=("gold", "pro"), aliases={"or": "gold"})
    shut = msgspec.structs.replace(plan, closed=True, example="pro")
    assert feature_schema(plan)["type"] == "string"
    assert "enum" not in feature_schema(plan)
    assert feature_schema(shut)["enum"] == ["gold", "pro", "or"]
    assert feature_schema(shut)["examples"] == ["pro", "gold"]
    assert feature_schema(shut, imputes=True)["enum"][-1] is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("no", "yes"), {"type": "string", "enum": ["no", "yes"]}),
        (("No", "no"), {"type": "string"}),
        (("a", ""), {"type": "string"}),
        ((1, 2), {"type": "integer", "enum": [1, 2]}),
        ((False, True), {"type": "boolean"}),
        (range(MOST_LISTED + 1), {"type": "integer"}),
    ],
)
def test_a_choice_is_listed_where_each_value_can_have_a_name(values, expected):
    assert choice(values) == expected


def test_what_is_nullable_accepts_null_and_what_it_did():
    assert nullable({"type": "string"}) == {"type": ["string", "null"]}
    assert nullable(choice(["a"])) == {"type": ["string", "null"], "enum": ["a", None]}


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
