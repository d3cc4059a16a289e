"""MCP's tools: their names, their schemas, what they say of arguments that do not fit."""

from __future__ import annotations

import re

import jsonschema
import pytest

from errors import RowProblem, RowsError
from serving.protocols.mcp.tools import EXPLAIN_TOOL, PREDICT_TOOL, declared, describe_tool, refused
from tables.schema import Feature, Schema, Target
from tests.serving.explained import live_of
from tests.serving.factory import ROW, make_live

DESCRIBE_TOOL = describe_tool(lambda live: {"name": live.name, "version": live.version})
QUANTITY = Schema((Feature("age", "integer", example=30),), Target("price", (), unit="kUSD"))


@pytest.mark.parametrize("tool", [PREDICT_TOOL, EXPLAIN_TOOL, DESCRIBE_TOOL])
def test_a_tool_is_declared_by_a_valid_name_and_valid_schemas(tool):
    told = declared("predict", tool, make_live())
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", told["name"])
    for name in ("inputSchema", "outputSchema"):
        jsonschema.Draft202012Validator.check_schema(told[name])
        assert told[name]["type"] == "object"
    assert told["annotations"]["readOnlyHint"]


def test_predicting_takes_the_row_of_the_signature_without_its_label():
    schema = declared("predict", PREDICT_TOOL, make_live())["inputSchema"]
    assert list(schema["properties"]) == ["age", "income", "home", "records"]
    assert schema["required"] == ["age", "records"]
    row = ROW | {"records": False}
    jsonschema.validate(row, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(row | {"incme": 1}, schema)


def test_a_tool_that_explains_is_of_models_that_can_be_explained():
    assert not EXPLAIN_TOOL.fits(make_live())
    live = live_of()
    assert EXPLAIN_TOOL.fits(live)
    prediction = declared("explain", EXPLAIN_TOOL, live)["outputSchema"]["properties"]["prediction"]
    assert "explanation" in prediction["required"]
    plain = declared("predict", PREDICT_TOOL, live)["outputSchema"]["properties"]["prediction"]
    assert "explanation" not in plain["properties"]


def test_what_is_predicted_is_said():
    about = declared("predict", PREDICT_TOOL, make_live())["description"]
    assert about == "Predict approved, one of false, true, of one row with the model credit."
    many = Target("city", tuple(f"c{i}" for i in range(30)))
    about = PREDICT_TOOL.about(make_live(schema=Schema(QUANTITY.features, many)))
    assert "c19 and 10 others" in about
    assert "the number price in kUSD" in PREDICT_TOOL.about(make_live(schema=QUANTITY))


def test_what_does_not_fit_is_told_field_by_field():
    error = RowsError(
        "1 row does not fit the signature",
        (
            RowProblem(0, "age", "integer", "string"),
            RowProblem(0, "incme", "a field of the signature", "unknown field", "income"),
        ),
    )
    assert refused(error) == (
        "1 row does not fit the signature\n"
        "age: expected integer, got string\n"
        "incme: expected a field of the signature, got unknown field (did you mean income?)"
    )


def test_describing_takes_nothing():
    with pytest.raises(RowsError):
        DESCRIBE_TOOL.decode(make_live(), {"a": 1})
