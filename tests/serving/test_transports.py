"""ASGI and WSGI: what they answer, that they answer the same, and what they refuse."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving import in_flight
from serving.service import PredictionService
from tests.serving.factory import ROW, make_live, make_service
from tests.serving.transports import JSON, by_asgi, by_wsgi, post, wsgi_application


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make_service()


def test_one_row_is_answered_with_its_class_and_every_probability(service):
    answer = post(service, ROW)
    assert answer.status == 200
    prediction = answer.json["prediction"]
    assert prediction["value"] is True
    assert prediction["probability"] == prediction["probabilities"]["true"]
    assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert answer.json["model"]["name"] == "credit"
    assert "warnings" not in answer.json


def test_a_list_is_answered_in_its_order(service):
    rows = [ROW | {"age": age} for age in (-50, 0, 50)]
    answered = post(service, rows).json["predictions"]
    alone = [post(service, row).json["prediction"] for row in rows]
    assert answered == alone
    assert [prediction["value"] for prediction in alone] == [False, False, True]


def test_json_lines_and_csv_are_read_and_csv_is_written(service):
    rows = [ROW, ROW | {"age": 80}]
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    table = b"age,income,home,records\n30,12.5,rent,no\n80,12.5,rent,no\n"
    expected = post(service, rows).json["predictions"]
    by_lines = post(service, lines, **{"content-type": "application/x-ndjson"})
    by_table = post(service, table, **{"content-type": "text/csv"})
    assert by_lines.json["predictions"] == by_table.json["predictions"] == expected
    written = post(service, rows, accept="text/csv")
    assert written.headers["content-type"].startswith("text/csv")
    header, first, _ = written.body.decode().splitlines()
    assert header == "prediction,probability,probability_false,probability_true"
    assert first.split(",")[:2] == ["true", str(expected[0]["probability"])]


def test_a_warning_says_what_was_unknown_and_strict_refuses_it(service):
    answer = post(service, [ROW, ROW | {"home": "igloo"}])
    assert [(w["row"], w["field"]) for w in answer.json["warnings"]] == [(1, "home")]
    assert post(service, ROW | {"home": "igloo"}, "/v0/predict?strict=1").status == 422


def test_partial_answers_the_good_rows_in_their_places(service):
    answer = post(service, [ROW, ROW | {"age": "old"}, ROW], "/v0/predict?partial=1")
    assert answer.status == 200
    assert [p is None for p in answer.json["predictions"]] == [False, True, False]
    assert [(e["row"], e["field"]) for e in answer.json["errors"]] == [(1, "age")]
    assert post(service, [{}, 3], "/v0/predict?partial=1").status == 422


def test_a_problem_names_row_and_field_under_the_requests_id(service):
    answer = post(service, [ROW, ROW | {"age": "old"}], **{"x-request-id": "abc"})
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json["request_id"] == "abc"
    (fault,) = answer.json["errors"]
    assert fault == {"row": 1, "field": "age", "expected": "integer", "got": "string"}


@pytest.mark.parametrize(
    ("status", "body", "headers", "path"),
    [
        (400, b"{", {}, "/v0/predict"),
        (400, b"", {}, "/v0/predict"),
        (422, b"[]", {}, "/v0/predict"),
        (422, b"3", {}, "/v0/predict"),
        (415, b"{}", {"content-type": "text/plain"}, "/v0/predict"),
        (415, b"{}", {"content-encoding": "br"}, "/v0/predict"),
        (400, b"{}", {"content-encoding": "gzip"}, "/v0/predict"),
        (406, json.dumps(ROW).encode(), {"accept": "image/png"}, "/v0/predict"),
        (404, b"{}", {}, "/v0/models/nobody/predict"),
        (413, b" " * 100_001, {}, "/v0/predict"),
        (413, gzip.compress(b" " * 100_001, mtime=0), {"content-encoding": "gzip"}, "/v0/predict"),
        (413, json.dumps([ROW] * 1001).encode(), {}, "/v0/predict"),
        (400, b"a,a\n1,2\n", {"content-type": "text/csv"}, "/v0/predict"),
        (422, b"age,income\n1\n", {"content-type": "text/csv"}, "/v0/predict"),
    ],
)
def test_what_cannot_be_answered_has_its_status_in_both(service, status, body, headers, path):
    for answer in (
        by_asgi(service, "POST", path, JSON | headers, body),
        by_wsgi(wsgi_application(service), "POST", path, JSON | headers, body),
    ):
        assert answer.status == status, answer
        assert answer.json["status"] == status


def test_a_gzip_body_is_unpacked(service):
    packed = gzip.compress(json.dumps(ROW).encode())
    answer = post(service, packed, **{"content-encoding": "gzip"})
    assert answer.json["prediction"] == post(service, ROW).json["prediction"]


def test_other_methods_and_paths_are_refused_with_problems(service):
    refused = by_asgi(service, "GET", "/v0/predict", {}, b"")
    assert (refused.status, refused.json["status"]) == (405, 405)
    assert "POST" in refused.headers["allow"]
    assert by_asgi(service, "GET", "/nowhere", {}, b"").json["status"] == 404


def test_who_waits_too_long_is_sent_away_and_the_next_is_answered(monkeypatch):
    monkeypatch.setattr(in_flight, "QUEUE_SECONDS", 0.05)
    service = make_service(max_in_flight=1)
    asked = wsgi_application(service), "POST", "/v0/predict", JSON, json.dumps(ROW).encode()
    with service.in_flight:
        answer = by_wsgi(*asked)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert by_wsgi(*asked).status == 200


def test_a_failure_of_ours_says_nothing_of_itself_and_the_next_request_works(caplog):
    live = make_live()
    answers = {"fail": True}
    honest = live.runtime.outputs

    def probabilities(batch: Any) -> Any:
        if answers.pop("fail", False):
            raise RuntimeError("secret of the house")
        return honest(batch)

    live.runtime.outputs = probabilities  # type: ignore[method-assign]
    service = make_service(live)
    failed = post(service, ROW)
    assert failed.status == 500
    assert b"secret" not in failed.body
    assert "secret of the house" in caplog.text
    assert post(service, ROW).status == 200


def test_browsers_learn_what_they_may_read(service):
    answer = post(service, ROW, origin="https://a.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    preflight = {"origin": "https://a.example", "access-control-request-method": "POST"}
    granted = by_asgi(service, "OPTIONS", "/v0/predict", preflight, b"")
    assert granted.status == 200
    assert "POST" in granted.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in post(service, ROW).headers


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["rent", "x", "yes"])
)
rows = st.dictionaries(
    st.sampled_from(["age", "income", "home", "records", "approved", "agee"]), values
) | st.just(ROW)
bodies = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda value: json.dumps(value).encode(), rows | st.lists(rows, max_size=3)),
    st.just(b"age,income,home,records\n30,12.5,rent,no\n"),
)
kinds = st.sampled_from(["application/json", "text/csv", "application/x-ndjson", "text/plain", ""])


@settings(deadline=None, max_examples=150)
@given(
    body=bodies,
    kind=kinds,
    accept=st.sampled_from([None, "*/*", "text/csv", "text/csv;q=0.5, application/json", "x/y"]),
    query=st.sampled_from(["", "?partial=1", "?strict=1", "?partial=1&strict=true"]),
    path=st.sampled_from(["/v0/predict", "/v0/models/credit/predict", "/v0/models/x/predict"]),
    method=st.sampled_from(["POST", "POST", "POST", "GET", "DELETE"]),
)
def test_both_give_the_same_bytes(body, kind, accept, query, path, method):
    service = SHARED
    headers = {"x-request-id": "the-same", "content-type": kind}
    if accept:
        headers["accept"] = accept
    one = by_asgi(service, method, path + query, headers, body)
    other = by_wsgi(SHARED_WSGI, method, path + query, headers, body)
    assert (one.status, without_time(one.body)) == (other.status, without_time(other.body))
    names = ("content-type", "x-request-id", "allow", "retry-after")
    assert [one.headers.get(n) for n in names] == [other.headers.get(n) for n in names]


def without_time(body: bytes) -> bytes:
    return re.sub(rb'"prediction_time":"[^"]+"', b"", body)


SHARED = make_service()
SHARED_WSGI = wsgi_application(SHARED)
