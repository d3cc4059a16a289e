"""Slices: for which rows a challenger answers otherwise most, by one feature at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tables.schema import Feature, Schema

# A slice of fewer rows is not told, and no more slices than these are.
FEWEST_ROWS = 30
MOST_SLICES = 10
# Numbers are cut at these quantiles.
CUTS = (0.2, 0.4, 0.6, 0.8)

Floats = NDArray[np.float32]


class Slice(NamedTuple):
    """Rows of one feature's `value`, in words; `changed` of them are answered otherwise."""

    feature: str
    value: str
    rows: int
    changed: int
    mean_difference: float

    def document(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return self._asdict()


def slices_of(
    schema: Schema, matrix: Floats, apart: NDArray[np.float64], changed: NDArray[np.bool_]
) -> tuple[Slice, ...]:
    """Return the slices whose answers differ by more than the mean, the largest change first.

    `matrix` are encoded rows `[n, d]`, `apart` by how much the answer to each differs `[n]`.
    """
    found = [
        each
        for feature, where in zip(schema.values, schema.slices, strict=True)
        if feature.dates is None
        for each in _slices(feature, matrix[:, where.start], apart, changed)
    ]
    usual = float(apart.mean())
    large = (each for each in found if each.mean_difference > usual)
    return tuple(sorted(large, key=lambda each: -each.mean_difference)[:MOST_SLICES])


def _slices(
    feature: Feature, values: Floats, apart: NDArray[np.float64], changed: NDArray[np.bool_]
) -> Iterator[Slice]:
    for value, chosen in _parts(feature, values):
        rows = int(chosen.sum())
        if rows >= FEWEST_ROWS:
            mean = float(apart[chosen].mean())
            yield Slice(feature.name, value, rows, int(changed[chosen].sum()), mean)


def _parts(feature: Feature, values: Floats) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    missing = np.isnan(values)
    yield "missing", missing
    if feature.kind in ("category", "boolean"):
        words = feature.categories if feature.kind == "category" else ("false", "true")
        for code in np.unique(values[~missing]).tolist():
            known = 0 <= code < len(words)
            yield words[int(code)] if known else "another value", values == code
    elif not missing.all():
        yield from _bins(values, values[~missing])


def _bins(values: Floats, there: Floats) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    low, high = float(there.min()), float(there.max())
    cuts = [cut for cut in np.unique(np.quantile(there, CUTS)).tolist() if low <= cut < high]
    edges = [-np.inf, *cuts, np.inf]
    shown = [low, *cuts, high]
    for index, (above, upto) in enumerate(pairwise(edges)):
        ends = f"{shown[index]:g} to {shown[index + 1]:g}"
        first = "" if index == 0 else "over "
        yield f"{first}{ends}", (values > above) & (values <= upto)
