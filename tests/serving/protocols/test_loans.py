"""The loans protocol: a loan application in, the probability of its default out."""

from __future__ import annotations

import json

import pytest

from serving.protocols import loans, v0
from serving.service import PredictionService
from tables.schema import Feature, Kind, Schema, Target
from tests.serving.factory import ask, make_live, make_service

APPLICATION = {
    "Term": 84,
    "NoEmp": 4,
    "CreateJob": 2,
    "RetainedJob": 4,
    "longitude": -86.2,
    "latitude": 41.6,
    "GrAppv": 60000.0,
    "SBA_Appv": 48000.0,
    "is_new": True,
    "same_state": False,
    "FranchiseCode": "1",
    "City": "ELKHART",
    "State": "IN",
    "Bank": "A BANK",
    "BankState": "OH",
    "RevLineCr": "N",
    "UrbanRural": 1,
    "naics_first_two": "45",
}
KINDS: dict[type, Kind] = {int: "integer", float: "number", bool: "boolean", str: "category"}
LOANS = Schema(
    tuple(
        Feature(
            name,
            KINDS[type(value)],
            categories=(value,) if isinstance(value, str) else (),
            example=value,
        )
        for name, value in APPLICATION.items()
    ),
    Target("default", (False, True)),
)


@pytest.fixture(scope="module")
def service() -> PredictionService:
    live = make_live("loans", schema=LOANS, protocols=("flat",))
    return make_service(make_live(), live, protocols=(loans, v0))


def test_an_application_is_answered_with_the_probability_of_the_last_class(service):
    answer = ask(service, "/predict", APPLICATION)
    full = json.loads(ask(service, "/v0/models/loans/predict", APPLICATION).body)
    assert answer.status == 200
    assert json.loads(answer.body) == {"default_proba": full["prediction"]["probabilities"]["true"]}


def test_booleans_are_taken_as_the_strings_that_python_writes(service):
    to_cells = APPLICATION | {"is_new": "True", "same_state": "False"}
    assert ask(service, "/predict", to_cells).body == ask(service, "/predict", APPLICATION).body


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (422, {**APPLICATION, "Term": "long"}, "application/json"),
        (422, {"Term": 84}, "application/json"),
        (422, {**APPLICATION, "is_new": "maybe"}, "application/json"),
        (422, [APPLICATION], "application/json"),
        (400, b"", "application/json"),
        (415, APPLICATION, "text/csv"),
    ],
)
def test_what_is_no_application_is_refused_with_a_problem(service, status, body, content_type):
    answer = ask(service, "/predict", body, content_type=content_type)
    assert (answer.status, answer.content_type) == (status, b"application/problem+json")


def test_without_a_model_that_declares_it_there_is_nothing():
    assert ask(make_service(protocols=(loans,)), "/predict", APPLICATION).status == 404
