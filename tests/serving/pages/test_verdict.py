"""What the worker found of a model's traffic, in words of either language."""

from __future__ import annotations

from typing import Any

from serving.pages.traffic import Traffic
from serving.pages.verdict import verdict_section
from tests.serving.pages.versions_made import look

QUIET: dict[str, Any] = {
    "rows": 3120,
    "days": 7,
    "looked_at": "2026-11-25T12:00:00Z",
    "alarm": False,
    "inputs": {"columns": [{"name": "age"}]},
    "score": {"columns": [{"name": "score"}]},
    "harm": {},
}


def said(**more: Any) -> str:
    return " ".join(verdict_section(look("two"), Traffic({**QUIET, **more})).said)


def test_without_a_report_it_says_why() -> None:
    assert "PREDICTION_LOG" in verdict_section(look("two"), Traffic(why="drift_none")).said[0]


def test_a_quiet_week_is_said_to_be_one() -> None:
    found = said()
    assert "3120 rows" in found
    assert "Nothing is other than in training." in found
    assert "as on the hold-out" in found


def test_few_rows_have_no_verdict() -> None:
    assert "too few" in said(rows=40)
    assert "Nothing" not in said(rows=40)


def test_features_that_are_other_are_named_some_of_them() -> None:
    columns = [{"name": f"x{i}", "other": True} for i in range(12)]
    found = said(inputs={"columns": columns}, alarm=True)
    assert "Alarm" in found
    assert "12 features are other" in found
    assert "x9" in found
    assert "x10" not in found


def test_harm_is_told_with_what_the_hold_out_had() -> None:
    loss = {"value": 0.61, "holdout": 0.45, "difference": [0.1, 0.2], "rows": 900}
    found = said(harm={"expected": {"reason": "none"}, "measured": loss})
    assert (
        "Log loss on 900 rows that came true: 0.61; on the hold-out 0.45. That is worse." in found
    )
    better = {**loss, "difference": [-0.2, -0.1]}
    assert "better" in said(harm={"expected": better})
    assert "about the same" in said(harm={"expected": {**loss, "difference": [-0.1, 0.1]}})
    assert "other than on the hold-out" in said(score={"columns": [{"other": True}]})
