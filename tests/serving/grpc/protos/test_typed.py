"""The typed service of a model: its text, its descriptors, and its messages as rows."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from recipes import find_recipe
from serving.grpc.protos.descriptors import Messages
from serving.grpc.protos.proto import render
from serving.grpc.protos.typed import camel, field_names, row_of, typed_proto
from tables.dataset import read_dataset
from tables.dates import DateFormat
from tables.schema import Feature, Schema, Target
from tests.conftest import ROOT, require
from tests.serving.factory import SIGNATURE

ODD = Schema(
    (
        Feature("Sepal.Length", "number"),
        Feature("sepal length", "number"),
        Feature("1st", "integer", nullable=True),
        Feature("größe", "category", categories=("a\n}", "b")),
        Feature("message", "text"),
    ),
    Target("probabilities", (1, 2, 3)),
)


def test_the_iris_contract_is_an_instance() -> None:
    recipe = find_recipe("iris")
    schema = read_dataset(recipe.table(), recipe.target).schema
    text = render(typed_proto("iris", schema))
    assert text == (ROOT / "clients" / "iris.proto").read_text(encoding="utf-8")
    for line in (
        "package ml;",
        "service IrisPredictor {",
        "  rpc PredictIrisSpecies(IrisPredictRequest) returns (IrisPredictReply);",
        "  double sepal_length = 1;",
        "  double sepal_width = 2;",
        "  double petal_length = 3;",
        "  double petal_width = 4;",
        "  int32 species = 1;",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize("schema", [SIGNATURE, ODD])
def test_text_and_descriptors_are_the_same(schema: Schema, tmp_path: Path) -> None:
    require(find_spec("grpc_tools") is not None, "protoc", "pip install -r requirements-dev.txt")
    proto = typed_proto("some-model", schema)
    (tmp_path / "model.proto").write_text(render(proto), encoding="utf-8")
    words = ["-I", str(tmp_path), f"--descriptor_set_out={tmp_path}/out", "model.proto"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *words], check=True)
    from google.protobuf import descriptor_pb2

    compiled = descriptor_pb2.FileDescriptorSet.FromString((tmp_path / "out").read_bytes()).file[0]
    made = descriptor_pb2.FileDescriptorProto()
    Messages(proto).pool.FindFileByName(proto.file).CopyToProto(made)
    for file in (compiled, made):
        file.ClearField("name")
        for message in file.message_type:
            for field in message.field:
                field.ClearField("json_name")
    assert made == compiled


def test_names_are_made_plain_and_stay_different() -> None:
    names = field_names(["Sepal.Length", "sepal length", "SepalLength", "1st", "größe", ""])
    assert len({name.replace("_", "").lower() for name in names}) == len(names)
    assert names[0] == "Sepal_Length"
    assert [camel(name) for name in ("iris", "credit-risk_2", "9lives")] == [
        "Iris",
        "CreditRisk2",
        "Model9lives",
    ]


def test_a_message_is_a_row() -> None:
    request = Messages(typed_proto("credit", SIGNATURE))["CreditPredictRequest"]
    whole = request(age=30, income=12.5, home="rent", records=True)
    assert row_of(SIGNATURE, whole) == {"age": 30, "income": 12.5, "home": "rent", "records": True}


def test_only_what_can_be_missing_is() -> None:
    request = Messages(typed_proto("credit", SIGNATURE))["CreditPredictRequest"]
    assert row_of(SIGNATURE, request()) == {"age": 0, "records": False}
    odd = Messages(typed_proto("odd", ODD))["OddPredictRequest"]
    assert row_of(ODD, odd()) == {"Sepal.Length": 0.0, "sepal length": 0.0, "message": ""}


def test_a_date_is_a_string_that_is_missing_where_it_is_empty() -> None:
    when = Feature("when", "date", example="31/01/2024", dates=DateFormat(True, parts=("day",)))
    schema = Schema((when, *SIGNATURE.features), SIGNATURE.target)
    proto = typed_proto("credit", schema)
    assert "  // A date as 31/01/2024, or in ISO 8601.\n  string when = 1;" in render(proto)
    request = Messages(proto)["CreditPredictRequest"]
    assert row_of(schema, request(when="01/02/2024"))["when"] == "01/02/2024"
    assert "when" not in row_of(schema, request())
