"""Drift: whether rows and scores are other than in training, by feature, at any number of looks.

Two things are told apart. A *distance* describes the last days, beside the distance that
chance alone gives as many rows. An *alarm* comes of a test that gathers evidence over
all looks (`monitoring/drift_bets.py`) and is false once a model-year at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.drift_bets import (
    Bets,
    Course,
    Doubles,
    Integers,
    advance,
    course_of,
    two_sided,
    widths_of,
)
from monitoring.drift_groups import groups_within, padded, summed
from tables.sketch import Counts, Sketch

# Under so many rows nothing is said.
LEAST_ROWS = 200
# The share of alarms of chance among weeks in which nothing changed, over all features together.
LEVEL = 0.05
# So many draws a test of a distance has at least, and so many for each feature beside it.
DRAWS, DRAWS_EACH = 999, 100


class Lane(NamedTuple):
    """One column that is watched: its sketch in training, and the group of each of its cells."""

    name: str
    sketch: Sketch
    groups: Integers

    @property
    def totals(self) -> Doubles:
        """The rows of training in each group."""
        return summed(self.sketch.totals, self.groups)


class Lanes:
    """Columns that are tested side by side, each against any change, with its own threshold."""

    def __init__(self, lanes: list[Lane], thresholds: Doubles) -> None:
        self.lanes = lanes
        self.thresholds = thresholds
        self._totals = padded([lane.totals for lane in lanes])
        self.bets = two_sided(padded([widths_of(lane.totals) for lane in lanes]))

    def start(self) -> Course:
        """Return the course of tests that have seen nothing but training."""
        return course_of(self._totals, self.bets)

    def advance(
        self, course: Course, cells: Mapping[str, Integers], uniform: Doubles, hours: float
    ) -> tuple[Course, list[str]]:
        """Return the course after a block of rows, by the cells of each lane; and who alarms.

        A lane that has no cells is left as it was. `uniform` is `[lanes, n]`.
        """
        there = [i for i, lane in enumerate(self.lanes) if lane.name in cells]
        if not there:
            return course, []
        groups = np.stack([self.lanes[i].groups[cells[self.lanes[i].name]] for i in there])
        part = Course(*(array[there] for array in course))
        bets = Bets(self.bets.widths[there], self.bets.factors[there], learning=True)
        after, alarms = advance(part, bets, groups, uniform[there], hours, self.thresholds[there])
        whole = Course(*(array.copy() for array in course))
        for array, new in zip(whole, after, strict=True):
            array[there] = new
        return whole, [self.lanes[i].name for i in np.array(there)[alarms]]


class Distance(NamedTuple):
    """How far some rows are from those of training: 0 if alike, 1 if they share no group.

    `by_chance` is what nineteen of twenty draws of as many rows of both together stay under,
    `p` the share of draws that are as far, `corrected` the same for all features together.
    """

    distance: float
    by_chance: float
    p: float
    corrected: float = 1.0

    @property
    def is_other(self) -> bool:
        """Whether chance does not explain it."""
        return self.corrected <= LEVEL


def distances(
    lanes: list[Lane], counts: Mapping[str, Counts], seed: int = 0
) -> dict[str, Distance]:
    """Return the distance of each lane's rows, by their counts by cell; none of too few rows.

    Corrected over the lanes: Holm, A Simple Sequentially Rejective Multiple Test Procedure (1979).
    """
    enough = [x for x in lanes if x.name in counts and counts[x.name].sum() >= LEAST_ROWS]
    draws = max(DRAWS, DRAWS_EACH * len(enough))
    random = np.random.default_rng(seed)
    found = {x.name: _distance(x, counts[x.name], draws, random) for x in enough}
    ranked = sorted(found, key=lambda name: found[name].p)
    least = 0.0
    for index, name in enumerate(ranked):
        least = max(least, min(1.0, (len(ranked) - index) * found[name].p))
        found[name] = found[name]._replace(corrected=least)
    return found


def _distance(lane: Lane, counts: Counts, draws: int, random: np.random.Generator) -> Distance:
    """Return a lane's distance with its null: both samples drawn from the two together.

    A permutation test on counts; its p-value as Phipson and Smyth, Permutation P-values
    Should Never Be Zero (2010), have it.
    """
    groups = groups_within(lane.sketch)
    now, then = summed(counts, groups), summed(lane.sketch.totals, groups)
    both = (now + then).astype(np.int64)
    drawn = random.multivariate_hypergeometric(both, int(now.sum()), draws, method="marginals")
    measured = float(jensen_shannon(now, then))
    chance = jensen_shannon(drawn, both - drawn)
    # Equal but for rounding counts as equal.
    as_far = int((chance >= measured - 1e-12).sum())
    return Distance(measured, float(np.quantile(chance, 0.95)), (1 + as_far) / (1 + draws))


def jensen_shannon(some: NDArray[np.number], others: NDArray[np.number]) -> Doubles:
    """Return the Jensen-Shannon distance of counts `[..., groups]`, in base 2: from 0 to 1.

    Lin, Divergence Measures Based on the Shannon Entropy (1991); Endres and Schindelin (2003).
    """
    p = some / some.sum(axis=-1, keepdims=True)
    q = others / others.sum(axis=-1, keepdims=True)
    middle = (p + q) / 2
    divergence = (_relative(p, middle) + _relative(q, middle)) / 2
    found: Doubles = np.sqrt(np.clip(divergence, 0, 1))
    return found


def _relative(p: Doubles, q: Doubles) -> Doubles:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / q), 0.0)
    found: Doubles = terms.sum(axis=-1)
    return found
