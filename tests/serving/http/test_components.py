from __future__ import annotations

import jsonschema
import pytest

from errors import RowProblem
from serving.description import prediction_of, row_of
from serving.http.components import component_schemas, references, referred, spelled
from serving.problems import describe
from tests.serving.factory import make_live

LIVES = {name: make_live(name) for name in ("my-model", "my_model")}


def test_a_models_own_schemas_are_named_after_how_it_is_spelled() -> None:
    assert spelled(LIVES) == {"my-model": "my_model", "my_model": "my_model_2"}
    own = {"Row", "Rows", "Prediction"}
    shared = {"ModelVersion", "Problem", "RowProblem", "RowWarning"}
    models = {f"{model}{part}" for model in ("MyModel", "MyModel2") for part in own}
    assert set(component_schemas(LIVES)) == models | shared
    assert set(component_schemas({})) == shared


def test_references_lead_to_the_schemas_and_nothing_else_is_changed() -> None:
    live = LIVES["my_model"]
    node = {"anyOf": [row_of(live), {"type": "null"}], "properties": {"$ref": {"type": "string"}}}
    assert referred(node, references(LIVES)) == {
        "anyOf": [{"$ref": "#/components/schemas/MyModel2Row"}, {"type": "null"}],
        "properties": {"$ref": {"type": "string"}},
    }
    assert referred([prediction_of(live)], {}) == [prediction_of(live)]


@pytest.mark.parametrize("field", [None, "age"])
def test_a_problem_of_a_row_is_as_described(field: str | None) -> None:
    schema = component_schemas({})["RowProblem"]
    jsonschema.validate(describe(RowProblem(3, field, "integer", "string", "ages")), schema)
