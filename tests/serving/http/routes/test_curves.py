"""The routes of curves: what the artifact keeps, of one feature, and why there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from msgspec.structs import replace as replaced

from learning import curves
from learning.curves import Curve
from serving.champions import Live
from serving.cors import Cors
from serving.http.routes.curves import NONE_KEPT, NOT_COMPILED, NOT_OF_IT, curves_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from tables.schema import Target
from tests.serving.factory import SIGNATURE, make_champions, make_live

INCOME = Curve([1.5, 3.0], [[0.25, 0.75], [0.5, 0.5]], [[0.75, 0.5]])
HOME = Curve(["owner", "rent"], [[0.25, 0.75], [0.5, 0.5]], [[0.75, 0.5]])


def model(*, kept: dict[str, bytes] | None = None, **more: Any) -> Live:
    made = curves.dump({"income": INCOME, "home": HOME}) if kept is None else kept
    return replace(make_live(**more), kept=made)


def ask(path: str, *lives: Live, **more: Any) -> Any:
    app = Flask(__name__)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    app.register_blueprint(curves_blueprint(make_champions(*lives), "credit"))
    answer: Any = app.test_client().get(path, **more)
    return answer


def test_the_curves_of_the_default_model_and_of_one_by_name() -> None:
    lives = model(), model(name="iris")
    answer = ask("/v0/curves", *lives).json
    assert (answer["name"], answer["outputs"]) == ("credit", [False, True])
    assert answer["curves"][0] == {
        "feature": "income",
        "values": [1.5, 3.0],
        "mean": [[0.25, 0.75], [0.5, 0.5]],
        "rows": [[0.75, 0.5]],
    }
    assert [one["feature"] for one in answer["curves"]] == ["income", "home"]
    assert "reason" not in answer
    assert ask("/v0/models/iris/curves", *lives).json["name"] == "iris"


def test_one_feature_alone() -> None:
    answer = ask("/v0/models/credit/curves?feature=home", model()).json
    assert [one["feature"] for one in answer["curves"]] == ["home"]


def test_a_feature_that_the_model_has_not_is_refused_and_not_echoed() -> None:
    answer = ask("/v0/curves?feature=nobody", model())
    assert answer.status_code == 400
    assert answer.json["detail"] == (
        "feature: expected a feature of the model, as model_info names them"
    )


def test_a_feature_without_a_curve_says_so() -> None:
    answer = ask("/v0/curves?feature=age", model()).json
    assert (answer["curves"], answer["reason"]) == ([], NOT_OF_IT)


@pytest.mark.parametrize("kept", [{}, {curves.MEMBER: b"[]"}], ids=["none", "another release's"])
def test_a_model_without_curves_says_so(kept: dict[str, bytes]) -> None:
    answer = ask("/v0/curves", model(kept=kept))
    assert (answer.status_code, answer.json["curves"]) == (200, [])
    assert answer.json["reason"] == NONE_KEPT


def test_a_model_that_its_library_answers_says_so() -> None:
    live = model(kept={})
    live.runtime.compiled = False
    assert ask("/v0/curves", live).json["reason"] == NOT_COMPILED


def test_of_very_many_classes_the_outputs_are_those_that_are_kept() -> None:
    schema = replaced(SIGNATURE, target=Target("kind", ("a", "b", "c")))
    some = Curve([1, 2], [[0.5, 0.25], [0.25, 0.5]], [], [2, 0])
    live = model(schema=schema, kept=curves.dump({"age": some}))
    assert ask("/v0/curves", live).json["outputs"] == ["c", "a"]


def test_of_a_quantity_the_output_is_the_target() -> None:
    live = model()
    price = replaced(SIGNATURE, target=Target("price", task="regression"))
    assert ask("/v0/curves", replace(live, schema=price)).json["outputs"] == ["price"]


def test_a_model_that_is_not_there() -> None:
    assert ask("/v0/models/iris/curves", model()).status_code == 404


def test_who_has_them_is_told_so() -> None:
    tag = ask("/v0/curves", model()).headers["ETag"]
    again = ask("/v0/curves", model(), headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
