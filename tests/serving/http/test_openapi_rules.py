"""The OpenAPI document as linters and generators want it, whatever models and columns there are."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from app import build_flask, wire
from config import Config
from serving.http.openapi import make_document, operations_of
from tables.dates import DateFormat
from tables.schema import Feature, Schema, Target
from tests.openapi_rules import Document, faults, operations, schemas
from tests.serving.factory import make_live
from tests.serving.protocols.test_loans import LOANS
from tests.serving.protocols.test_tweets import TWEETS

# Names as tables have them, and words that code cannot tell apart.
HOSTILE = Schema(
    (
        Feature("a b", "number", True, example=1.5),
        Feature("a_b", "integer", example=1),
        Feature("class", "category", True, ("no", "yes", "größer", "a/b"), example="yes"),
        Feature("1st", "boolean", True, example=True),
        Feature("home %", "category", categories=("a-b", "a b"), example="a b", closed=True),
        Feature("from", "category", True, ("x", "y"), {"z": "x"}, example="y", closed=True),
        Feature("when", "date", example="2024-07-18", dates=DateFormat()),
        Feature("Größe", "text", example="some words"),
    ),
    Target("no 1", ("Yes", "no", "YES")),
)
LIVES = {
    live.name: live
    for live in (
        make_live(),
        make_live("loans", schema=LOANS, protocols=("flat",)),
        make_live("tweets", schema=TWEETS, protocols=("keyed",)),
        make_live("my-model", schema=HOSTILE),
        make_live("my_model", schema=HOSTILE),
        make_live("2024-sales", schema=Schema(HOSTILE.features, Target("y", (1, 2)))),
    )
}


def make(folder: Any, lives: Any = LIVES, *, closed: bool = False, multi: bool = True) -> Document:
    """Return the document of a service with these models; `multi`: those of a folder, too."""
    config = Config(
        model_store=str(folder / "models"),
        key_folder=str(folder / "keys"),
        models_folder=str(folder) if multi else "",
        aip_health_route="/vertex/health",
        aip_predict_route="/vertex/predict",
    )
    parts = wire(config)
    operations = operations_of(build_flask(config, parts))
    made = make_document(parts.service.protocols, operations, lives, "credit", closed)
    return json.loads(json.dumps(made))


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return make(tmp_path_factory.mktemp("rules"))


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("lives", [LIVES, {}], ids=["models", "none"])
def test_the_document_has_no_fault(tmp_path: Any, lives: Any, closed: bool) -> None:
    assert faults(make(tmp_path, lives, closed=closed)) == []


def test_a_model_trained_again_changes_nothing(document: Document, tmp_path: Any) -> None:
    again = {
        name: make_live(name, "v2", live.schema, protocols=live.manifest.protocols)
        for name, live in LIVES.items()
    }
    assert make(tmp_path, again) == document


def test_two_models_of_one_spelling_have_operations_and_schemas_of_their_own(
    document: Document,
) -> None:
    assert {"MyModelRow", "MyModel2Row"} <= document["components"]["schemas"].keys()
    first, second = (
        document["paths"][f"/v0/models/{name}/predict"]["post"] for name in ("my-model", "my_model")
    )
    assert first["operationId"] == "post_v0_models_my_model_predict"
    assert second["operationId"] == "post_v0_models_my_model_2_predict"
    body = second["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/MyModel2Rows"}


PREDICT = "/v0/models/credit/predict"


def _predict(document: Document) -> Document:
    operation: Document = document["paths"][PREDICT]["post"]
    return operation


def _row(document: Document) -> Document:
    row: Document = document["components"]["schemas"]["CreditRow"]
    return row


def _twice(document: Document) -> None:
    document["components"]["schemas"]["Credit_row"] = {"type": "object"}


def _dated(document: Document) -> None:
    document["paths"]["/v2/20261123t000000z-000001"] = {"get": document["paths"]["/v2"]["get"]}


PLANTED: dict[str, Callable[[Document], Any]] = {
    "expected one": lambda d: d.pop("servers"),
    "expected a description": lambda d: d["tags"][0].pop("description"),
    "expected once": lambda d: _predict(d).update(operationId="postV0Predict"),
    "expected a name of its own": _twice,
    "expected no version of today": _dated,
    "expected a summary": lambda d: _predict(d).pop("summary"),
    "expected a tag that is listed": lambda d: _predict(d).update(tags=["Other"]),
    "expected security, empty": lambda d: _predict(d).pop("security"),
    "expected security that is defined": lambda d: _predict(d).update(security=[{"basic": []}]),
    "expected every part of the path": lambda d: d["paths"]["/models/{name}"]["get"].update(
        parameters=[]
    ),
    "expected a schema": lambda d: _predict(d)["requestBody"]["content"].update({"text/csv": {}}),
    "expected a reference": lambda d: _row(d)["properties"].update(x={"$ref": "#/components/x"}),
    "expected the items": lambda d: _row(d)["properties"].update(x={"type": "array"}),
    "expected the schema of": lambda d: _row(d)["required"].append("other"),
    "expected a pattern": lambda d: _row(d)["properties"].update(
        x={"type": "string", "pattern": r"^a\Z"}
    ),
    "expected no list": lambda d: _row(d)["properties"].update(x={"default": []}),
    "expected the type": lambda d: _row(d)["properties"].update(x={"enum": ["a"]}),
    "expected values of one type": lambda d: _row(d)["properties"].update(x={"enum": ["a", 1]}),
    "expected values that stay apart": lambda d: _row(d)["properties"].update(
        x={"type": "string", "enum": ["a", "A"]}
    ),
    "expected an example": lambda d: _row(d)["properties"]["age"].update(examples=["old"]),
}


@pytest.mark.parametrize("expected", PLANTED)
def test_every_rule_sees_its_fault(document: Document, expected: str) -> None:
    changed = copy.deepcopy(document)
    PLANTED[expected](changed)
    assert any(expected in fault for fault in faults(changed)), faults(changed)


def test_the_rules_see_the_whole_document(document: Document) -> None:
    assert len(list(operations(document))) > 60
    assert sum("pattern" in schema for _, schema in schemas(document)) > 5
