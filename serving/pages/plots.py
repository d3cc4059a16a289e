"""Plots as SVG, written on the server: lines, steps, bars and dots over two axes.

They have classes and no styles: the pages' policy allows none, and one file of ours has all looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from markupsafe import Markup, escape

from serving.pages.language import Catalogue

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 44
# Ticks of an axis, about.
TICKS = 5
Kind = Literal["line", "step", "bars", "dots"]
# `accent` is what a plot is about, `plain` what that is compared with, `faint` guides the eye.
Look = Literal["accent", "plain", "faint"]


class Axis(NamedTuple):
    """An axis: what it measures, and from where to where."""

    label: str
    low: float
    high: float
    percent: bool = False


class Series(NamedTuple):
    """Points to be drawn; `name` stands in the key where there is more than one with a name.

    Of bars a point is the bar's left end and height; each reaches to the next one's left, the last
    to the end of the axis.
    """

    kind: Kind
    points: Sequence[tuple[float, float]]
    name: str = ""
    look: Look = "accent"


def plot(
    series: Sequence[Series], x: Axis, y: Axis, words: Catalogue, *, title: str, about: str
) -> Markup:
    """Return a plot; `title` and `about` are read out where it cannot be seen.

    Points out of the axes are cut off at the edge, those that are no numbers left out.
    """
    frame = _Frame(x, y)
    drawn = Markup("").join(frame.draw(one) for one in series)
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>'
        "{}{}{}</svg>"
    ).format(WIDTH, HEIGHT, title, about, frame.axes(words), drawn, _key(series))


def ticks(low: float, high: float, about: int = TICKS) -> list[float]:
    """Return round numbers between two ends: 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


class _Frame:
    """Where values come to lie."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self._x, self._y = x, y
        self._across = (WIDTH - LEFT - RIGHT) / ((x.high - x.low) or 1.0)
        self._up = (HEIGHT - TOP - BOTTOM) / ((y.high - y.low) or 1.0)

    def across(self, value: float) -> float:
        """Return where a value of x lies."""
        inside = min(max(value, self._x.low), self._x.high)
        return round(LEFT + (inside - self._x.low) * self._across, 1)

    def up(self, value: float) -> float:
        """Return where a value of y lies."""
        inside = min(max(value, self._y.low), self._y.high)
        return round(HEIGHT - BOTTOM - (inside - self._y.low) * self._up, 1)

    def axes(self, words: Catalogue) -> Markup:
        """Return both axes, with ticks, lines across and labels."""
        bottom, middle = HEIGHT - BOTTOM, TOP + (HEIGHT - TOP - BOTTOM) / 2
        parts = [
            Markup(
                '<path class="grid" d="M{} {}H{}"/><text x="{}" y="{}" class="end">{}</text>'
            ).format(
                LEFT,
                self.up(at),
                WIDTH - RIGHT,
                LEFT - 6,
                self.up(at) + 4,
                _said(at, self._y, words),
            )
            for at in ticks(self._y.low, self._y.high)
        ]
        parts += [
            Markup(
                '<path class="tick" d="M{} {}v4"/><text x="{}" y="{}" class="middle">{}</text>'
            ).format(
                self.across(at), bottom, self.across(at), bottom + 17, _said(at, self._x, words)
            )
            for at in ticks(self._x.low, self._x.high)
        ]
        parts.append(
            Markup(
                '<path class="axis" d="M{} {}H{}"/><text x="{}" y="{}" class="middle">{}</text>'
                '<text x="{}" y="14" transform="rotate(-90)" class="middle">{}</text>'
            ).format(
                LEFT,
                bottom,
                WIDTH - RIGHT,
                (LEFT + WIDTH - RIGHT) / 2,
                HEIGHT - 8,
                self._x.label,
                -middle,
                self._y.label,
            )
        )
        return Markup("").join(parts)

    def draw(self, series: Series) -> Markup:
        """Return a series as one element."""
        points = [p for p in series.points if all(map(math.isfinite, p))]
        path = {"line": self._line, "step": self._step, "bars": self._bars, "dots": self._dots}
        return Markup('<path class="{} {}" d="{}"/>').format(
            series.kind, series.look, path[series.kind](points)
        )

    def _line(self, points: Sequence[tuple[float, float]]) -> str:
        return "M" + "L".join(f"{self.across(x)} {self.up(y)}" for x, y in points) if points else ""

    def _step(self, points: Sequence[tuple[float, float]]) -> str:
        if not points:
            return ""
        (x, y), *others = points
        rest = "".join(f"H{self.across(x)}V{self.up(y)}" for x, y in others)
        return f"M{self.across(x)} {self.up(y)}{rest}"

    def _bars(self, points: Sequence[tuple[float, float]]) -> str:
        ends = [x for x, _ in points[1:]] + [self._x.high]
        bottom = self.up(self._y.low)
        return "".join(
            f"M{left} {bottom}V{self.up(y)}H{max(left, self.across(end) - 1)}V{bottom}z"
            for (x, y), end in zip(points, ends, strict=True)
            for left in (self.across(x),)
        )

    def _dots(self, points: Sequence[tuple[float, float]]) -> str:
        # A line without length and with round ends is a dot, in a few bytes.
        return "".join(f"M{self.across(x)} {self.up(y)}h0" for x, y in points)


def _said(value: float, axis: Axis, words: Catalogue) -> str:
    return f"{words.number(100 * value, 3)} %" if axis.percent else words.number(value, 3)


def _key(series: Sequence[Series]) -> Markup:
    named = [one for one in series if one.name]
    if len(named) < 2:
        return Markup("")
    return Markup("").join(
        Markup('<path class="line {}" d="M{} {}h18"/><text x="{}" y="{}">{}</text>').format(
            one.look,
            LEFT + 10,
            TOP + 8 + 16 * index,
            LEFT + 34,
            TOP + 12 + 16 * index,
            escape(one.name),
        )
        for index, one in enumerate(named)
    )
