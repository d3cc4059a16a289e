"""KServe's V1 protocol: instances in, predicted values out, errors as it writes them."""

from __future__ import annotations

import json

import pytest

from serving.auth import Guard, KeyRing, new_key
from serving.protocols import v1
from serving.service import PredictionService
from tests.serving.factory import ROW, ask, make_live, make_service

PATH = "/v1/models/credit:predict"


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make_service(make_live(), protocols=(v1,))


def test_instances_are_answered_with_the_predicted_values(service):
    live = make_live()
    names = [feature.name for feature in live.schema.features]
    values = [ROW.get(name) for name in names]
    answers = [ask(service, PATH, {"instances": [one, one]}) for one in (ROW, values)]
    for answer in answers:
        predictions = json.loads(answer.body)["predictions"]
        assert len(predictions) == 2
        assert set(predictions) <= set(live.schema.target.classes)


def test_inputs_are_instances_or_tensorflows_columns(service):
    predictions = json.loads(ask(service, PATH, {"instances": [ROW, ROW]}).body)["predictions"]
    # https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
    assert json.loads(ask(service, PATH, {"inputs": [ROW, ROW]}).body)["predictions"] == predictions
    # https://www.tensorflow.org/tfx/serving/api_rest#specifying_input_tensors_in_column_format
    columns = {name: [value, value] for name, value in ROW.items()}
    asked = {"signature_name": "serving_default", "inputs": columns}
    assert json.loads(ask(service, PATH, asked).body) == {"outputs": predictions}


def test_vertex_sends_parameters_beside_the_instances(service):
    assert ask(service, PATH, {"instances": [ROW], "parameters": {}}).status == 200


@pytest.mark.parametrize(
    ("status", "path", "body"),
    [
        (400, PATH, b"{"),
        (422, PATH, [ROW]),
        (422, PATH, {"instances": []}),
        (422, PATH, {"instances": {}}),
        (422, PATH, {"instances": [[1]]}),
        (422, PATH, {"instances": [{}]}),
        (404, "/v1/models/nobody:predict", {"instances": [ROW]}),
    ],
)
def test_what_is_wrong_is_said_under_error(service, status, path, body):
    answer = ask(service, path, body)
    assert answer.status == status
    assert list(json.loads(answer.body)) == ["error"]


def test_a_service_that_wants_a_key_wants_it_here():
    token, key = new_key("client", ["predict"])
    guard = Guard(KeyRing([key.entry()]), require_for_prediction=True)
    closed = make_service(make_live(), protocols=(v1,), guard=guard)
    body = {"instances": [ROW]}
    assert ask(closed, PATH, body).status == 401
    assert ask(closed, PATH, body, authorization=f"Bearer {token}").status == 200
