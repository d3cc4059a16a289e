"""The outputs that explain: asked for by their names, by a parameter, or by the query."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from serving.champions import Live
from serving.protocols import oip, v0
from serving.protocols.oip.explanation_outputs import NAMES
from tests.serving.explained import live_of, rows_of
from tests.serving.factory import ask, make_live, make_service

PATH = "/v2/models/credit/infer"


def infer(live: Live, rows: list[dict[str, Any]], query: str = "", **said: Any) -> Any:
    """Return the status, and what is answered."""
    inputs = [
        {"name": name, "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name in rows[0]
    ]
    answer = ask(make_service(live, protocols=(oip, v0)), PATH + query, {"inputs": inputs, **said})
    return answer.status, json.loads(answer.body)


def outputs(live: Live, rows: list[dict[str, Any]], query: str = "", **said: Any) -> Any:
    status, answer = infer(live, rows, query, **said)
    assert status == 200, answer
    return {one["name"]: one for one in answer["outputs"]}


def test_the_parameter_adds_them_and_they_are_what_v0_tells():
    live, rows = live_of(), rows_of()
    found = outputs(live, rows, parameters={"explain": True})
    assert list(found) == ["label", "probabilities", *NAMES]
    service = make_service(live, protocols=(oip, v0))
    told = json.loads(ask(service, "/v0/explain", rows).body)["predictions"]
    names = json.loads(found["contributions"]["parameters"]["features"])
    assert names == [feature.name for feature in live.schema.features]
    values = np.array(found["contributions"]["data"]).reshape(found["contributions"]["shape"])
    for index, one in enumerate(told):
        why = one["explanation"]
        assert dict(zip(names, values[index].tolist(), strict=True)) == why["contributions"]
        assert found["baseline"]["data"][index] == why["baseline"]
        assert found["contributions_space"]["data"][index] == why["space"]
        assert found["contributions_class"]["data"][index] == why["class"]


def test_they_are_answered_where_one_is_named_and_not_else():
    live, rows = live_of(), rows_of()
    assert list(outputs(live, rows)) == ["label", "probabilities"]
    named = [{"name": "contributions"}, {"name": "label"}]
    assert list(outputs(live, rows, outputs=named)) == ["contributions", "label"]
    said: dict[str, Any] = {"outputs": [{"name": "label"}], "parameters": {"explain": "1"}}
    assert list(outputs(live, rows, **said)) == ["label", *NAMES]
    assert "baseline" in outputs(live, rows, "?explain=1")


def test_the_class_is_asked_for_by_a_parameter_or_the_query():
    live, rows = live_of(), rows_of()
    by_parameter = outputs(live, rows, parameters={"explain": True, "explain_class": "no"})
    assert set(by_parameter["contributions_class"]["data"]) == {"no"}
    assert by_parameter == outputs(live, rows, "?explain=1&explain_class=no")


def test_a_quantity_has_no_class():
    found = outputs(live_of("age"), rows_of("age"), parameters={"explain": True})
    assert list(found) == ["value", *NAMES[:3]]


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {"explain": 5}),
        ("", {"explain": "yes"}),
        ("?explain=5", {}),
        ("?explain=abc", {}),
        ("?reasons=en", {}),
        ("", {"explain": True, "explain_class": 1}),
        ("", {"explain": True, "explain_class": "maybe"}),
    ],
)
def test_what_is_not_understood_is_refused(query, parameters):
    status, answer = infer(live_of(), rows_of(), query, parameters=parameters)
    assert status == 400
    assert ": expected" in answer["error"] or "no room" in answer["error"]


def test_a_model_that_cannot_be_explained_says_so():
    row = {"age": 30, "income": 12.5, "home": "rent", "records": False}
    status, answer = infer(make_live(), [row], outputs=[{"name": "contributions"}])
    assert (status, "are not explained" in answer["error"]) == (400, True)
