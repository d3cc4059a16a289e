"""Plots as SVG: where marks come to lie, round ticks, and no text that is not escaped."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from serving.pages.figures import (
    HEIGHT,
    MOST_TICKS,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Figure,
    axis,
    labelled,
    log_axis,
    ticks,
)


def plain(value: float) -> str:
    return f"{value:g}"


def figure(title: str = "a plot", **more: int) -> Figure:
    return Figure(title, axis(0, 10, "across", plain), axis(0, 1, "up", plain), **more)


def marks(found: Figure, name: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(str(found.svg()))
    return [e for e in root.iter(name) if e.get("class") not in ("axis", "grid")]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 7), (0.001, 0.0023), (1e9, 3e9), (35, 959), (-1e-9, 1e-9)]
)
def test_ticks_are_round_few_and_within(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= MOST_TICKS + 2
    assert all(low - 1e-9 * abs(low) <= tick <= high + 1e-9 * abs(high) for tick in found)
    steps = {f"{b - a:.6g}" for a, b in pairwise(found)}
    assert len(steps) == 1


def test_a_line_goes_from_corner_to_corner() -> None:
    (line,) = marks(figure().line([(0, 0), (10, 1)], "own"), "polyline")
    (left, low), (right, high) = (p.split(",") for p in (line.get("points") or "").split())
    assert float(right) == WIDTH - RIGHT
    assert float(high) == TOP
    assert float(left) < float(right)
    assert float(low) > float(high)


def test_what_is_beyond_an_axis_stays_in_the_picture() -> None:
    dots = marks(figure().dots([(99, -99)], "own"), "circle")
    assert float(dots[0].get("cx") or 0) == WIDTH - RIGHT
    assert float(dots[0].get("cy") or 0) < HEIGHT


def test_bars_and_cells_have_their_sizes() -> None:
    bars = marks(figure().bars([(0, 5, 0.5), (5, 10, 0)], "plain"), "rect")
    assert float(bars[0].get("width") or 0) > 100
    assert float(bars[1].get("height") or 1) == 0
    (cell,) = marks(figure().squares([(0, 5, 0, 0.5, 0.3)], "own"), "rect")
    assert cell.get("fill-opacity") == "0.30"
    assert marks(figure().steps([(0, 5, 0.5), (5, 10, 1)], "first"), "polyline")
    assert marks(figure().mark(3, "chosen"), "polyline")


def test_an_axis_without_a_range_can_be_drawn() -> None:
    assert axis(3, 3, "", plain).low < 3 < axis(3, 3, "", plain).high
    assert axis(float("nan"), 1, "", plain).ticks
    assert axis(1e30, 1e30, "", plain).ticks


def test_a_logarithmic_axis_has_equal_steps_for_equal_factors() -> None:
    found = log_axis(1, 10_000, "", plain)
    assert found.share(100) == pytest.approx(0.5)
    assert [tick for tick, _ in found.ticks] == [1, 10, 100, 1000, 10_000]
    assert 0 < len(log_axis(3, 40, "", plain).ticks) <= MOST_TICKS + 1


def test_categories_stand_side_by_side() -> None:
    found = labelled(["a", "a very long category", "c", "d"], "")
    assert found.high == 4
    assert found.ticks[1] == (1.5, "a very l…")
    assert len(labelled(list(map(str, range(40))), "").ticks) <= 10


def test_a_stranger_s_text_is_escaped_everywhere() -> None:
    tag = "<script>&\"'"
    text = str(Figure(tag, Axis(0, 1, tag, ((0, tag),)), Axis(0, 1, tag, ((0, tag),))).svg())
    assert "<script>" not in text
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == tag
    assert [e.text for e in root.iter("text")] == [tag] * 4


def test_a_picture_without_titles_needs_less_room() -> None:
    bare = Figure("", axis(0, 1, "", plain), axis(0, 1, "", plain), height=100)
    low = marks(bare.dots([(0, 0)], "own"), "circle")[0]
    assert float(low.get("cy") or 0) == 80


def test_wide_labels_leave_room_for_the_title_of_their_axis() -> None:
    found = Figure("a plot", axis(0, 1, "x", plain), axis(-1e6, 1e6, "up", lambda v: f"{v:,.0f}"))
    labels = [e for e in marks(found, "text") if e.get("class") == "tick end"]
    assert len(labels) >= 3
    assert all(float(e.get("x", 0)) - 6.5 * len(e.text or "") >= 18 for e in labels)
