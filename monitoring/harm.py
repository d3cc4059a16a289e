"""Harm: whether a model loses more than on its hold-out, by what it says and by what came true.

Without labels the loss is what calibrated probabilities lead one to expect; it sees a
change of the rows, never one of what rows mean. With labels it is measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from learning.profile import Answers
from monitoring.drift_bets import Booleans, Doubles, Integers, gather
from monitoring.drift_groups import groups_in_order, summed
from monitoring.drift_ranks import counts_of, ranks
from tables.sketch import Counts

# So many deviations either way a mean is within, nineteen times of twenty.
WIDTH = 1.96
# A calibration begins as if it had seen so many rows for which the probabilities were right.
TRUSTED_ROWS = 20.0
STEPS = 50
# No probability is held to be nearer to 0 or 1.
NEAREST = 1e-6
# How probabilities may have gone wrong, in bets: log-odds moved or flattened, labels swapped.
# Few of them, and near to five points of ROC AUC: each more takes of what the others stake.
SHIFTS, SLOPES, SWAPS = (-0.8, -0.4, 0.4, 0.8), (0.8, 0.6, 0.4), (0.03, 0.08)
# What is staked on log-odds that moved: the loss shows such a change too.
SHIFTED_STAKE = 0.2


class Calibrated(NamedTuple):
    """By cell of the score: the probability answered, what it comes to, and the loss to expect."""

    said: Doubles
    probability: Doubles
    loss: Doubles


class Estimate(NamedTuple):
    """A mean of so many rows, and how far it is from the hold-out's, with an interval of 95 %."""

    value: float
    holdout: float
    interval: tuple[float, float]
    rows: int

    @property
    def is_worse(self) -> bool:
        """Whether chance does not explain that it is greater than on the hold-out."""
        return self.interval[0] > 0


def calibrated(answers: Answers) -> Calibrated | None:
    """Return what the scores of classes come to; None for a quantity.

    Platt's scaling of the log-odds, Probabilistic Outputs for Support Vector Machines
    (1999), held to what was answered by a few rows more. The expected loss of a probability
    s that comes to c is -c log(s) - (1 - c) log(1 - s).
    """
    score = answers.score
    if not answers.happened or score.minimum is None or score.maximum is None:
        return None
    lowers = [score.minimum, score.minimum, score.minimum, *score.ends, score.maximum]
    uppers = [score.minimum, score.minimum, *score.ends, score.maximum, score.maximum]
    said = np.clip((np.array(lowers) + np.array(uppers)) / 2, NEAREST, 1 - NEAREST)
    totals = score.totals.astype(np.float64)
    probability = _sigmoid(_scaled(_logit(said), totals, np.array(answers.happened, np.float64)))
    loss = -probability * np.log(said) - (1 - probability) * np.log(1 - said)
    return Calibrated(said, probability, loss)


def expected_loss(counts: Counts, answers: Answers, known: Calibrated) -> Estimate:
    """Return the loss to expect of so many rows in each cell of the score, without labels.

    Confidence-based performance estimation, as NannyML's documentation describes it.
    """
    now, then = (_moments(n, known.loss) for n in (counts, answers.score.totals))
    return _estimate(*now, int(counts.sum()), *then, answers.rows)


def measured_loss(mean: float, deviation: float, rows: int, answers: Answers) -> Estimate:
    """Return the loss of labelled rows beside the hold-out's."""
    then = answers.mean_loss, answers.loss_deviation
    return _estimate(mean, deviation, rows, *then, answers.rows)


def expected_auc(counts: Counts, known: Calibrated) -> float | None:
    """Return the ROC AUC to expect of so many rows in each cell of the score; None of no rows."""
    order = np.argsort(known.said, kind="stable")
    positive = (counts * known.probability)[order]
    negative = (counts * (1 - known.probability))[order]
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / pairs) if pairs > 0 else None


class Labels:
    """The test of what came true: whether it is as on the hold-out, given the score, or worse.

    Rows are ranked among those of about the same score, false before true, so that what
    the scores are does not matter; all bets are on changes that raise the loss.
    """

    def __init__(self, answers: Answers) -> None:
        known = calibrated(answers)
        assert known is not None, "of a quantity nothing happens or does not"
        self.groups = groups_in_order(answers.score)
        came = summed(np.array(answers.happened, dtype=np.float64), self.groups)
        rows = summed(answers.score.totals, self.groups)
        said = summed(answers.score.totals * known.said, self.groups) / np.maximum(rows, 1)
        odds = _logit(np.clip(said, NEAREST, 1 - NEAREST))
        self.bag = np.stack([rows - came, came], axis=-1)
        self._rate = (came + 0.5) / (rows + 1)
        shifted, others = (
            [rate for rate in some if ((self._rate - rate) * rows) @ odds >= 0]
            for some in _alternatives(self._rate)
        )
        self.stakes = _stakes(len(shifted), len(others))
        other = np.stack(shifted + others)
        factors = np.stack([(1 - other) / (1 - self._rate), other / self._rate], axis=-1)
        self._factors = np.log(factors.reshape(len(other), -1))

    def start(self) -> tuple[Doubles, Doubles]:
        """Return the bag `[groups, 2]` and the evidence `[bets]` before any label."""
        return self.bag, np.zeros(len(self._factors))

    def advance(
        self,
        bag: Doubles,
        evidence: Doubles,
        cells: Integers,
        came: Booleans,
        uniform: Doubles,
        hours: float,
        threshold: float,
    ) -> tuple[Doubles, Doubles, Booleans]:
        """Return bag and evidence after a block of rows `[..., n]`, and whether there is an alarm.

        `cells` are the score's, `came` is whether it came true.
        """
        strata = self.groups[cells]
        found, bag = ranks(came.astype(np.intp), bag, uniform, strata)
        places = strata * 2 + (found >= 1 - self._rate[strata])
        logs = counts_of(places, 2 * len(self._rate)) @ self._factors.T
        evidence, alarm = gather(evidence, logs, hours, np.asarray(threshold), self.stakes)
        return bag, evidence, alarm


def _stakes(shifted: int, others: int) -> Doubles:
    """Return what share is staked on each bet, those on log-odds that moved first."""
    stakes = np.repeat(
        [SHIFTED_STAKE / max(shifted, 1), (1 - SHIFTED_STAKE) / max(others, 1)], [shifted, others]
    )
    found: Doubles = stakes / stakes.sum()
    return found


def _alternatives(rate: Doubles) -> tuple[list[Doubles], list[Doubles]]:
    """Return what the rates of groups may have become: moved, and nearer to each other."""
    odds = _logit(rate)
    middle = float(_logit(np.array(rate.mean())))
    shifted = [_sigmoid(odds + shift) for shift in SHIFTS]
    flattened = [_sigmoid(middle + slope * (odds - middle)) for slope in SLOPES]
    swapped = [rate + swap * (1 - 2 * rate) for swap in SWAPS]
    return shifted, flattened + swapped


def _scaled(odds: Doubles, rows: Doubles, came: Doubles) -> Doubles:
    """Return the log-odds that fit what came true best, a line over those answered."""
    prior = TRUSTED_ROWS / max(float(rows.sum()), 1.0) * rows
    weights, hits = rows + prior, came + prior * _sigmoid(odds)
    design = np.stack([np.ones_like(odds), odds], axis=-1)
    line = np.array([0.0, 1.0])
    for _ in range(STEPS):
        fitted = _sigmoid(design @ line)
        slope = design.T @ (hits - weights * fitted)
        curvature = (design * (weights * fitted * (1 - fitted))[:, None]).T @ design
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        longest = float(np.abs(step).max())
        line = line + step / max(1.0, longest)  # longer ones may lead away
        if longest < 1e-9:
            break
    found: Doubles = design @ line
    return found


def _moments(counts: NDArray[np.number], values: Doubles) -> tuple[float, float]:
    """Return mean and standard deviation of the values of so many rows in each cell."""
    rows = max(float(counts.sum()), 1.0)
    mean = float(counts @ values / rows)
    return mean, float(np.sqrt(counts @ (values - mean) ** 2 / rows))


def _estimate(
    now: float, deviation: float, rows: int, then: float, deviation_then: float, rows_then: int
) -> Estimate:
    error = np.sqrt(deviation**2 / max(rows, 1) + deviation_then**2 / max(rows_then, 1))
    difference = now - then
    interval = (float(difference - WIDTH * error), float(difference + WIDTH * error))
    return Estimate(now, then, interval, rows)


def _logit(p: Doubles) -> Doubles:
    found: Doubles = np.log(p / (1 - p))
    return found


def _sigmoid(x: Doubles) -> Doubles:
    found: Doubles = 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    return found
