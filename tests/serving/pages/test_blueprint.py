"""Who gets a page, in which language, with which headers; and errors as pages."""

from __future__ import annotations

import gzip
import re

import pytest

from serving.pages.blueprint import PAGES, TWINS, is_page
from tests.serving.pages.site import BROWSER, TOKEN, Site


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, */*"])
def test_a_program_gets_json(site, accept):
    assert site.ask("/", accept).json["openapi"] == "/v0/openapi.json"
    assert site.ask("/models/credit", accept).json == {
        "modelName": "credit",
        "modelUrl": "/models/credit",
    }


@pytest.mark.parametrize("path", ["/", "/models/credit"])
def test_a_browser_gets_a_page_under_a_strict_policy(site, path):
    page = site.ask(path)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert {"Accept", "Accept-Language", "Cookie", "X-API-Key"} <= set(page.vary)


@pytest.mark.parametrize("path", ["/", "/models/credit", "/models/nobody"])
def test_nothing_in_a_page_needs_an_inline_script_or_style(site, path):
    text = site.ask(path).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/pages/)|javascript:", text)


def test_both_answers_of_an_address_say_that_it_has_two(site):
    for accept in (BROWSER, "application/json"):
        assert "Accept" in site.ask("/models/credit", accept).vary


def test_a_page_is_asked_for_again_with_its_tag(site):
    first = site.ask("/", Accept_Encoding="gzip")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert b"<html" in gzip.decompress(first.data)
    again = site.ask("/", Accept_Encoding="gzip", If_None_Match=first.headers["ETag"])
    assert again.status_code == 304
    assert again.data == b""


def test_files_have_names_that_never_change_their_meaning(site):
    names = set(re.findall(r'(?:href|src)="(/pages/[^"]+)"', site.ask("/").text))
    assert len(names) == 3
    for name in names:
        answer = site.ask(name, "*/*", Accept_Encoding="gzip")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert gzip.decompress(answer.data)
        assert site.ask(name, "*/*", If_None_Match=answer.headers["ETag"]).status_code == 304
    assert site.ask("/pages/mirante.css").status_code == 404
    assert site.ask("/pages/..%2fblueprint.py").status_code == 404


def test_the_language_is_the_browser_s_until_another_is_chosen(site):
    assert '<html lang="en">' in site.ask("/").text
    assert '<html lang="pt-BR">' in site.ask("/", Accept_Language="pt-PT,en;q=0.5").text
    chosen = site.ask("/?lang=pt")
    assert '<html lang="pt-BR">' in chosen.text
    cookie = chosen.headers["Set-Cookie"]
    assert cookie.startswith("lang=pt;")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert '<html lang="pt-BR">' in site.ask("/", Cookie="lang=pt").text
    assert "Set-Cookie" not in site.ask("/?lang=xx").headers


def test_errors_are_pages_for_browsers_and_problems_for_programs(site):
    page = site.ask("/models/nobody")
    assert page.status_code == 404
    assert "There is nothing at this address." in page.text
    assert page.headers["X-Request-Id"] in page.text
    assert site.ask("/nothing/here").mimetype == "text/html"
    assert site.ask("/nothing/here", "*/*").mimetype == "application/problem+json"
    assert "nobody" not in page.text


def test_a_model_that_is_not_loaded_is_said_to_be_so(site):
    site.parts.champions._faults["late"] = "its artifact is damaged"
    page = site.ask("/models/late")
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"
    assert "not loaded yet" in page.text


@pytest.fixture
def closed(tmp_path):
    return Site(tmp_path, REQUIRE_API_KEY="1")


@pytest.mark.parametrize("path", ["/", "/models/credit"])
def test_closed_pages_ask_for_a_key_and_tell_nothing(closed, path):
    page = closed.ask(path)
    assert page.status_code == 401
    assert "A key is needed" in page.text
    assert not {"approved", "income", "20261123t000000z-000001"} & set(re.split(r"\W+", page.text))
    assert 'id="key-form"' in page.text
    assert closed.ask(path, X_API_Key=TOKEN).status_code == 200
    refused = closed.ask(path, X_API_Key="mirante_wrong")
    assert refused.status_code == 401
    assert "not accepted" in refused.text


def test_to_look_without_a_key_is_no_attempt(closed):
    assert {closed.ask("/").status_code for _ in range(60)} == {401}


def test_a_closed_form_needs_a_key_too(closed):
    assert closed.ask("/models/credit/form", method="POST", data=b"f0=3").status_code == 401


def test_pages_are_no_operations(site):
    documented = site.ask("/v0/openapi.json", "*/*").json["paths"]
    assert "/" in documented  # the links, for programs
    assert set(documented["/"]["get"]["responses"]["200"]["content"]) == {"application/json"}
    rules = {rule.endpoint: rule.rule for rule in site.app.url_map.iter_rules()}
    assert {page.rule for page in PAGES} <= {r for e, r in rules.items() if is_page(e)}
    assert TWINS.keys() <= rules.keys()
