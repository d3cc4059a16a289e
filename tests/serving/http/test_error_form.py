"""In which form an error is written."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from serving.exchange import Answer
from serving.http.error_form import in_form
from serving.problems import problem

REFUSED = problem(HTTPStatus.NOT_FOUND, "there is nothing at this path", "7")


@pytest.mark.parametrize("path", ["/v2", "/v2/", "/v2/models/x"])
def test_under_v2_an_error_is_one_line(path: str) -> None:
    answer = in_form(path, REFUSED)
    assert (answer.status, answer.content_type) == (404, b"application/json")
    assert json.loads(answer.body) == {"error": "there is nothing at this path"}


@pytest.mark.parametrize("path", ["/", "/v0/v2", "/v20/models", "/v1/models/v2"])
def test_elsewhere_it_is_a_problem(path: str) -> None:
    assert in_form(path, REFUSED) is REFUSED


def test_what_is_no_error_stays() -> None:
    assert in_form("/v2", Answer(200, b"{}")).body == b"{}"
