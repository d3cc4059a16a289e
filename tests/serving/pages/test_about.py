from datetime import UTC, datetime, timedelta

import pytest

from serving.pages.about import age_of, target_of
from serving.pages.language import CATALOGUES
from tables.schema import Feature, Schema, Target
from tests.serving.factory import make_live

EN, PT = CATALOGUES["en"], CATALOGUES["pt"]
MADE = datetime(2026, 11, 23, tzinfo=UTC)


def live_of(target: Target):
    return make_live(schema=Schema((Feature("a", "number", example=1.0),), target))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("ok", (False, True)), "ok (false, true)"),
        (Target("kind", tuple("abcdef")), "kind (a, b, c, d and 2 more)"),
        (Target("price", (), "regression", "EUR"), "price (EUR)"),
        (Target("price", (), "regression"), "price"),
    ],
)
def test_what_is_predicted_in_a_few_words(target, said):
    assert target_of(live_of(target), EN) == said


@pytest.mark.parametrize(
    ("passed", "en", "pt"),
    [
        (timedelta(seconds=5), "just now", "agora mesmo"),
        (timedelta(minutes=1, seconds=59), "1 minute ago", "há 1 minuto"),
        (timedelta(hours=5), "5 hours ago", "há 5 horas"),
        (timedelta(days=400), "400 days ago", "há 400 dias"),
    ],
)
def test_age_is_said_in_its_largest_unit(passed, en, pt):
    assert age_of(make_live(), EN, MADE + passed) == en
    assert age_of(make_live(), PT, MADE + passed) == pt
