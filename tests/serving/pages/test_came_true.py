"""What came true, asked of the log only by who wants to know."""

from __future__ import annotations

from typing import Any

import msgspec

from errors import StoreUnavailable
from serving.pages.came_true import came_true_section
from serving.pages.language import CATALOGUES
from serving.pages.page import Place, Visit
from serving.pages.traffic import Traffic
from tests.persistence.artifacts import make_registry
from tests.serving.factory import make_champions
from tests.serving.pages.versions_made import live, look

FOUND = {
    "predictions": 1200,
    "with_truth": 300,
    "metrics": {"accuracy": {"value": 0.8, "low": 0.75, "high": 0.85, "holdout": 0.9}},
}
REPORT = Traffic({"version": "v"})


def visit(answer: Any, **query: str) -> Visit:
    def ask(*of: Any) -> bytes:
        if isinstance(answer, Exception):
            raise answer
        return msgspec.json.encode(answer)

    place = Place(make_champions(live("two")), make_registry(), "two", False, None, ask)
    return Visit(place, CATALOGUES["en"], "/models/two/data", name="two", query=query)


def test_nobody_asks_the_log_unasked() -> None:
    section = came_true_section(look("two"), visit(AssertionError("asked")), REPORT)
    assert section is not None
    assert section.form is not None
    assert came_true_section(look("two"), visit(FOUND), Traffic(why="drift_none")) is None


def test_metrics_stand_beside_the_hold_out_s() -> None:
    section = came_true_section(look("two"), visit(FOUND, days="7"), REPORT)
    assert section is not None
    assert section.tables[0].rows == [["accuracy", "0.800", "0.750 to 0.850", "0.900"]]
    assert "Of 1200 answers in 7 days, 300 have a known truth." in section.said


def test_where_nothing_came_true_or_the_log_is_away_it_is_said() -> None:
    none = came_true_section(look("two"), visit({"with_truth": 0}, days="7"), REPORT)
    away = came_true_section(look("two"), visit(StoreUnavailable("x"), days="7"), REPORT)
    assert none is not None
    assert "Feedback" in none.said[0]
    assert away is not None
    assert "cannot be read" in away.said[0]
