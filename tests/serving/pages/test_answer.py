import math

import pytest

from serving.pages.answer import MOST_CLASSES, look_at, waterfall
from serving.pages.language import CATALOGUES
from tables.schema import Feature, Schema, Target
from tests.serving.factory import ROW, make_live

EN, PT = CATALOGUES["en"], CATALOGUES["pt"]


def test_an_answer_is_that_of_the_api():
    answer = look_at(make_live(), ROW, EN)
    assert answer.value == "true"
    assert answer.probability == pytest.approx(1 / (1 + math.exp(-0.3)))
    assert [shown.name for shown in answer.classes] == ["true", "false"]
    assert answer.waterfall is None
    assert answer.warnings == []


def test_of_many_classes_the_first_are_shown_and_the_rest_together():
    target = Target("kind", tuple(f"k{i:02}" for i in range(30)))
    live = make_live(schema=Schema((Feature("age", "integer", example=3),), target))
    shown = look_at(live, {"age": 30}, EN).classes
    assert len(shown) == MOST_CLASSES + 1
    assert shown[-1].rest == 30 - MOST_CLASSES
    assert sum(one.probability for one in shown) == pytest.approx(1)


def test_what_is_odd_in_a_row_is_said_in_the_page_s_language():
    live = make_live(
        schema=Schema(
            (
                Feature("age", "integer", example=3, minimum=18, maximum=1000.5),
                Feature("home", "category", categories=("a", "b"), example="a"),
            ),
            Target("ok", (False, True)),
        )
    )
    row = {"age": 3, "home": "<elsewhere>"}
    assert look_at(live, row, EN).warnings == [
        "home: training never saw this value. It is scored as unknown.",
        "age: outside of training, which had 18 to 1,000.5.",
    ]
    assert "fora do treino" in look_at(live, row, PT).warnings[1]


CONTRIBUTIONS = {f"x{i}": (-1) ** i * 2.0 / (i + 1) for i in range(20)}


@pytest.mark.parametrize("given", [CONTRIBUTIONS, dict(list(CONTRIBUTIONS.items())[:2]), {}])
def test_the_waterfall_adds_up_to_the_score(given):
    explanation = {"space": "log_odds", "class": True, "baseline": -0.5, "contributions": given}
    fall = waterfall(explanation, dict.fromkeys(given, 1.0), EN)
    assert fall.baseline + sum(step.amount for step in fall.steps) == pytest.approx(fall.score)
    assert fall.score == pytest.approx(-0.5 + sum(given.values()))
    assert sum(1 for step in fall.steps if not step.rest) == min(12, len(given))
    assert sum(step.rest for step in fall.steps) == max(0, len(given) - 12)
    for step in fall.steps:
        assert step.left >= -1e-9
        assert step.left + step.width <= 100.5
    assert fall.means == pytest.approx((1 / (1 + math.exp(0.5)), 1 / (1 + math.exp(-fall.score))))


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "ausente"), (True, "sim"), (1234.5, "1.234,5"), ("x" * 50, "x" * 27 + "…")],
)
def test_a_value_is_said_as_the_language_has_it(value, said):
    explanation = {"space": "value", "baseline": 0.0, "contributions": {"a": 1.0}}
    assert waterfall(explanation, {"a": value}, PT).steps[0].value == said
