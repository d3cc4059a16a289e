"""A quantity: what was predicted against what was true, and how far apart they are."""

from __future__ import annotations

from math import log

from learning.quality import BARS, QUANTILES, SIDE, Residuals
from serving.pages.figures import Axis, Cell, Figure, axis, log_axis
from serving.pages.look import Look
from serving.pages.sections import Picture, Section, Table

HALF = QUANTILES.index(0.5)
LOW, HIGH = QUANTILES.index(0.1), QUANTILES.index(0.9)


def residuals_section(look: Look) -> Section | None:
    """Return the pictures of a quantity, and what its intervals held."""
    quality, words = look.subject.quality, look.words
    if quality is None or quality.residuals is None:
        return None
    found = quality.residuals
    pictures = [_against(look, found), _bars(look, found), _by_prediction(look, found)]
    tables = [_coverage(look, found)] if found.coverage else []
    return Section("residuals", words("residuals"), pictures=pictures, tables=tables)


def _scale(look: Look, found: Residuals, title: str) -> Axis:
    make = log_axis if found.logarithmic else axis
    return make(found.low, found.high, title, look.tick)


def _against(look: Look, found: Residuals) -> Picture:
    words = look.words
    figure = Figure(
        words("against_title", target=look.target),
        _scale(look, found, words("predicted")),
        _scale(look, found, words("true")),
    )
    most = max(rows for _, _, rows in found.cells)
    cells = [_cell(found, one, most) for one in found.cells]
    ends = [(found.low, found.low), (found.high, found.high)]
    figure.squares(cells, "cells").line(ends, "base")
    first, last = found.groups[0], found.groups[-1]
    said = words(
        "against_says",
        low=look.quantity(first.predicted),
        low_true=look.quantity(first.true),
        high=look.quantity(last.predicted),
        high_true=look.quantity(last.true),
    )
    legend = [("cells", words("rows_darker")), ("base", words("exact"))]
    return Picture(words("against"), figure.svg(), said, legend)


def _cell(found: Residuals, cell: tuple[int, int, int], most: int) -> Cell:
    true, predicted, rows = cell

    def end(index: int) -> float:
        share = index / SIDE
        if found.logarithmic:
            return float(found.low * (found.high / found.low) ** share)
        return found.low + share * (found.high - found.low)

    opacity = 0.25 + 0.75 * log(1 + rows) / log(1 + most)
    return end(predicted), end(predicted + 1), end(true), end(true + 1), opacity


def _bars(look: Look, found: Residuals) -> Picture:
    words, total = look.words, max(1, sum(found.bars))
    width = (found.bars_high - found.bars_low) / BARS
    figure = Figure(
        words("errors_title"),
        axis(found.bars_low, found.bars_high, words("error"), look.tick),
        axis(0, max(found.bars) / total, words("share_of_rows"), look.tick_share),
    )
    starts = [found.bars_low + index * width for index in range(BARS)]
    figure.bars(
        [(s, s + width, n / total) for s, n in zip(starts, found.bars, strict=True)], "plain"
    )
    if found.bars_low < 0 < found.bars_high:
        figure.mark(0, "base")
    middle = found.quantiles[HALF]
    key = "errors_high" if middle > 0 else "errors_low"
    said = words(
        key,
        low=look.quantity(found.quantiles[LOW]),
        high=look.quantity(found.quantiles[HIGH]),
        middle=look.quantity(abs(middle)),
    )
    return Picture(words("errors"), figure.svg(), said)


def _by_prediction(look: Look, found: Residuals) -> Picture:
    """Return how far off rows are by what was predicted of them."""
    words, groups = look.words, found.groups
    low, high = min(g.low for g in groups), max(g.high for g in groups)
    figure = Figure(
        words("spread_title"),
        axis(groups[0].predicted, groups[-1].predicted, words("predicted"), look.tick),
        axis(min(low, 0), max(high, 0), words("error"), look.tick),
    )
    figure.line([(g.predicted, g.low) for g in groups], "other")
    figure.line([(g.predicted, g.high) for g in groups], "other")
    figure.line([(groups[0].predicted, 0), (groups[-1].predicted, 0)], "base")
    figure.line([(g.predicted, g.median) for g in groups], "own")
    first, last = groups[0], groups[-1]
    said = words(
        "spread_says",
        low=look.quantity(first.predicted),
        low_width=look.quantity(first.high - first.low),
        high=look.quantity(last.predicted),
        high_width=look.quantity(last.high - last.low),
    )
    legend = [("own", words("half_of_errors")), ("other", words("eighty_of_errors"))]
    return Picture(words("spread"), figure.svg(), said, legend)


def _coverage(look: Look, found: Residuals) -> Table:
    words = look.words
    rows = [
        [words.percent(level), words.percent(share), look.quantity(width)]
        for level, share, width in found.coverage
    ]
    head = [words("interval_of"), words("held"), words("mean_width")]
    return Table(words("coverage_caption"), head, rows, frozenset({1, 2}))
