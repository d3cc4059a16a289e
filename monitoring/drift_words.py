"""What drift says in words: plain sentences of one column, or of a loss."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

from monitoring.harm import Estimate
from tables.schema import Feature
from tables.sketch import MISSING, Counts, NumberSketch, Sketch

# A share is named as other where the difference is so many of its standard errors, and so large.
ERRORS = 3.0
SMALLEST = 0.005


def of_column(name: str, feature: Feature | None, sketch: Sketch, counts: Counts) -> list[str]:
    """Return what is other about a column's rows, by their counts by cell."""
    return list(_said(name, feature, sketch, counts))


def of_loss(what: str, loss: str, found: Estimate) -> str:
    """Return how a loss compares with the hold-out's."""
    low, high = found.interval
    verdict = "worse" if low > 0 else "better" if high < 0 else "about the same"
    return (
        f"the {what} {loss} is {found.value:.4g}, {found.holdout:.4g} on the hold-out: {verdict} "
        f"({low:+.2g} to {high:+.2g}, {found.rows:,} rows)"
    )


def _said(name: str, feature: Feature | None, sketch: Sketch, counts: Counts) -> Iterator[str]:
    then = sketch.totals
    missing = _share(counts, [MISSING]), _share(then, [MISSING])
    if _differ(*missing, counts, then):
        now, before = map(_percent, missing)
        yield f"{name} is missing in {now} of rows, {before} in training"
    outside = _share(counts, sketch.outside), _share(then, sketch.outside)
    if outside[0] > outside[1] and _differ(*outside, counts, then):
        yield f"{name} is {_outside(sketch)} in {_percent(outside[0])} of rows"
    if isinstance(sketch, NumberSketch):
        medians = sketch.median(counts), sketch.median(then)
        middle, usual = ("" if found is None else f"{found:.3g}" for found in medians)
        if middle and usual and middle != usual and _moved(counts[1:], then[1:]):
            yield f"{name} is {middle} in the middle, {usual} in training"
    elif feature is not None and feature.categories:
        yield from _category(name, feature, sketch, counts)


def _moved(now: Counts, then: Counts) -> bool:
    """Tell whether half of the rows with a value are no longer below where it was in training."""
    upto = int(np.searchsorted(np.cumsum(then), then.sum() / 2)) + 1
    below, usual = (float(part[:upto].sum() / max(int(part.sum()), 1)) for part in (now, then))
    return _differ(below, usual, now, then)


def _category(name: str, feature: Feature, sketch: Sketch, counts: Counts) -> Iterator[str]:
    """Say which category's share has changed most."""
    codes = getattr(sketch, "codes", ())
    if not codes or not counts.sum():
        return
    shares = counts / counts.sum(), sketch.totals / sketch.totals.sum()
    changes = np.abs(shares[0] - shares[1])[2 : 2 + len(codes)]
    cell = int(changes.argmax()) + 2
    now, before = float(shares[0][cell]), float(shares[1][cell])
    if _differ(now, before, counts, sketch.totals):
        words = (*feature.categories, "another")
        word = words[min(codes[cell - 2], len(words) - 1)]
        yield f"{name} is {word} in {_percent(now)} of rows, {_percent(before)} in training"


def _outside(sketch: Sketch) -> str:
    if isinstance(sketch, NumberSketch) and sketch.minimum is not None:
        return f"outside {sketch.minimum:g} to {sketch.maximum:g}"
    return "none of the values of training"


def _share(counts: Counts, cells: list[int] | tuple[int, ...]) -> float:
    return float(counts[list(cells)].sum() / max(int(counts.sum()), 1))


def _differ(now: float, then: float, counts: Counts, totals: Counts) -> bool:
    rows, before = max(int(counts.sum()), 1), max(int(totals.sum()), 1)
    pooled = (now * rows + then * before) / (rows + before)
    error = sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / rows + 1 / before))
    return abs(now - then) >= max(ERRORS * error, SMALLEST)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"
