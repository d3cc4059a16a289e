"""The Open Inference Protocol: JSON, binary tensors, errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from serving.protocols import oip, v0
from serving.protocols.oip.model_metadata import metadata
from serving.service import PredictionService
from tables.dates import DateFormat
from tables.schema import Feature, Schema
from tests.serving.factory import ROW, SIGNATURE, ask, make_live, make_service

PATH = "/v2/models/credit/infer"
INPUTS = [
    {"name": "age", "datatype": "INT64", "shape": [2], "data": [30, 80]},
    {"name": "income", "datatype": "FP64", "shape": [2, 1], "data": [[12.5], [12.5]]},
    {"name": "home", "datatype": "BYTES", "shape": [2], "data": ["rent", "rent"]},
    {"name": "records", "datatype": "BOOL", "shape": [2], "data": [False, False]},
]


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make_service(make_live(), protocols=(oip, v0))


def infer(service: PredictionService, path: str = PATH, **document: Any) -> dict[str, Any]:
    answer = ask(service, path, {"inputs": INPUTS} | document)
    assert answer.status == 200, answer
    return json.loads(answer.body)


def binary(document: Any, raw: bytes, **headers: str) -> tuple[bytes, dict[str, str]]:
    written = json.dumps(document).encode()
    return written + raw, {"Inference_Header_Content_Length".lower(): str(len(written))} | headers


def test_the_outputs_are_what_v0_answers(service):
    rows = json.loads(ask(service, "/v0/predict", [ROW, ROW | {"age": 80}]).body)["predictions"]
    answered = infer(service)
    assert answered["model_name"] == "credit"
    assert answered["model_version"] == service.champions.live("credit").version
    label, probabilities = answered["outputs"]
    assert label == {
        "name": "label",
        "datatype": "BOOL",
        "shape": [2],
        "data": [row["value"] for row in rows],
    }
    assert probabilities["shape"] == [2, 2]
    assert probabilities["data"] == [p for row in rows for p in row["probabilities"].values()]


def test_the_id_is_given_back_and_outputs_are_chosen(service):
    answered = infer(service, id="abc", outputs=[{"name": "probabilities"}])
    assert answered["id"] == "abc"
    assert [output["name"] for output in answered["outputs"]] == ["probabilities"]
    assert "id" not in infer(service)


def test_the_live_version_may_be_named_and_no_other(service):
    version = service.champions.live("credit").version
    assert infer(service, f"/v2/models/credit/versions/{version}/infer") == infer(service)
    assert ask(service, "/v2/models/credit/versions/1/infer", {"inputs": INPUTS}).status == 404


def test_binary_inputs_and_outputs_are_the_same_values(service):
    raw = np.array([30, 80], "<i8").tobytes() + b"\4\0\0\0rent" * 2
    inputs: list[dict[str, Any]] = [dict(one) for one in INPUTS]
    for index, size in ((0, 16), (2, 16)):
        del inputs[index]["data"]
        inputs[index]["parameters"] = {"binary_data_size": size}
    body, headers = binary({"inputs": inputs}, raw, content_type="application/octet-stream")
    assert json.loads(ask(service, PATH, body, **headers).body) == infer(service)

    body, headers = binary(
        {
            "inputs": inputs,
            "outputs": [
                {"name": "probabilities", "parameters": {"binary_data": True}},
                {"name": "label", "parameters": {"binary_data": False}},
            ],
        },
        raw,
    )
    answer = ask(service, PATH, body, **headers)
    assert answer.content_type == b"application/octet-stream"
    length = int(dict(answer.headers)[b"inference-header-content-length"])
    probabilities, label = json.loads(answer.body[:length])["outputs"]
    assert probabilities["parameters"] == {"binary_data_size": len(answer.body) - length}
    expected = infer(service)["outputs"]
    assert label == expected[0]
    assert np.frombuffer(answer.body[length:], "<f8").tolist() == expected[1]["data"]


def test_binary_for_all_outputs_is_one_parameter(service):
    answer = ask(service, PATH, {"inputs": INPUTS, "parameters": {"binary_data_output": True}})
    length = int(dict(answer.headers)[b"inference-header-content-length"])
    outputs = json.loads(answer.body[:length])["outputs"]
    assert [one["parameters"]["binary_data_size"] for one in outputs] == [2, 32]
    assert len(answer.body) == length + 34


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (400, []),
        (400, {}),
        (400, {"inputs": []}),
        (400, {"inputs": [{"name": "age"}]}),
        (400, {"inputs": [INPUTS[0] | {"shape": [3]}, *INPUTS[1:]]}),
        (400, {"inputs": [INPUTS[0] | {"shape": [True]}, *INPUTS[1:]]}),
        (400, {"inputs": [INPUTS[0] | {"datatype": "FLOAT"}, *INPUTS[1:]]}),
        (400, {"inputs": INPUTS, "outputs": [{"name": "class"}]}),
        (400, {"inputs": INPUTS, "id": 1}),
        (
            400,
            {"inputs": INPUTS, "outputs": [{"name": "label", "parameters": {"classification": 1}}]},
        ),
        (400, {"inputs": INPUTS, "parameters": {"strict": "perhaps"}}),
        (422, {"inputs": [INPUTS[0] | {"data": [30, None]}, *INPUTS[1:]]}),
        (400, {"inputs": [INPUTS[0] | {"parameters": {"binary_data_size": 8}}, *INPUTS[1:]]}),
        (400, {"inputs": [INPUTS[0] | {"parameters": {"binary_data_size": "8"}}, *INPUTS[1:]]}),
        (422, {"inputs": INPUTS[1:]}),
        (422, {"inputs": [INPUTS[0] | {"datatype": "BYTES", "data": ["a", "b"]}, *INPUTS[1:]]}),
    ],
)
def test_what_is_no_inference_request_is_an_error_of_the_protocol(service, status, document):
    answer = ask(service, PATH, document)
    assert (answer.status, answer.content_type) == (status, b"application/json")
    assert list(json.loads(answer.body)) == ["error"]


def test_null_members_are_as_those_that_are_not_there(service):
    inputs = [one | {"parameters": None} for one in INPUTS]
    nulls: dict[str, Any] = {"id": None, "inputs": inputs, "parameters": None, "outputs": None}
    assert infer(service, **nulls) == infer(service)


def test_null_among_values_is_missing_where_the_feature_may_be(service):
    income = INPUTS[1] | {"data": [None, 12.5]}
    assert infer(service, inputs=[INPUTS[0], income, *INPUTS[2:]])["outputs"]
    home = INPUTS[2] | {"data": [None, "rent"]}
    assert infer(service, inputs=[*INPUTS[:2], home, INPUTS[3]])["outputs"]
    age = INPUTS[0] | {"data": [30, None]}
    answer = ask(service, PATH, {"inputs": [age, *INPUTS[1:]]})
    assert answer.status == 422
    assert "row 1, age: expected integer, got null" in json.loads(answer.body)["error"]


def test_strict_and_partial_are_of_the_query_or_of_the_request(service):
    home = INPUTS[2] | {"data": ["rent", "tent"]}
    inputs = [*INPUTS[:2], home, INPUTS[3]]
    (warning,) = json.loads(infer(service, inputs=inputs)["parameters"]["warnings"])
    assert (warning["row"], warning["field"]) == (1, "home")
    for path, parameters in ((f"{PATH}?strict=1", None), (PATH, {"strict": True})):
        sent = {"inputs": inputs, "parameters": parameters}
        assert ask(service, path, sent).status == 422
    whole = infer(service)["outputs"]
    for path, more in ((f"{PATH}?strict=1&partial=1", {}), (PATH, {"strict": 1, "partial": True})):
        answered = infer(service, path, inputs=inputs, parameters=more)
        label, probabilities = answered["outputs"]
        assert (label["shape"], probabilities["shape"]) == ([1], [1, 2])
        assert label["data"] == whole[0]["data"][:1]
        assert json.loads(answered["parameters"]["rows"]) == [0]
        assert json.loads(answered["parameters"]["errors"])[0]["row"] == 1


def test_base64_is_decoded_where_the_content_type_says_so(service):
    home = INPUTS[2] | {"data": ["cmVudA==", "cmVudA=="], "parameters": {"content_type": "base64"}}
    assert infer(service, inputs=[*INPUTS[:2], home, INPUTS[3]]) == infer(service)


def test_the_most_likely_classes_are_told_as_triton_tells_them(service):
    output = {"name": "probabilities", "parameters": {"classification": 1}}
    (top,) = infer(service, outputs=[output])["outputs"]
    assert (top["datatype"], top["shape"]) == ("BYTES", [2, 1])
    shares = infer(service)["outputs"][1]["data"]
    assert top["data"] == [f"{shares[1]:f}:1:true", f"{shares[3]:f}:1:true"]


def test_an_error_names_the_first_faulty_row_and_feature(service):
    inputs = [INPUTS[0] | {"datatype": "FP64", "data": [30, 1.5]}, *INPUTS[1:]]
    said = json.loads(ask(service, PATH, {"inputs": inputs}).body)["error"]
    assert "row 1, age: expected integer" in said


@pytest.mark.parametrize("length", ["x", "-1", "99999", "9" * 5000, ""])
def test_a_json_length_that_cannot_be_is_refused(service, length):
    headers = {"Inference_Header_Content_Length".lower(): length}
    assert ask(service, PATH, {"inputs": INPUTS}, **headers).status == 400


def test_other_bodies_and_media_types_are_refused(service):
    assert ask(service, PATH, b"").status == 400
    assert ask(service, PATH, b"{").status == 400
    assert ask(service, PATH, b"[" * 50_000).status == 400
    body, headers = binary({"inputs": INPUTS}, b"surplus")
    assert ask(service, PATH, body, **headers).status == 400
    assert ask(service, PATH, {"inputs": INPUTS}, content_type="text/csv").status == 415
    assert ask(service, "/v2/models/nobody/infer", {"inputs": INPUTS}).status == 404


def test_a_date_is_bytes_and_an_unparsable_one_is_named():
    dates = DateFormat(True, parts=("day", "hour"), first="2024-01-31")
    schema = Schema((Feature("when", "date", example="31/01/2024", dates=dates),), SIGNATURE.target)
    live = make_live(schema=schema)
    service = make_service(live, protocols=(oip, v0))
    (described,) = metadata(live)["inputs"]
    assert described == {"name": "when", "datatype": "BYTES", "shape": [-1]}
    tensor = described | {"shape": [2], "data": ["31/01/2024", "2024-01-31T06:30:00Z"]}
    label, _ = json.loads(ask(service, PATH, {"inputs": [tensor]}).body)["outputs"]
    assert label["shape"] == [2]
    refused = ask(service, PATH, {"inputs": [tensor | {"data": ["31/01/2024", "soon"]}]})
    assert refused.status == 422
    assert "row 1, when: expected date as 31/01/2024" in json.loads(refused.body)["error"]
    rows = [{"when": "31/01/2024"}, {"when": "01/31/2024"}]
    answer = ask(service, "/v0/predict", rows)
    assert answer.status == 422
    (problem,) = json.loads(answer.body)["errors"]
    assert (problem["row"], problem["field"]) == (1, "when")
