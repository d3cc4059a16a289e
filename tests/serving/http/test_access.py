from __future__ import annotations

import pytest
from flask import Blueprint, Flask

from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.access import check_key, closed_with_prediction, is_closed_with_prediction
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


def test_an_application_knows_which_routes_are_closed_with_prediction() -> None:
    app, inside, outside = Flask(__name__), Blueprint("a", __name__), Blueprint("b", __name__)
    for blueprint, rule in ((inside, "/models"), (inside, "/ping"), (outside, "/livez")):
        blueprint.add_url_rule(rule, rule[1:], str)
    app.register_blueprint(closed_with_prediction(inside, GUARD, but=("/ping",)))
    app.register_blueprint(outside)
    found = {r.rule for r in app.url_map.iter_rules() if is_closed_with_prediction(app, r)}
    assert found == {"/models"}
