from __future__ import annotations

import jsonschema
import pytest

from serving.description import (
    Description,
    flag,
    header,
    prediction_of,
    prediction_schema,
    row_of,
    rows_of,
)
from tests.serving.factory import make_live

GOOD = {"value": True, "probability": 0.75, "probabilities": {"false": 0.25, "true": 0.75}}


def test_schemas_are_named_after_their_model() -> None:
    live = make_live("iris")
    found = [reference(live)["$ref"] for reference in (row_of, rows_of, prediction_of)]
    names = ("iris_row", "iris_rows", "iris_prediction")
    assert found == [f"#/components/schemas/{name}" for name in names]


def test_a_prediction_of_the_model_is_described() -> None:
    jsonschema.validate(GOOD, prediction_schema(make_live(), "value"))


@pytest.mark.parametrize(
    "change", [{"value": "yes"}, {"probability": 1.5}, {"probabilities": {"true": -1}}]
)
def test_what_it_cannot_answer_is_not(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(GOOD | change, prediction_schema(make_live(), "value"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(GOOD, prediction_schema(make_live(), "predicted_label"))


def test_parameters_say_where_they_are() -> None:
    assert (flag("strict", "x")["in"], flag("strict", "x")["name"]) == ("query", "strict")
    assert header("X-Any", "x", pattern="^a$")["schema"] == {"type": "string", "pattern": "^a$"}


def test_an_operation_is_refused_with_problems_unless_it_says_otherwise() -> None:
    assert list(Description("x", {}, {}).refuses) == ["application/problem+json"]
