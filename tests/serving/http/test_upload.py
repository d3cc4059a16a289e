from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask, request

from errors import ParseError, RecipeError
from jobs.job import Order
from serving.http.upload import bounded, converted, form_fields, only_file, parsed
from serving.refusals import BodyTooLarge

app = Flask(__name__)


def sent(fields: dict[str, Any]) -> Any:
    """A request with these fields of a form."""
    return app.test_request_context("/", method="POST", data=fields)


def test_the_one_file_is_found_and_its_name_is_not_looked_at() -> None:
    with sent({"file": (io.BytesIO(b"a,b"), "../../etc/passwd"), "target": "b"}):
        assert only_file().stream.read() == b"a,b"
        assert form_fields() == {"target": "b"}


@pytest.mark.parametrize("name", ["table", "files"])
def test_a_file_under_another_name_is_refused(name: str) -> None:
    with sent({name: (io.BytesIO(b"a,b"), "t.csv")}), pytest.raises(RecipeError, match="file"):
        only_file()


def test_some_fields_are_json() -> None:
    with sent({"kinds": '{"zip": "category"}', "missing": '["none"]', "seed": "3"}):
        fields = form_fields()
    assert fields == {"kinds": {"zip": "category"}, "missing": ["none"], "seed": "3"}
    with pytest.raises(ParseError, match="not JSON"):
        parsed(b"{")


def test_a_field_given_twice_is_refused() -> None:
    with sent({"target": ["a", "b"]}), pytest.raises(RecipeError, match="twice"):
        form_fields()


def test_an_order_is_made_of_texts_and_what_does_not_fit_is_named() -> None:
    assert converted({"name": "mine", "target": "y", "seed": "3"}, Order).seed == 3
    with pytest.raises(RecipeError, match="seed: expected an integer"):
        converted({"name": "mine", "target": "y", "seed": "many"}, Order)
    with pytest.raises(RecipeError, match="expected no other members"):
        converted({"name": "mine", "wrong": 1}, Order)


def nested(text: str) -> dict[str, Any]:
    value: Any = text
    for _ in range(900):
        value = {"a": value}
    return {"parameters": value}


@pytest.mark.parametrize("text", ["a\0", "\ud800", "a\udfffb"])
def test_a_text_that_a_database_refuses_is_refused_wherever_it_stands(text: str) -> None:
    for data in ({"target": text}, {text: 1}, {"parameters": {"a": [{"b": text}]}}, nested(text)):
        with pytest.raises(RecipeError, match="without NUL"):
            converted({"name": "mine", **data}, Order)
    assert converted({"name": "mine", "target": "\x07\U0001f600"}, Order).target


def test_a_form_larger_than_an_upload_is_refused() -> None:
    with sent({"file": (io.BytesIO(bytes(200_000)), "t.csv")}):
        with pytest.raises(BodyTooLarge, match="at most 1000 bytes"), bounded(1000):
            only_file()
        assert request.max_form_parts == 32
