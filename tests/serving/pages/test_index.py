from dataclasses import replace

import pytest

from serving.pages.index import quality_of
from serving.pages.language import CATALOGUES
from tables.schema import Feature, Schema, Target
from tests.serving.factory import make_live
from tests.serving.pages.site import Site

EN = CATALOGUES["en"]


@pytest.mark.parametrize(
    ("classes", "metrics", "said"),
    [
        ((False, True), {"roc_auc": 0.8291, "accuracy": 0.7}, "ROC AUC 0.829"),
        (("a", "b", "c"), {"roc_auc": 0.8291, "accuracy": 0.7}, "accuracy 0.700"),
        ((), {"r2": 0.95}, "R² 0.950"),
        ((), {}, ""),
    ],
)
def test_quality_is_one_number_with_its_name(classes, metrics, said):
    target = Target("y", classes, "classification" if classes else "regression")
    live = make_live(schema=Schema((Feature("a", "number", example=1.0),), target))
    assert quality_of(replace(live, metrics=metrics), EN) == said


def test_every_model_is_a_row_and_one_that_cannot_load_says_why(tmp_path):
    site = Site(tmp_path, make_live(), make_live("iris"))
    site.parts.champions._faults |= {"late": "it is damaged", "iris": "the new one is damaged"}
    text = site.ask("/").text
    assert '<a href="/models/credit">credit</a> <span class="tag">default</span>' in text
    assert "not loaded: it is damaged" in text
    assert "an older version answers: the new one is damaged" in text
    assert 'href="/models/late"' not in text


def test_an_empty_service_says_how_to_make_a_model(tmp_path):
    site = Site(tmp_path)
    site.parts.champions._live.clear()
    text = site.ask("/").text
    assert "There is no model yet." in text
    assert 'href="/train"' in text
    assert "python build_model.py --data customers.csv --target churned" in text
