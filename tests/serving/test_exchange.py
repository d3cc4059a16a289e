"""The exchange: what a request's head says of it."""

from __future__ import annotations

import pytest

from serving.exchange import Answer, Exchange, Route
from serving.protocols import v0
from serving.refusals import RequestError

ROUTE = Route("POST", "/v0/predict", "predict", v0)


def exchange(query: bytes = b"", **headers: str) -> Exchange:
    named = {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()}
    return Exchange(ROUTE, named, "id", query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", [False, False]),
        (b"strict=1", [False, True]),
        (b"strict=true&a=b", [False, True]),
        (b"strict=0&partial=1", [True, False]),
        (b"strict=0&strict=1", [False, True]),
    ],
)
def test_a_switch_of_the_query(query: bytes, expected: list[bool]) -> None:
    assert exchange(query).flags("partial", "strict") == expected


@pytest.mark.parametrize("given", [b"strict=yes", b"strict=", b"strict=1&strict=2"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(given: bytes) -> None:
    with pytest.raises(RequestError, match=r"^strict: expected 1 or true, 0 or false$"):
        exchange(given).flags("partial", "strict")


@pytest.mark.parametrize("given", [True, 1, "1", "true"])
def test_a_switch_may_be_a_parameter_of_the_body(given: object) -> None:
    asked = exchange()
    assert asked.switches() == (False, False)
    assert asked.switches({"strict": given}) == (False, True)
    assert asked.partial is False
    partial = exchange()
    assert partial.switches({"partial": given, "strict": False}) == (True, False)
    assert partial.partial is True
    assert exchange(b"partial=1").switches({"partial": None}) == (True, False)


@pytest.mark.parametrize("given", ["yes", 2, [], {}])
def test_a_parameter_that_is_neither_on_nor_off_is_refused(given: object) -> None:
    with pytest.raises(RequestError, match=r"^strict: expected true or false$"):
        exchange().switches({"strict": given})


@pytest.mark.parametrize(
    ("given", "expected"),
    [("Application/JSON; charset=utf-8", b"application/json"), ("text/csv ", b"text/csv")],
)
def test_a_media_type_is_compared_without_case_and_parameters(given: str, expected: bytes) -> None:
    assert exchange(content_type=given).media_type == expected


def test_no_media_type_is_an_empty_one() -> None:
    assert exchange().media_type == b""


def test_what_a_station_fills_in_is_not_there_before_it() -> None:
    begun = exchange()
    for later in ("live", "decoded", "options", "prediction"):
        with pytest.raises(AttributeError):
            getattr(begun, later)


def test_an_answer_is_json_unless_it_says_otherwise() -> None:
    assert Answer(200, b"{}") == (200, b"{}", b"application/json", ())
