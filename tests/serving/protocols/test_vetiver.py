"""vetiver's protocol: a list of rows in, `{"predict": [...]}` out."""

from __future__ import annotations

import gzip
import json

import pytest

from serving.protocols import loans, v0, vetiver
from serving.protocols.vetiver import metadata, prototype
from serving.service import PredictionService
from tables.schema import Schema, Target
from tests.serving.factory import ROW, SIGNATURE, ask, make_live, make_service
from tests.serving.protocols.test_loans import APPLICATION, LOANS

YOUNG = ROW | {"age": -30}
BOTH = (v0, loans, vetiver)


@pytest.fixture(scope="module")
def service() -> PredictionService:
    live = make_live("loans", schema=LOANS, protocols=("flat",))
    return make_service(make_live(), live, protocols=BOTH)


def test_a_list_of_rows_is_answered_with_a_column_of_values(service):
    answer = ask(service, "/predict", [ROW, YOUNG])
    assert answer.status == 200
    assert json.loads(answer.body) == {"predict": [True, False]}
    # Without a content type, as both packages send a data frame.
    assert ask(service, "/predict", b"  [" + json.dumps(ROW).encode() + b"]").status == 200


def test_classes_are_called_as_the_table_does():
    live = make_live(schema=Schema(SIGNATURE.features, Target("approved", ("no", "yes"))))
    answer = ask(make_service(live, protocols=(vetiver,)), "/predict", [YOUNG, ROW])
    assert json.loads(answer.body) == {"predict": ["no", "yes"]}


def test_rows_are_lists_too_as_an_array_is_sent(service):
    row = [ROW[name] for name in ("age", "income", "home", "records")]
    assert json.loads(ask(service, "/predict", [row]).body) == {"predict": [True]}


def test_one_object_is_an_application_still(service):
    answer = ask(service, "/predict", APPLICATION)
    assert list(json.loads(answer.body)) == ["default_proba"]
    assert ask(service, "/predict", [APPLICATION]).status == 422
    assert ask(make_service(protocols=BOTH), "/predict", [ROW]).status == 200
    assert ask(make_service(protocols=BOTH), "/predict", APPLICATION).status == 404


def test_a_packed_body_is_looked_into_before_it_is_chosen_for(service):
    for body, member in ((json.dumps([ROW]), "predict"), (json.dumps(APPLICATION), "default")):
        packed = gzip.compress(body.encode())
        answer = ask(service, "/predict", packed, content_encoding="gzip")
        assert member in answer.body.decode(), answer


def test_a_category_never_seen_is_said_and_refused_under_strict(service):
    unseen = [ROW, ROW | {"home": "castle"}]
    answer = ask(service, "/predict", unseen)
    assert answer.status == 200
    said = json.loads(dict(answer.headers)[b"x-warnings"])
    assert [(each["row"], each["field"]) for each in said["warnings"]] == [(1, "home")]
    assert ask(service, "/predict?strict=1", unseen).status == 422


@pytest.mark.parametrize("body", [[], [ROW, {"age": "x"}], [3], [[1, 2]], [{"wrong": 1}]])
def test_an_error_has_the_message_that_r_shows(service, body):
    answer = ask(service, "/predict", body)
    assert (answer.status, answer.content_type) == (422, b"application/json")
    assert json.loads(answer.body)["message"]


def test_metadata_are_those_of_the_client_s_class():
    live = make_live()
    libraries = live.manifest.libraries
    libraries |= {"python": "3.11.7", "scikit-learn": "1.9.0"}
    assert metadata(live) == {
        "user": {},
        "version": live.version,
        "url": None,
        "required_pkgs": ["scikit-learn"],
        "python_version": [3, 11, 7],
    }


def test_the_prototype_has_a_type_and_an_example_for_each_feature():
    assert prototype(SIGNATURE) == {
        "properties": {
            "age": {"example": 30, "type": "integer"},
            "income": {"example": 12.5, "type": "number"},
            "home": {"example": "rent", "type": "string"},
            "records": {"example": False, "type": "boolean"},
        },
        "required": ["age", "records"],
        "title": "prototype",
        "type": "object",
    }
