"""SageMaker's protocol: media types in and out, rows and columns, custom attributes."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from botocore.parsers import create_parser
from botocore.session import get_session

from serving.protocols import sagemaker
from serving.service import PredictionService
from tables.dialect import Dialect
from tables.schema import Feature, Schema, Target
from tests.serving.factory import ask, make_live, make_service

NAMES = ("Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width")
IRIS = Schema(
    tuple(Feature(name, "number", example=1.5) for name in NAMES),
    Target("Species", ("setosa", "versicolor", "virginica")),
)
ROWS = [dict(zip(NAMES, values, strict=True)) for values in [(5.1, 3.5, 1.4, 0.2), (700, 3, 5, 2)]]
COLUMNS = {name: [row[name] for row in ROWS] for name in NAMES}


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make_service(make_live("credit", schema=IRIS), protocols=(sagemaker,))


@pytest.fixture(scope="module")
def expected(service) -> list[dict[str, object]]:
    return json.loads(ask(service, "/invocations", ROWS).body)["predictions"]


def test_a_row_is_answered_with_label_and_probabilities(expected):
    assert [one["predicted_label"] for one in expected] == ["virginica", "virginica"]
    for one in expected:
        assert list(one["probabilities"]) == ["setosa", "versicolor", "virginica"]
        assert one["probability"] == one["probabilities"][one["predicted_label"]]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps(COLUMNS)),
        ("application/json", json.dumps(COLUMNS | {"Species": ["?", "?"]})),
        ("application/json", "\n " + json.dumps(ROWS)),
        ("", json.dumps(ROWS)),
        ("application/jsonlines", "\n".join(map(json.dumps, ROWS))),
        ("application/x-ndjson", "\r\n".join(map(json.dumps, ROWS)) + "\n"),
        ("text/csv", "5.1,3.5,1.4,0.2\n700,3,5,2\n"),
        ("text/csv", ",".join(NAMES) + "\r\n5.1,3.5,1.4,0.2\r\n700,3,5,2\r\n"),
        (
            "text/csv; charset=utf-8",
            "Species," + ",".join(NAMES) + "\nx,5.1,3.5,1.4,0.2\nx,700,3,5,2",
        ),
    ],
)
def test_every_way_to_write_rows_is_the_same_rows(service, expected, content_type, body):
    answer = ask(service, "/invocations", body.encode(), content_type=content_type)
    assert answer.status == 200, answer
    assert json.loads(answer.body) == {"predictions": expected}


def test_scalars_are_one_row(service, expected):
    assert json.loads(ask(service, "/invocations", ROWS[0]).body) == {"predictions": expected[:1]}


def test_the_answer_is_written_as_accept_says(service, expected):
    lines = ask(service, "/invocations", ROWS, accept="application/jsonlines")
    assert lines.content_type == b"application/jsonlines"
    assert [json.loads(line) for line in lines.body.splitlines()] == expected
    table = ask(service, "/invocations", ROWS, accept="text/csv")
    assert table.content_type == b"text/csv"  # the platform's SDK compares the whole value
    cells = [line.split(",") for line in table.body.decode().splitlines()]
    assert [row[0] for row in cells] == ["virginica", "virginica"]
    assert [[float(c) for c in row[1:]] for row in cells] == [
        list(one["probabilities"].values()) for one in expected
    ]
    assert ask(service, "/invocations", ROWS, accept="*/*").content_type == b"application/json"
    assert ask(service, "/invocations", ROWS, accept="image/png").status == 406


def test_custom_attributes_come_back(service):
    given = {"X_Amzn_SageMaker_Custom_Attributes".lower(): "trace=1, tier=gold"}
    answer = ask(service, "/invocations", ROWS, **given)
    assert (b"x-amzn-sagemaker-custom-attributes", b"trace=1, tier=gold") in answer.headers
    given = {"X_Amzn_SageMaker_Custom_Attributes".lower(): "x" * 1025}
    assert ask(service, "/invocations", ROWS, **given).status == 400


def test_a_model_is_invoked_by_name(service, expected):
    assert json.loads(ask(service, "/models/credit/invoke", ROWS).body)["predictions"] == expected
    assert ask(service, "/models/nobody/invoke", ROWS).status == 404


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (400, b"", "application/json"),
        (400, b"", "text/csv"),
        (400, b"{", "application/json"),
        (400, b"[", "application/json"),
        (400, b"{\n}", "application/jsonlines"),
        (415, b"x", "image/png"),
        (422, b"", "application/jsonlines"),
        (422, b"[]", "application/json"),
        (422, b"[3]", "application/json"),
        (422, b"{}", "application/json"),
        (422, b"1,2,3\n", "text/csv"),
        (422, b"a,b,c,d\n", "text/csv"),
        (422, (",".join(NAMES) + "\n").encode(), "text/csv"),
        (422, (",".join(NAMES) + ",Sepal.Colour\n1,2,3,4,5\n").encode(), "text/csv"),
        (422, COLUMNS | {"Petal.Width": [1]}, "application/json"),
        (422, COLUMNS | {"Petal.Width": 1}, "application/json"),
        (422, {name: [] for name in NAMES}, "application/json"),
        (422, {**COLUMNS, "Sepal.Length": ["a", "b"]}, "application/json"),
    ],
)
def test_what_is_no_row_is_refused_with_a_problem(service, status, body, content_type):
    answer = ask(service, "/invocations", body, content_type=content_type)
    assert (answer.status, answer.content_type) == (status, b"application/problem+json")


def test_a_fault_in_a_column_names_its_row(service):
    answer = ask(service, "/invocations", {**COLUMNS, "Petal.Width": [1, "wide"]})
    (fault,) = json.loads(answer.body)["errors"]
    assert (fault["row"], fault["field"], fault["got"]) == (1, "Petal.Width", "string")


VALUES = [list(row.values()) for row in ROWS]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"index": [0, 1], "columns": list(NAMES), "data": VALUES}},
        {"dataframe_split": {"columns": [*NAMES, "Species"], "data": [[*v, "?"] for v in VALUES]}},
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"instances": VALUES},
        {"inputs": COLUMNS},
        {"inputs": VALUES},
    ],
)
def test_mlflow_bodies_are_answered_with_the_predicted_values(service, body):
    answer = ask(service, "/invocations", body)
    assert json.loads(answer.body) == {"predictions": ["virginica", "virginica"]}


@pytest.mark.parametrize("body", [VALUES, [{"features": values} for values in VALUES]])
def test_lists_of_values_are_rows_in_the_order_of_the_features(service, expected, body):
    assert json.loads(ask(service, "/invocations", body).body) == {"predictions": expected}


def test_features_alone_are_one_row(service, expected):
    answer = ask(service, "/invocations", {"features": VALUES[0]})
    assert json.loads(answer.body) == {"predictions": expected[:1]}


def test_what_curl_sends_without_a_content_type_is_json(service, expected):
    answer = ask(
        service,
        "/invocations",
        json.dumps(ROWS).encode(),
        content_type="application/x-www-form-urlencoded",
    )
    assert json.loads(answer.body) == {"predictions": expected}


def test_boto3_shows_what_is_wrong(service):
    answer = ask(service, "/endpoints/credit/invocations", ROWS[0] | {"Petal.Width": "wide"})
    operation = get_session().get_service_model("sagemaker-runtime")
    shape = operation.operation_model("InvokeEndpoint").output_shape
    received = {"status_code": answer.status, "headers": {}, "body": answer.body}
    parsed = create_parser("rest-json").parse(received, shape)
    assert "Petal.Width: expected number" in parsed["Error"]["Message"]


def test_a_semicolon_line_is_not_parted_at_its_decimal_comma():
    schema = Schema(
        (
            Feature("a", "number", example=1.5),
            Feature("colour", "category", categories=("blue", "red")),
        ),
        Target("y", ("no", "yes")),
        dialect=Dialect(delimiter=";", decimal=","),
    )
    euro = make_service(make_live("credit", schema=schema), protocols=(sagemaker,))
    line = ask(euro, "/invocations", b"44,5;red\n", content_type="text/csv")
    row = ask(euro, "/invocations", {"a": 44.5, "colour": "red"})
    assert (line.status, line.body) == (200, row.body)
    assert b"warnings" not in line.body


def npy(values: Any) -> bytes:
    """Return an array as the SDK's NumpySerializer sends it: sagemaker.serializers, by np.save."""
    stream = io.BytesIO()
    np.save(stream, np.array(values))
    return stream.getvalue()


def test_npy_in_and_out(service, expected):
    body = npy([[row[name] for name in NAMES] for row in ROWS])
    answer = ask(service, "/invocations", body, content_type="application/x-npy")
    assert json.loads(answer.body)["predictions"] == expected
    both = {"content_type": "application/x-npy", "accept": "application/x-npy"}
    answer = ask(service, "/invocations", body, **both)
    assert answer.content_type == b"application/x-npy"
    # As its NumpyDeserializer reads it.
    labels = np.load(io.BytesIO(answer.body), allow_pickle=False)
    assert labels.tolist() == [one["predicted_label"] for one in expected]
    text = npy([[str(row[name]) for name in NAMES] for row in ROWS])
    assert ask(service, "/invocations", text, **both).body == answer.body


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, b"[[1,2,3,4]]"), (422, npy([[1, 2]])), (422, npy([[np.inf] * 4])), (400, b"")],
)
def test_what_is_no_array_of_the_features_is_refused(service, status, body):
    answer = ask(service, "/invocations", body, content_type="application/x-npy")
    assert answer.status == status
    assert json.loads(answer.body)["message"]


def test_under_partial_a_bad_row_is_null_and_named(service):
    rows = [ROWS[0], ROWS[0] | {"Sepal.Width": "old"}, ROWS[1]]
    document = json.loads(ask(service, "/invocations?partial=1", rows).body)
    assert [one is None for one in document["predictions"]] == [False, True, False]
    assert [(fault["row"], fault["field"]) for fault in document["errors"]] == [(1, "Sepal.Width")]
    envelope = ask(service, "/invocations?partial=1", {"instances": rows})
    assert json.loads(envelope.body)["predictions"][1] is None
    lines = ask(service, "/invocations?partial=1", rows, accept="application/jsonlines")
    assert lines.body.splitlines()[1] == b"null"
    table = ask(service, "/invocations?partial=1", rows, accept="text/csv")
    assert set(table.body.splitlines()[1]) == set(b",")
    npy = ask(service, "/invocations?partial=1", rows, accept="application/x-npy")
    assert (npy.status, b"partial" in npy.body) == (400, True)
    assert ask(service, "/invocations", rows).status == 422
    assert ask(service, "/invocations?partial=1", rows[1:2]).status == 422
