"""The metrics of a version, beside the base rate and another version, each in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serving.pages.metrics import CLASSES, QUANTITY, base_of, held_of, metrics_section
from tests.serving.pages.versions_made import look, subject


def test_every_metric_has_a_row_with_its_sentence() -> None:
    (table,) = metrics_section(look("two")).tables
    assert len(table.rows) == len(CLASSES)
    assert table.words
    accuracy = next(row for row in table.rows if row[0] == "accuracy")
    value = subject("two").metrics["accuracy"]
    held = held_of(subject("two"))
    assert accuracy[1] == f"{value:.3f}"
    assert f"{round(value * held.rows)} of {held.rows} rows" in accuracy[-1]


def test_the_base_rate_is_that_of_the_hold_out() -> None:
    found = subject("two")
    held = held_of(found)
    base = base_of(found, held)
    share = held.counts[1] / held.rows
    assert base["accuracy"] == max(share, 1 - share)
    assert base["brier_score"] == pytest.approx(share * (1 - share))
    assert base["f1"] == pytest.approx(2 * share / (1 + share))
    assert base["log_loss"] == found.metrics["base_rate_log_loss"]
    assert f"{100 * share:.1f} %" in metrics_section(look("two")).said[1]


def test_many_classes_and_a_quantity_have_theirs() -> None:
    many = metrics_section(look("many", "pt"))
    assert "3 classes" in many.said[1]
    quantity = metrics_section(look("quantity"))
    assert [row[0] for row in quantity.tables[0].rows] == [
        "RMSE",
        "mean absolute error",
        "median absolute error",
        "R²",
    ]
    assert len(quantity.tables[0].rows) == len(QUANTITY)
    assert "kUSD" in quantity.said[1]


def test_the_other_version_stands_beside_it() -> None:
    worse = replace(subject("two"), metrics={"accuracy": 0.25})
    (table,) = metrics_section(look("two", other=worse)).tables
    rows = {row[0]: row for row in table.rows}
    assert rows["accuracy"][3] == "0.250"
    assert rows["log loss"][3] == "–"


def test_a_model_that_has_learnt_nothing_is_told_so() -> None:
    found = subject("two")
    bad = replace(found, metrics={**found.metrics, "log_loss": 9.0})
    rows = metrics_section(look("two", subject=bad)).tables[0].rows
    assert any("learnt nothing" in row[-1] for row in rows)


def test_a_version_without_metrics_says_so() -> None:
    bare = replace(subject("two"), metrics={}, info={})
    section = metrics_section(look("two", subject=bare))
    assert not section.tables
    assert "no metrics" in section.said[0]


def test_metrics_without_a_base_rate_can_be_told() -> None:
    only = replace(subject("quantity"), metrics={"rmse": 2.0, "r2": 0.5}, kept={}, info={})
    assert len(metrics_section(look("quantity", subject=only)).tables[0].rows) == 2
    only = replace(subject("two"), metrics={"log_loss": 2.0}, kept={}, info={})
    assert len(metrics_section(look("two", subject=only)).tables[0].rows) == 1
