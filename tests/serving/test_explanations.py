"""Explanations as they are asked for, over every protocol that has room for them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from math import exp
from types import SimpleNamespace
from typing import Any, cast

import pytest

from learning.explaining.explainer import Explainer
from serving import contributions, explanations
from serving.champions import Live
from serving.contributions import Wanted
from serving.explanations import wanted, wanted_whole
from serving.protocols import sagemaker, tweets, v0, v1, vetiver
from serving.refusals import RequestError
from tests.serving.explained import live_of, rows_of
from tests.serving.factory import ask, make_exchange, make_service

JSON = {"content_type": "application/json"}


def answered(
    path: str, body: Any, live: Live | None = None, status: int = 200, **headers: Any
) -> Any:
    protocols = (v0, sagemaker, v1, vetiver, tweets)
    service = make_service(live or live_of(), protocols=protocols)
    answer = ask(service, path, body, **(JSON | headers))
    assert answer.status == status, answer.body
    return answer.body.decode() if "accept" in headers else json.loads(answer.body)


def test_the_contributions_of_two_classes_come_to_the_log_odds_of_the_second():
    for row in rows_of():
        made = answered("/v0/predict?explain=1", row)["prediction"]
        why = made["explanation"]
        assert (why["space"], why["class"]) == ("log_odds", "yes")
        assert set(why["contributions"]) == set(row)
        score = why["baseline"] + sum(why["contributions"].values())
        assert made["probabilities"]["yes"] == pytest.approx(1 / (1 + exp(-score)), abs=1e-6)
        sizes = [abs(value) for value in why["contributions"].values()]
        assert sizes == sorted(sizes, reverse=True)


def test_without_the_word_there_is_no_explanation():
    assert "explanation" not in answered("/v0/predict", rows_of()[0])["prediction"]
    assert "explanation" not in answered("/v0/predict?explain=0", rows_of()[0])["prediction"]
    assert "explanation" in answered("/v0/models/credit/explain", rows_of()[0])["prediction"]


def test_the_largest_and_the_others_together_are_all():
    row = rows_of()[0]
    every = answered("/v0/explain", row)["prediction"]["explanation"]
    few = answered("/v0/explain?explain=2", row)["prediction"]["explanation"]
    assert list(few["contributions"]) == list(every["contributions"])[:2]
    total = sum(few["contributions"].values()) + few["others"]
    assert total == pytest.approx(sum(every["contributions"].values()))


def test_the_first_of_two_classes_is_the_other_way_round():
    row = rows_of()[0]
    second = answered("/v0/explain", row)["prediction"]["explanation"]
    first = answered("/v0/explain?explain_class=no", row)["prediction"]["explanation"]
    assert first["class"] == "no"
    assert first["baseline"] == -second["baseline"]
    assert first["contributions"] == {n: -v for n, v in second["contributions"].items()}


def test_of_many_classes_the_predicted_one_is_explained_or_the_one_asked_for():
    live, rows = live_of("plan", "lightgbm"), rows_of("plan", "lightgbm")
    made = answered("/v0/predict?explain=1", rows, live)["predictions"]
    assert [one["explanation"]["class"] for one in made] == [one["value"] for one in made]
    asked = answered("/v0/explain?explain_class=gold", rows, live)["predictions"]
    assert {one["explanation"]["class"] for one in asked} == {"gold"}


def test_a_quantity_is_the_sum_itself():
    live, row = live_of("age"), rows_of("age")[0]
    made = answered("/v0/explain", row, live)["prediction"]
    why = made["explanation"]
    assert "class" not in why
    total = why["baseline"] + sum(why["contributions"].values())
    assert made["value"] == pytest.approx(exp(total) if why["space"] == "log_value" else total)


@pytest.mark.parametrize(
    ("language", "verb"),
    [("en", ("raises it", "lowers it")), ("pt", ("aumenta a chance", "diminui a chance"))],
)
def test_reasons_say_the_largest_in_words(language, verb):
    row = rows_of()[0]
    why = answered(f"/v0/predict?reasons={language}", row)["prediction"]["explanation"]
    name, value = next(iter(why["contributions"].items()))
    expected = verb[0] if value > 0 else verb[1]
    assert name in why["reasons"][0]
    assert why["reasons"][0].endswith(expected)
    told = [value for value in why["contributions"].values() if value]
    assert len(why["reasons"]) == min(5, len(told))


def test_words_of_a_text_are_told():
    live, row = live_of("stays", "logistic"), rows_of("stays", "logistic")[0]
    words = answered("/v0/explain", row, live)["prediction"]["explanation"]["words"]["comment"]
    assert 0 < len(words) <= explanations.MOST_TERMS
    assert all(term in row["comment"] for term in words)


def test_csv_has_columns_for_them_in_the_schemas_order():
    rows, live = rows_of(), live_of()
    text = answered("/v0/predict?explain=2&reasons=en", rows, accept="text/csv")
    header, *lines = csv.reader(text.splitlines())
    features = [f"contribution_{feature.name}" for feature in live.schema.features]
    assert header[4:] == ["space", "explained_class", "baseline", *features, "others", "reasons"]
    whole = answered("/v0/predict?explain=2&reasons=en", rows)["predictions"]
    for line, one in zip(lines, whole, strict=True):
        given = dict(zip(header, line, strict=True))
        why = one["explanation"]
        told = {name: float(given[name]) for name in features if given[name]}
        assert told == {f"contribution_{name}": v for name, v in why["contributions"].items()}
        assert float(given["others"]) == why["others"]
        assert given["explained_class"] == why["class"] == "yes"
        assert given["reasons"] == "; ".join(why["reasons"])


def test_csv_of_a_quantity_has_no_class_and_all_contributions_no_others():
    live, rows = live_of("age"), rows_of("age")
    text = answered("/v0/explain", rows, live, accept="text/csv")
    header = next(csv.reader(text.splitlines()))
    assert not {"explained_class", "others", "reasons"} & set(header)
    assert "baseline" in header


def test_sagemaker_kserve_and_vetiver_have_room_and_tweets_have_none():
    rows = rows_of()
    expected = answered("/v0/explain", rows)["predictions"][1]["explanation"]
    made = answered("/invocations?explain=1", rows)["predictions"][1]["explanation"]
    assert made == expected
    made = answered("/v1/models/credit:explain", {"instances": rows})["explanations"][1]
    assert made == expected
    assert answered("/predict?explain=1", rows)["explanation"][1] == expected
    frame = {"dataframe_records": rows}
    assert answered("/invocations?explain=1", frame)["explanations"][1] == expected


@pytest.mark.parametrize(
    "query",
    ["explain=x", "explain=-1", "explain=00", "explain_class=maybe&explain=1", "reasons=fr"],
)
def test_what_is_not_understood_is_refused_with_what_was_expected(query):
    told = answered(f"/v0/predict?{query}", rows_of()[0], status=400)
    assert "expected" in told["detail"]


def test_a_model_that_cannot_be_explained_says_so():
    live = replace(live_of(), explainer=None)
    told = answered("/v0/explain", rows_of()[0], live, status=400)
    assert "are not explained" in told["detail"]
    live = replace(live, info={"explanation": {"reason": "an ONNX graph"}})
    assert "an ONNX graph" in answered("/v0/explain", rows_of()[0], live, status=400)["detail"]
    assert "prediction" in answered("/v0/predict", rows_of()[0], live)


def test_no_more_rows_are_explained_than_it_takes_seconds(monkeypatch):
    monkeypatch.setattr(contributions, "MOST_ROWS", 2)
    told = answered("/v0/explain", rows_of(), status=413)
    assert "2 rows" in told["detail"]
    assert len(answered("/v0/explain", rows_of()[:2])["predictions"]) == 2


def test_bad_rows_are_left_out_and_the_others_explained():
    rows = [rows_of()[0], {"age": "old"}, rows_of()[1]]
    made = answered("/v0/explain?partial=1", rows)["predictions"]
    assert made[1] is None
    assert made[2]["explanation"] == answered("/v0/explain", rows[2])["prediction"]["explanation"]


@pytest.mark.parametrize(
    ("query", "always", "expected"),
    [
        (b"", False, None),
        (b"explain", False, Wanted()),
        (b"explain=true", False, Wanted()),
        (b"explain=false", False, None),
        (b"explain=3&explain_class=a", False, Wanted(3, "a")),
        (b"reasons=pt", False, Wanted(None, None, "pt")),
        (b"explain_class=a", False, Wanted(None, "a")),
        (b"explain_class=a&explain=False", False, None),
        (b"explain=True", False, Wanted()),
        (b"", True, Wanted()),
        (b"explain=4", True, Wanted(4)),
    ],
)
def test_what_a_query_asks_for(query, always, expected):
    assert wanted(query, always) == expected


def test_a_switch_that_is_none_is_refused():
    with pytest.raises(RequestError, match="explain: expected"):
        wanted(b"explain=yes")


def is_quick(live: Live, query: str, body: bytes = b"") -> bool:
    service = make_service(live)
    exchange = make_exchange(service, f"/v0/predict?{query}", body)
    service.admit(exchange)
    return service.is_quick(exchange)


def test_where_all_are_answered_no_number_and_no_words_are_asked_for():
    assert wanted_whole(b"explain=1&explain_class=a") == Wanted(None, "a")
    assert wanted_whole(b"") is None
    with pytest.raises(RequestError, match="explain: expected true or false"):
        wanted_whole(b"explain=5")
    with pytest.raises(RequestError, match="reasons: this protocol has no room"):
        wanted_whole(b"reasons=en")


@pytest.mark.parametrize("query", ["explain=1", "explain_class=yes", "reasons=en"])
def test_what_asks_for_an_explanation_that_takes_long_does_not_hold_the_event_loop(query):
    live = live_of()
    assert is_quick(live, query)
    slow = replace(live, explainer=cast("Explainer", SimpleNamespace(quick=False)))
    assert not is_quick(slow, query)
    assert is_quick(slow, "lists=1")
    assert not is_quick(slow, "", b'{"outputs": [{"name": "contributions"}]}')
