"""A threshold with costs: what it finds and misses, and which one costs least."""

from __future__ import annotations

from dataclasses import replace

import pytest

from learning.quality import Cuts
from serving.pages.choices import Choices
from serving.pages.threshold import At, cheapest, every, nearest, threshold_section
from tests.serving.pages.versions_made import look, subject

CUTS = Cuts(
    rows=(60, 40),
    thresholds=(0.0, 0.5, 0.8, 1.0),
    above=((60, 20, 5, 0), (40, 30, 10, 0)),
    bars=((3,) * 20, (2,) * 20),
)


def test_counts_at_each_threshold_add_up() -> None:
    found = every(CUTS)
    assert found[1] == At(0.5, tp=30, fp=20, tn=40, fn=10)
    assert all(at.rows == 100 for at in found)
    assert (found[1].recall, found[1].precision) == (0.75, 0.6)
    assert found[1].false_alarms == pytest.approx(1 / 3)
    assert found[-1].precision == 1


@pytest.mark.parametrize(("asked", "threshold"), [(0.64, 0.5), (0.66, 0.8), (0, 0), (1, 1)])
def test_the_nearest_threshold_is_taken(asked: float, threshold: float) -> None:
    assert nearest(every(CUTS), asked).threshold == threshold


@pytest.mark.parametrize(
    ("fp", "fn", "best"), [(1, 1, 0.5), (1, 100, 0.0), (100, 1, 1.0), (0, 0, 0.5)]
)
def test_costs_choose_the_threshold(fp: float, fn: float, best: float) -> None:
    assert cheapest(every(CUTS), Choices(cost_fp=fp, cost_fn=fn)).threshold == best
    assert every(CUTS)[1].cost(Choices(cost_fp=2, cost_fn=3)) == pytest.approx(0.7)


def test_at_a_half_the_confusion_is_the_one_of_the_metrics() -> None:
    section = threshold_section(look("two"))
    assert section is not None
    (tn, fp), (fn, tp) = subject("two").metrics["confusion_matrix"]
    cells = [cell.split(" ")[0] for row in section.tables[0].rows for cell in row[1:]]
    assert cells == [str(count) for count in (tn, fp, fn, tp)]
    assert len(section.pictures) == 2
    assert section.form is not None


def test_the_form_keeps_what_is_set_and_a_bad_number_is_told() -> None:
    choices = Choices(cost_fn=5, feature="age", refused=("threshold",))
    section = threshold_section(look("two", choices=choices))
    assert section is not None
    assert section.form is not None
    assert section.form.values["cost_fn"] == "5"
    assert section.form.values["kept"]["feature"] == "age"
    assert "from 0 to 1" in section.said[0]


def test_a_file_has_no_form_and_other_models_no_threshold() -> None:
    section = threshold_section(look("two", still=True))
    assert section is not None
    assert section.form is None
    assert threshold_section(look("many")) is None
    assert threshold_section(look("two", subject=replace(subject("two"), kept={}))) is None
