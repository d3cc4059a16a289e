"""A model's page: with a form of every kind, with and without JavaScript, under hostile names."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from urllib.parse import urlencode

import numpy as np
import pytest

from serving.pages.form import signature_of
from serving.pages.language import CATALOGUES
from serving.pages.model import problem_of
from tables.schema import Feature, Schema, Target
from tests.serving.factory import make_live
from tests.serving.pages.site import Site

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</textarea></select></option></title><svg onload=alert(1)>",
    "{{ 7*7 }} {% raw %}",
    "javascript:alert(1)",
    "a\u202eb\u0000c\n\r\t\u2028",
    "__proto__",
]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def sent(live, **fields: str) -> bytes:
    return urlencode({"signature": signature_of(live), **fields}).encode()


def test_the_page_is_filled_with_an_example_and_answered(site):
    text = site.ask("/models/credit").text
    assert 'name="f0" type="number" step="any" value="30"' in text
    assert '<option value="1" selected>rent</option>' in text
    assert re.search(r'id="value">true<', text)
    assert "57.4 %" in text


def test_a_form_that_is_posted_comes_back_with_its_answer(site):
    body = sent(make_live(), f0="100", f1="", f2="0", f3="true")
    text = site.ask("/models/credit/form", method="POST", data=body).text
    assert 'name="f0" type="number" step="any" value="100"' in text
    assert "73.1 %" in text
    assert 'role="switch" value="true" checked' in text


def test_what_does_not_fit_is_said_beside_its_field(site):
    body = sent(make_live(), f0="many", f1="1", f2="0")
    answer = site.ask("/models/credit/form", method="POST", data=body)
    assert answer.status_code == 200
    assert '<p class="problem" id="f0p">Expected a whole number.</p>' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'value="many"' in answer.text
    assert 'id="value"' not in answer.text
    missing = site.ask("/models/credit/form", method="POST", data=sent(make_live(), f0="")).text
    assert "A value is needed." in missing


def test_a_form_of_other_features_is_not_answered_as_if_it_were_ours(site):
    text = site.ask("/models/credit/form", method="POST", data=b"signature=old&f0=99").text
    assert "A version with other features answers now." in text
    assert 'value="99"' not in text


def test_the_code_is_that_of_the_form_s_row(site):
    body = sent(make_live(), f0="41", f1="2.5", f2="1", f3="true")
    text = unescape(site.ask("/models/credit/form", method="POST", data=body).text)
    assert "curl http://localhost/v0/models/credit/predict" in text
    assert '"age": 41' in text
    assert '"records": True' in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markup_in_any_field_of_a_schema_stays_text(tmp_path, hostile):
    features = (
        Feature(hostile, "number", minimum=0, maximum=1, example=1.0),
        Feature(f"{hostile} 2", "category", True, (hostile, "b"), example=hostile),
        Feature(f"{hostile} 3", "text", example=hostile),
        Feature(f"{hostile} 4", "date", example=hostile),
        Feature(f"{hostile} 5", "boolean", example=True),
        Feature(
            f"{hostile} 6", "category", categories=(hostile, *map(str, range(99))), example=hostile
        ),
    )
    target = Target(hostile, (hostile, "other"), unit=hostile)
    live = replace(
        make_live(schema=Schema(features, target)),
        info={"feature_importances": {hostile: 1.0}, "model_name": hostile},
    )
    site = Site(tmp_path, live)
    site.parts.champions._faults["credit"] = hostile
    for text in (site.ask("/").text, site.ask("/models/credit").text):
        bare = re.sub(r'<script src="/pages/page\.[0-9a-f]+\.js" defer></script>', "", text)
        tags = re.findall(r"<[a-zA-Z/][^>]*>", bare)
        assert not [tag for tag in tags if re.match(r"</?(script|img)|<svg onload", tag)]
        assert not [tag for tag in tags if re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', tag))]
        assert "{{ 49" not in text
        assert "49 {%" not in text


def test_every_problem_has_a_sentence_in_both_languages():
    for words in CATALOGUES.values():
        for kind in ("number", "integer", "boolean", "category", "date", "text"):
            feature = Feature("a", kind, example="2026-01-31")
            assert problem_of(feature, "x", words) != problem_of(feature, None, words)


class Broken:
    """A runtime that answers no number."""

    name, compiled, quick = "broken", True, True

    def outputs(self, batch):
        """Return NaN."""
        return np.full((1, 2), np.nan)


def test_a_model_that_fails_says_so_and_keeps_the_form(site):
    site.parts.champions._live["credit"] = replace(make_live(), runtime=Broken())
    answer = site.ask("/models/credit")
    assert answer.status_code == 200
    assert "The service failed." in answer.text
    assert 'name="f0"' in answer.text
