"""A piece of the page while a slider moves, under ASGI's lane and under Flask."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from learning.explaining.explainer import Explained, Explainer
from serving.pages.form import signature_of
from tests.serving.factory import make_live
from tests.serving.pages.site import TOKEN, Site

FIELDS = {"f0": "100", "f1": "2.5", "f2": "0", "f3": "true"}


class Half(Explainer):
    """An explainer for which every feature counts alike."""

    space, quick, work = "log_odds", True, 0

    def __init__(self) -> None:
        """Need nothing of a model."""

    def explain(self, batch: Any, outputs: Any, words: bool = True) -> Explained:
        """Return contributions that add up to 1 from a baseline of 0."""
        import numpy as np

        rows = len(batch.matrix)
        return Explained(np.full((rows, 4), 0.25), list(outputs), [0.0] * rows, [])


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def ask(site, what: str = "answer", headers: dict[str, str] | None = None, **fields: str):
    live = site.parts.champions._live["credit"]
    form = {"signature": signature_of(live), **FIELDS, **fields}
    data = urlencode(form).encode()
    more = {"Content_Type": "application/x-www-form-urlencoded", **(headers or {})}
    return site.ask(f"/models/credit/{what}", "*/*", "POST", data=data, **more)


def test_a_fragment_is_the_answer_alone(site):
    answer = ask(site)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.findall(r'data-into="([^"]+)"', answer.text) == ["answer"]
    assert 'data-value="0.7310586"' in answer.text
    assert "<html" not in answer.text


def test_it_is_the_number_that_the_api_gives(site):
    row = {"age": 100, "income": 2.5, "home": "owner", "records": True}
    told = site.app.test_client().post("/v0/models/credit/predict", json=row).json
    assert f'data-value="{told["prediction"]["probability"]}"' in ask(site).text


def test_why_has_the_waterfall_too(site):
    site.parts.champions._live["credit"] = replace(make_live(), explainer=Half())
    text = ask(site, "why?explain=2").text
    assert re.findall(r'data-into="([^"]+)"', text) == ["answer", "why"]
    amounts = [float(found) for found in re.findall(r'data-amount="([^"]+)"', text)]
    assert amounts == [0.25, 0.25, 0.5]
    assert 'data-score="1.0"' in text
    assert "2 other features" in text


def test_a_model_without_explanations_refuses_why_in_words(site):
    assert ask(site, "why").status_code == 400


def test_the_language_is_the_form_s(site):
    assert "Probabilidade de cada classe" in ask(site, lang="pt").text
    assert "Probability of each class" in ask(site, lang="<xx>").text


@pytest.mark.parametrize("language", ["curl", "Python", "R", "JavaScript"])
def test_code_comes_in_the_language_that_is_open(site, language):
    text = ask(site, headers={"Origin": "https://localhost"}, code=language).text
    assert f'data-into="code-{language}"' in text
    assert "https://localhost/v0/models/credit/predict" in text


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "javascript:alert(1)"])
def test_another_site_s_address_never_stands_in_the_code(site, origin):
    text = ask(site, headers={"Origin": origin}, code="curl").text
    assert "curl http://localhost/v0/models/credit/predict" in text


def test_an_unknown_language_of_code_is_ignored(site):
    assert 'data-into="code' not in ask(site, code="<script>").text


def test_what_does_not_fit_is_a_problem_that_names_the_field(site):
    refused = ask(site, f0="many")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["age"]


def test_the_form_of_another_version_is_a_conflict(site):
    assert ask(site, signature="old").status_code == 409


def test_what_is_tried_out_is_not_logged_as_traffic(site):
    kept: list[Any] = []

    class Log:
        def is_chosen(self) -> bool:
            return True

        def note(self, answered: Any) -> None:
            kept.append(answered)

    site.parts.service._prediction_log = Log()
    assert ask(site).status_code == 200
    assert kept == []
    row = {"age": 100, "income": 2.5, "home": "owner", "records": True}
    assert site.app.test_client().post("/v0/models/credit/predict", json=row).status_code == 200
    assert len(kept) == 1


def test_a_closed_service_wants_a_key(tmp_path):
    site = Site(tmp_path, REQUIRE_API_KEY="1")
    assert ask(site).status_code == 401
    assert ask(site, headers={"X_API_Key": TOKEN}, code="curl").text.count("MIRANTE_KEY") == 1
