"""Figures: plots as SVG of our own, drawn on the server; every text in them is escaped.

They have no style of their own: classes say what a mark is, the style sheet how it looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

from markupsafe import Markup, escape

from serving.pages.names import shown

WIDTH, HEIGHT = 360, 240
# Room for the labels of the axes.
LEFT, RIGHT, TOP, BOTTOM = 58, 20, 10, 38
# And where an axis has no title.
LEFT_ALONE, BOTTOM_ALONE = 44, 20
MOST_TICKS = 5
# Letters of a label below a bar.
MOST_LETTERS = 9
# How wide a letter of a tick is, about.
LETTER = 6.5
# The room of an upright axis' title, and of what parts it from the labels.
TITLE = 24

Point = tuple[float, float]
Cell = tuple[float, float, float, float, float]
Write = Callable[[float], str]


class Axis(NamedTuple):
    """An axis from `low` to `high`, its title, and where its ticks are, each with its label."""

    low: float
    high: float
    title: str
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return where a value is between the ends, 0 to 1; what is beyond is at the end."""
        low, high, found = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, found = log10(low), log10(high), log10(found)
        return (found - low) / (high - low)


def axis(low: float, high: float, title: str, write: Write) -> Axis:
    """Return an axis with ticks at round numbers."""
    if not (isfinite(low) and isfinite(high) and high > low):
        middle = low if isfinite(low) else 0.0
        beside = max(0.5, abs(middle) / 100)
        low, high = middle - beside, middle + beside
    return Axis(low, high, title, tuple((tick, write(tick)) for tick in ticks(low, high)))


def log_axis(low: float, high: float, title: str, write: Write) -> Axis:
    """Return an axis by the logarithm, with ticks at powers of ten or between them."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= 3 else (1,)
    marks = [step * 10.0**power for power in powers for step in steps]
    kept = [mark for mark in marks if low <= mark <= high]
    kept = kept[:: max(1, ceil(len(kept) / MOST_TICKS))]
    return Axis(low, high, title, tuple((tick, write(tick)) for tick in kept), logarithmic=True)


def ticks(low: float, high: float) -> list[float]:
    """Return at most MOST_TICKS + 1 round numbers from `low` to `high`."""
    rough = (high - low) / MOST_TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)
    first = ceil(low / step - 1e-9)
    found = [step * index for index in range(first, first + MOST_TICKS + 2)]
    # A step such as 0.1 has no exact float: what is shown is as many digits as tell it.
    return [float(f"{tick:.12g}") for tick in found if tick <= high + step * 1e-9]


class Figure:
    """Two axes, and the marks between them; `title` is read out where the picture is not seen."""

    def __init__(
        self, title: str, x: Axis, y: Axis, *, width: int = WIDTH, height: int = HEIGHT
    ) -> None:
        self._title, self._x, self._y = title, x, y
        self._width, self._height = width, height
        self._marks: list[str] = []
        self._left = self._margin(y)
        self._base = height - (BOTTOM if x.title else BOTTOM_ALONE)

    @staticmethod
    def _margin(y: Axis) -> float:
        """Return the room for the labels of the upright axis, which its title does not cross."""
        if not y.title:
            return LEFT_ALONE
        return max(LEFT, TITLE + LETTER * max((len(label) for _, label in y.ticks), default=0))

    def line(self, points: Iterable[Point], kind: str) -> Figure:
        """Draw a line through points."""
        found = " ".join(f"{self._across(x)},{self._down(y)}" for x, y in points)
        if not found:
            return self
        self._marks.append(f'<polyline class="{kind}" points="{found}"/>')
        return self

    def dots(self, points: Iterable[Point], kind: str, radius: float = 3) -> Figure:
        """Draw dots."""
        self._marks += [
            f'<circle class="{kind}" cx="{self._across(x)}" cy="{self._down(y)}" r="{radius}"/>'
            for x, y in points
        ]
        return self

    def bars(self, bars: Iterable[tuple[float, float, float]], kind: str) -> Figure:
        """Draw bars from the lower end, each from a left to a right value, and so high."""
        base = self._down(self._y.low)
        for left, right, height in bars:
            start, end, top = self._across(left), self._across(right), self._down(height)
            width = max(0.5, round(end - start - 1, 2))
            self._marks.append(
                f'<rect class="{kind}" x="{start + 0.5:g}" y="{top}" width="{width:g}" '
                f'height="{round(base - top, 2):g}"/>'
            )
        return self

    def steps(self, bars: Iterable[tuple[float, float, float]], kind: str) -> Figure:
        """Draw the outline of bars as one line."""
        ends = (((left, height), (right, height)) for left, right, height in bars)
        return self.line(chain.from_iterable(ends), kind)

    def squares(self, cells: Iterable[Cell], kind: str) -> Figure:
        """Draw rectangles between left, right, low and high, each so opaque (0 to 1)."""
        for left, right, low, high, share in cells:
            x, y = self._across(left), self._down(high)
            width, height = self._across(right) - x, self._down(low) - y
            self._marks.append(
                f'<rect class="{kind}" x="{x}" y="{y}" width="{width:.2f}" '
                f'height="{height:.2f}" fill-opacity="{share:.2f}"/>'
            )
        return self

    def mark(self, x: float, kind: str) -> Figure:
        """Draw a line from top to bottom."""
        return self.line([(x, self._y.low), (x, self._y.high)], kind)

    def svg(self) -> Markup:
        """Return the picture."""
        parts = [*self._horizontal(), *self._vertical(), *self._marks]
        return Markup(  # noqa: S704 - every text is escaped
            f'<svg class="figure-plot" viewBox="0 0 {self._width} {self._height}" '
            f'width="{self._width}" height="{self._height}" role="img" '
            f'aria-label="{escape(self._title)}">{"".join(parts)}</svg>'
        )

    def _across(self, value: float) -> float:
        room = self._width - self._left - RIGHT
        return round(self._left + room * self._x.share(value), 2)

    def _down(self, value: float) -> float:
        return round(self._base - (self._base - TOP) * self._y.share(value), 2)

    def _horizontal(self) -> list[str]:
        """Return the lower axis."""
        base, right = self._base, self._width - RIGHT
        parts = [f'<line class="axis" x1="{self._left}" x2="{right}" y1="{base}" y2="{base}"/>']
        for value, label in self._x.ticks:
            parts.append(self._below(self._across(value), base + 14, label))
        if not self._x.title:
            return parts
        middle = (self._left + right) / 2
        return [*parts, _text(middle, self._height - 6, self._x.title, "title middle")]

    def _below(self, x: float, y: float, label: str) -> str:
        """Return a label below the axis, which the picture's edge does not cut."""
        half = len(label) * LETTER / 2
        if x + half > self._width:
            return _text(self._width - 1, y, label, "tick end")
        return _text(1, y, label, "tick") if x < half else _text(x, y, label, "tick middle")

    def _vertical(self) -> list[str]:
        """Return the lines across with their labels, and the title on its side."""
        right, parts = self._width - RIGHT, []
        for value, label in self._y.ticks:
            y = self._down(value)
            parts.append(f'<line class="grid" x1="{self._left}" x2="{right}" y1="{y}" y2="{y}"/>')
            parts.append(_text(self._left - 5, y + 4, label, "tick end"))
        if not self._y.title:
            return parts
        middle = (TOP + self._base) / 2
        turned = f' transform="rotate(-90 12 {middle:g})"'
        return [*parts, _text(12, middle, self._y.title, "title middle", turned)]


def labelled(labels: Sequence[str], title: str) -> Axis:
    """Return an axis of categories: that of index i is between i and i + 1."""
    every = max(1, ceil(len(labels) / 10))
    room = MOST_LETTERS if len(labels) > 3 else 3 * MOST_LETTERS
    marks = tuple((i + 0.5, shown(label, room)) for i, label in enumerate(labels))
    return Axis(0, max(1, len(labels)), title, marks[::every])


def _text(x: float, y: float, text: str, kind: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}"{more}>{escape(text)}</text>'
