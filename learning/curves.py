"""How the answer changes with one feature: partial dependence and individual curves.

Partial dependence: Friedman, Greedy Function Approximation (Annals of Statistics 29, 2001).
Individual conditional expectation: Goldstein, Kapelner, Bleich and Pitkin, Peeking Inside the
Black Box (JCGS 24, 2015). They are of the compiled model, as it is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.members import read_member
from learning.prediction import Runtime
from learning.quality import MOST_CLASSES, kept_classes
from learning.shown_rows import shortened
from tables.batch import Batch
from tables.dataset import Dataset
from tables.decoding import decoded
from tables.schema import Feature

MEMBER = "curves.json"
# Values of a feature that are tried, rows that they are tried on, and rows shown one by one.
MOST_VALUES, MOST_ROWS, MOST_SHOWN = 20, 100, 20
MOST_FEATURES = 30
# Letters of a category; what is longer ends with a sign.
MOST_LETTERS = 100
DIGITS = 6


class Curve(msgspec.Struct, frozen=True, omit_defaults=True):
    """A feature's values as clients send them, and what is answered with each in every row's place.

    `mean` is the mean over the rows of each output `[values, k]`; of very many classes it is that
    of the commonest, whose indices are `classes`. `rows` are some rows' own
    `[rows, values]`: of a quantity, or of the second of two classes; of more classes none.
    """

    values: list[Any]
    mean: list[list[float]]
    rows: list[list[float]]
    classes: list[int] = []


def curves_of(
    runtime: Runtime, train: Dataset, holdout: Dataset, names: Iterable[str], seed: int
) -> dict[str, Curve]:
    """Return the curves of the first features of `names` that are no text."""
    if not runtime.compiled:
        return {}
    schema = train.schema
    where = {feature.name: index for index, feature in enumerate(schema.values)}
    chosen = [name for name in names if name in where][:MOST_FEATURES]
    batch = holdout.drawn(MOST_ROWS, seed).batch
    found = {}
    for name in chosen:
        feature, part = schema.values[where[name]], schema.slices[where[name]]
        at = grid(train.batch.matrix[:, part], feature)
        if len(at) > 1:
            tried = train.batch.matrix[at, part]
            values = [decoded(feature, row) for row in tried.tolist()]
            short = [shortened(value, MOST_LETTERS) for value in values]
            found[name] = _curve(runtime, batch, part, tried, short, _kept(train))
    return found


def grid(columns: NDArray[np.float32], feature: Feature) -> NDArray[np.intp]:
    """Return rows that have between them the values to try: of many, from least to largest.

    Of categories they are the commonest; `columns` are the feature's, `[n, columns]`.
    """
    leading = columns[:, _leading(feature)]
    there = np.flatnonzero(~np.isnan(leading))
    values, first, counts = np.unique(leading[there], return_index=True, return_counts=True)
    if feature.kind == "category":
        kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES])
    elif len(values) <= MOST_VALUES:
        kept = np.arange(len(values))
    else:
        shares = np.cumsum(counts) / counts.sum()
        kept = np.unique(np.searchsorted(shares, np.linspace(0.0, 1.0, MOST_VALUES)))
        kept = kept[kept < len(values)]
    return np.asarray(there[first[kept]])


def _leading(feature: Feature) -> int:
    """Return which of a feature's columns orders its values."""
    parts = feature.dates.parts if feature.dates is not None else ()
    return parts.index("days") if "days" in parts else 0


def _curve(
    runtime: Runtime,
    batch: Batch,
    part: slice,
    tried: NDArray[np.float32],
    values: list[Any],
    kept: list[int],
) -> Curve:
    count = len(batch.matrix)
    matrix = np.repeat(batch.matrix[np.newaxis], len(tried), axis=0)
    matrix[:, :, part] = tried[:, np.newaxis]
    texts = tuple(column * len(tried) for column in batch.texts)
    outputs = runtime.outputs(Batch(matrix.reshape(-1, matrix.shape[2]), texts))
    found = outputs.reshape(len(tried), count, -1)
    shown = found[:, :MOST_SHOWN, -1].T if found.shape[2] <= 2 else found[:0, :0, 0]
    mean = found.mean(axis=1)
    return Curve(values, _rounded(mean[:, kept] if kept else mean), _rounded(shown), kept)


def _kept(train: Dataset) -> list[int]:
    """Return the indices of the classes whose means are kept, none where all are."""
    classes = len(train.schema.target.classes)
    return kept_classes(train.target, classes).tolist() if classes > MOST_CLASSES else []


def _rounded(values: NDArray[Any]) -> list[Any]:
    rounded: list[Any] = np.round(values.astype(np.float64), DIGITS).tolist()
    return rounded


def load(members: Mapping[str, bytes]) -> dict[str, Curve]:
    """Return the curves among an artifact's members, by feature. Raises ArtifactDamaged."""
    return read_member(members, MEMBER, dict[str, Curve]) or {}


def dump(curves: dict[str, Curve]) -> dict[str, bytes]:
    """Return the artifact's member, none where there are no curves."""
    return {MEMBER: msgspec.json.encode(curves)} if curves else {}
