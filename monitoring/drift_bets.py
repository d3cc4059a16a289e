"""Bets that ranks are not uniform, and the evidence that they gather since an unknown change.

The evidence is a Shiryaev-Roberts e-detector: Shin, Ramdas and Rinaldo, E-detectors: A
Nonparametric Framework for Sequential Change Detection (NEJSDS 2023). A bet
multiplies what it stakes by a factor whose mean is 1 where nothing has changed, and at each look
the hours gone by are staked anew. So evidence less hours is a martingale. An alarm takes at least
`threshold` off it: of T hours without a change at most T / threshold end in an alarm, on
average, however often one looks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.drift_ranks import counts_of, ranks

Doubles = NDArray[np.float64]
Integers = NDArray[np.intp]
Booleans = NDArray[np.bool_]

HOURS_A_YEAR = 8766.0
# The logarithm of the most that a block multiplies by: more would be infinite.
LARGEST = 600.0
# Rows are ranked and bet on so many at a time: no bet learns within a block.
BLOCK = 32
# A bet that learns how ranks lie remembers about so many rows, and begins as if it had seen
# half as many that lay evenly.
MEMORIES = np.array([100.0, 1000.0])
PRIOR = 0.5
# Ranks so near to either end have a bin, and no bin is narrower than that.
LADDER: Doubles = 2.0 ** -np.arange(4.0, 11.0)
NARROWEST = 2.0**-11
# How strongly the other bets lean.
LEANINGS = (0.15, 0.4)
HARSH = (0.15, 0.4, 0.8)
# The share of the highest ranks that a bet on the worst rows raises, and how much.
WORST = 0.1
RAISED = (0.1, 0.3)


class Bets(NamedTuple):
    """What is bet on: ranks in bins of these widths `[..., bins]`, a bin of width 0 being none.

    `factors` `[..., bets, bins]` are the logarithms of what a fixed bet multiplies by for a rank
    in a bin. `learning` tells whether half is staked on bets that learn.
    """

    widths: Doubles
    factors: Doubles
    learning: bool


class Course(NamedTuple):
    """How a test stands: all that is kept of the rows it has seen.

    `bag` `[..., 1, groups]` counts rows by group, those of training among them; `learnt`
    `[..., memories, bins]` what the learning bets remember; `evidence` `[..., bets]` is in hours.
    """

    bag: Doubles
    learnt: Doubles
    evidence: Doubles


def two_sided(widths: Doubles) -> Bets:
    """Return bets on any change: some learn it, some lean to either side, middle or ends.

    Learning: the plug-in of Fedorova, Gammerman, Nouretdinov and Vovk, Plug-in Martingales
    for Testing Exchangeability On-line (ICML 2012). Leaning: the linear ones of
    Vovk et al., Retrain or Not Retrain (COPA 2021), and their quadratic kin.
    """
    low, high = _sides(widths)
    line = high + low - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        curve = np.where(widths > 0, (_cubic(high) - _cubic(low)) / widths, 0.0)
    shapes = [side * lean * s for s in (line, curve) for side in (1, -1) for lean in LEANINGS]
    return Bets(widths, np.log1p(np.stack(shapes, axis=-2)), learning=True)


def one_sided(widths: Doubles) -> Bets:
    """Return bets on higher ranks: more the higher, or of the highest tenth alone."""
    low, high = _sides(widths)
    shapes = [lean * (high + low - 1) for lean in HARSH]
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.clip((high - (1 - WORST)) / (high - low), 0, 1)
    top = np.where(widths > 0, top, 0.0)
    shapes += [raised * (top / WORST - 1) for raised in RAISED]
    return Bets(widths, np.log1p(np.stack(shapes, axis=-2)), learning=False)


def widths_of(totals: Doubles, ladder: Doubles = LADDER) -> Doubles:
    """Return how wide the bins of ranks are, by the rows of each group in training `[groups]`.

    Any bins would do. These end where groups did in training, and there are ever narrower ones
    at both ends: rows never seen before rank among the few like them, and so in ever wider ranges.
    """
    ends = np.cumsum(totals + 0.5) / (totals + 0.5).sum()
    found = [0.0]
    for edge in np.unique(np.concatenate([ends[:-1], ladder, 1 - ladder])).tolist():
        if edge - found[-1] >= NARROWEST and edge <= 1 - NARROWEST:
            found.append(edge)
    return np.diff([*found, 1.0])


def course_of(totals: Doubles, bets: Bets) -> Course:
    """Return the course of a test that has seen nothing but training `[..., groups]`."""
    lanes, memories = totals.shape[:-1], len(MEMORIES) if bets.learning else 0
    count = bets.factors.shape[-2] + memories
    learnt = np.zeros((*lanes, memories, bets.widths.shape[-1]))
    return Course(totals[..., None, :].astype(np.float64), learnt, np.zeros((*lanes, count)))


def advance(
    course: Course, bets: Bets, groups: Integers, uniform: Doubles, hours: float, threshold: Doubles
) -> tuple[Course, Booleans]:
    """Return the course after a block of rows `[..., n]`, and which tests `[...]` raise an alarm.

    `hours` have gone by since the last block. A test begins anew after its alarm, with
    the same bag: what was ranked once is not ranked again.
    """
    found, bag = ranks(groups, course.bag, uniform)
    edges = np.cumsum(bets.widths, axis=-1)[..., None, :-1]
    last = (bets.widths > 0).sum(axis=-1)[..., None] - 1
    bins = np.minimum((found[..., None] >= edges).sum(axis=-1), last)
    counts = counts_of(bins, bets.widths.shape[-1])[..., None, :]
    logs = (counts * bets.factors).sum(axis=-1)
    learnt = course.learnt
    if bets.learning:
        logs = np.concatenate([_learnt_factors(course, bets, counts), logs], axis=-1)
        learnt = learnt * (1 - 1 / MEMORIES[:, None]) ** groups.shape[-1] + counts
    evidence, alarms = gather(course.evidence, logs, hours, threshold, stakes_of(bets))
    return Course(bag, learnt, evidence), alarms


def gather(
    evidence: Doubles, logs: Doubles, hours: float, threshold: Doubles, stakes: Doubles
) -> tuple[Doubles, Booleans]:
    """Return the evidence of each bet `[..., bets]` after a block, and which tests alarm."""
    grown = (evidence + hours) * np.exp(np.minimum(logs, LARGEST))
    alarms = grown @ stakes >= threshold
    return np.where(alarms[..., None], 0.0, grown), alarms


def stakes_of(bets: Bets) -> Doubles:
    """Return what share is staked on each bet, those that learn first."""
    fixed = bets.factors.shape[-2]
    if not bets.learning:
        return np.full(fixed, 1 / fixed)
    memories = len(MEMORIES)
    return np.repeat([0.5 / memories, 0.5 / fixed], [memories, fixed])


def _learnt_factors(course: Course, bets: Bets, counts: Doubles) -> Doubles:
    """Return the logarithm of what each learning bet multiplies by `[..., memories]`."""
    even = bets.widths[..., None, :]
    expected = PRIOR * MEMORIES[:, None] * even + course.learnt
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(expected / expected.sum(axis=-1, keepdims=True) / even)
    found: Doubles = (counts * np.where(even > 0, ratio, 0.0)).sum(axis=-1)
    return found


def _sides(widths: Doubles) -> tuple[Doubles, Doubles]:
    high = np.cumsum(widths, axis=-1)
    return high - widths, high


def _cubic(x: Doubles) -> Doubles:
    """Return the integral of the second shifted Legendre polynomial, 6 x^2 - 6 x + 1."""
    return 2 * x**3 - 3 * x**2 + x
