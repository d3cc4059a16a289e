from __future__ import annotations

import pytest
from flask import Flask

from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.access import check_key
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.refusals import KeyRejected, ScopeMissing
from serving.request_ids import RequestIds

TOKEN, KEY = new_key("trainer", ["train"])
GUARD = Guard(KeyRing([KEY.entry()]))


def checked(scope: str, **headers: str) -> str:
    """Return whose the request is, as a route would find out."""
    app = Flask(__name__)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    with app.test_request_context("/", headers=headers):
        app.preprocess_request()
        return check_key(GUARD, scope)  # type: ignore[arg-type]


def test_the_key_of_the_request_says_who_it_is() -> None:
    assert checked("train", Authorization=f"Bearer {TOKEN}") == "trainer"


def test_no_key_another_key_and_another_scope_are_refused() -> None:
    with pytest.raises(KeyRejected):
        checked("train")
    with pytest.raises(KeyRejected):
        checked("train", Authorization=f"Bearer {new_key('other', ['train'])[0]}")
    with pytest.raises(ScopeMissing):
        checked("admin", Authorization=f"Bearer {TOKEN}")
