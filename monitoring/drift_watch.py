"""The watch over one version of a model: three questions, asked of new rows at each look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from learning.profile import Profile, happened, losses_of, score_of
from monitoring.drift import Lane, Lanes
from monitoring.drift_bets import (
    BLOCK,
    HOURS_A_YEAR,
    Booleans,
    Course,
    Doubles,
    Integers,
    advance,
    course_of,
    one_sided,
    stakes_of,
    widths_of,
)
from monitoring.drift_groups import groups_in_order, groups_of, summed
from monitoring.harm import Labels, calibrated
from monitoring.subject import INPUT
from tables.schema import Target

# Alarms of a model whose rows and labels do not change, in a year: at most so many on average.
ALARMS_A_YEAR = 1.0
# What each question has of that. What came true has the most: labels are few, and what they alone
# can say costs them the most evidence. Without classes there are two questions less.
INPUTS_SHARE, SCORE_SHARE, EXPECTED_SHARE, LOSS_SHARE, LABELS_SHARE = 0.2, 0.15, 0.15, 0.1, 0.4
# The rows of a look come in no more blocks than these, so that it ends soon.
MOST_BLOCKS = 256

SCORE, PREDICTED, EXPECTED, LOSS, LABELS = "score", "predicted", "expected", "loss", "labels"
LANES = "lanes"

# By test: the arrays of its course, as lists.
Courses = dict[str, list[Any]]


class Rows(NamedTuple):
    """Answered rows, by the cell that each `[n]` is in: of features, `score` and `predicted`."""

    cells: dict[str, Integers]
    amount: int


class Labelled(NamedTuple):
    """Answered rows whose truth is known `[n]`: cells of the score, losses, what came true."""

    score: Integers
    losses: Doubles
    came: Booleans


def threshold(share: float) -> float:
    """Return the evidence, in hours, at which a test with a share of the alarms raises one."""
    return HOURS_A_YEAR / (ALARMS_A_YEAR * share)


class Watch:
    """The tests of one version, by its training profile."""

    def __init__(self, profile: Profile, target: Target) -> None:
        self.profile, self.target = profile, target
        answers = profile.answers
        self.inputs = [Lane(INPUT + n, s, groups_of(s)) for n, s in profile.features.items()]
        self.scores = [Lane(SCORE, answers.score, groups_in_order(answers.score))]
        if answers.predicted is not None:
            self.scores.append(Lane(PREDICTED, answers.predicted, groups_of(answers.predicted)))
        self.known = calibrated(answers)
        self.labels = None if self.known is None else Labels(answers)
        thresholds = [
            threshold(share / len(lanes))
            for lanes, share in ((self.inputs, INPUTS_SHARE), (self.scores, SCORE_SHARE))
            for _ in lanes
        ]
        self.lanes = Lanes(self.inputs + self.scores, np.array(thresholds))
        # What came true is tested twice where it can be told from how much is lost.
        measured = LOSS_SHARE + (LABELS_SHARE if self.labels is None else 0.0)
        ordered = np.arange(len(answers.loss.totals), dtype=np.float64)
        self.tests = {LOSS: Worse(answers.loss, ordered, threshold(measured))}
        if self.known is not None:
            self.tests[EXPECTED] = Worse(answers.score, self.known.loss, threshold(EXPECTED_SHARE))
        self.labels_threshold = threshold(LABELS_SHARE)

    def rows(
        self, values: Mapping[str, NDArray[np.float32]], answered: NDArray[np.float32]
    ) -> Rows:
        """Return rows with what was answered `[n, width]` by cell.

        `values` `[n]` are those of features as `learning.profile.watched` gives them;
        a feature that has none is not looked at.
        """
        profile = self.profile
        cells = {
            INPUT + name: sketch.cells(values[name])
            for name, sketch in profile.features.items()
            if name in values
        }
        cells[SCORE] = profile.answers.score.cells(score_of(answered))
        if profile.answers.predicted is not None:
            cells[PREDICTED] = profile.answers.predicted.cells(answered.argmax(axis=1))
        return Rows(cells, len(answered))

    def labelled(self, answered: NDArray[np.float32], values: NDArray[Any]) -> Labelled:
        """Return rows whose truth is known: what was answered `[n, width]`, the values `[n]`."""
        cells = self.profile.answers.score.cells(score_of(answered))
        return Labelled(cells, losses_of(answered, values, self.target), happened(answered, values))

    def evidence(self, courses: Courses) -> dict[str, float]:
        """Return the evidence of each test, as a share of what raises an alarm."""
        stakes = stakes_of(self.lanes.bets)
        shares = np.array(courses[LANES][-1]) @ stakes / self.lanes.thresholds
        names = [lane.name for lane in self.lanes.lanes]
        found = dict(zip(names, shares.tolist(), strict=True))
        for name, test in self.tests.items():
            mean = float(np.array(courses[name][-1]) @ stakes_of(test.bets))
            found[name] = mean / float(test.threshold)
        if self.labels is not None:
            mean = float(np.array(courses[LABELS][-1]) @ self.labels.stakes)
            found[LABELS] = mean / self.labels_threshold
        return found

    def start(self) -> Courses:
        """Return the courses of tests that have seen nothing."""
        courses = {name: _listed(test.start()) for name, test in self.tests.items()}
        courses[LANES] = _listed(self.lanes.start())
        if self.labels is not None:
            courses[LABELS] = _listed(self.labels.start())
        return courses

    def look(
        self, courses: Courses, rows: Rows, labelled: Labelled, hours: float, seed: int
    ) -> tuple[Courses, list[str]]:
        """Return the courses after new rows and labels, and the tests that raised an alarm.

        `hours` have gone by since the last look. `seed` breaks ties; the same gives the same.
        """
        random = np.random.default_rng(seed)
        after, alarms = dict(courses), []
        after[LANES], found = self._look_at_rows(courses[LANES], rows, hours, random)
        alarms += found
        if EXPECTED in courses:
            alarms += self._advance(after, EXPECTED, rows.cells[SCORE], hours, random)
        loss = self.profile.answers.loss.cells(labelled.losses)
        alarms += self._advance(after, LOSS, loss, hours, random)
        if self.labels is not None:
            alarms += self._look_at_labels(after, labelled, hours, random)
        return after, alarms

    def _look_at_rows(
        self, course: list[Any], rows: Rows, hours: float, random: np.random.Generator
    ) -> tuple[list[Any], list[str]]:
        now, alarms = Course(*_arrays(course)), []
        for part, share in _blocks(rows.amount):
            uniform = random.random((len(self.lanes.lanes), part.stop - part.start))
            cells = {name: found[part] for name, found in rows.cells.items()}
            now, found = self.lanes.advance(now, cells, uniform, hours * share)
            alarms += found
        return _listed(now), list(dict.fromkeys(alarms))

    def _advance(
        self,
        courses: Courses,
        name: str,
        cells: Integers,
        hours: float,
        random: np.random.Generator,
    ) -> list[str]:
        now, alarm, test = Course(*_arrays(courses[name])), False, self.tests[name]
        for part, share in _blocks(len(cells)):
            now, raised = test.advance(now, cells[part], random, hours * share)
            alarm = alarm or raised
        courses[name] = _listed(now)
        return [name] if alarm else []

    def _look_at_labels(
        self, courses: Courses, labelled: Labelled, hours: float, random: np.random.Generator
    ) -> list[str]:
        assert self.labels is not None
        bag, evidence = _arrays(courses[LABELS])
        if evidence.shape != self.labels.stakes.shape:  # an earlier release kept other bets
            _, evidence = self.labels.start()
        alarm = False
        for part, share in _blocks(len(labelled.came)):
            cells, came = labelled.score[part], labelled.came[part]
            bag, evidence, raised = self.labels.advance(
                bag,
                evidence,
                cells,
                came,
                random.random(len(cells)),
                hours * share,
                self.labels_threshold,
            )
            alarm = alarm or bool(raised)
        courses[LABELS] = _listed((bag, evidence))
        return [LABELS] if alarm else []


class Worse:
    """The test of whether rows are in the upper cells of an order more often than in training."""

    def __init__(self, sketch: Any, order: Doubles, threshold: float) -> None:
        self.groups = groups_in_order(sketch, order)
        self.totals = summed(sketch.totals, self.groups)
        self.bets = one_sided(widths_of(self.totals, ladder=np.array([])))
        self.threshold = np.asarray(threshold)

    def start(self) -> Course:
        return course_of(self.totals, self.bets)

    def advance(
        self, course: Course, cells: Integers, random: np.random.Generator, hours: float
    ) -> tuple[Course, bool]:
        groups, uniform = self.groups[cells], random.random(len(cells))
        after, alarm = advance(course, self.bets, groups, uniform, hours, self.threshold)
        return after, bool(alarm)


def _blocks(rows: int) -> Iterator[tuple[slice, float]]:
    """Give the blocks of so many rows, each with its share of the time; none of no rows."""
    size = max(BLOCK, -(-rows // MOST_BLOCKS))
    starts = range(0, rows, size)
    for start in starts:
        yield slice(start, min(rows, start + size)), 1 / len(starts)


def _arrays(lists: list[Any]) -> list[Doubles]:
    return [np.array(one, dtype=np.float64) for one in lists]


def _listed(arrays: Any) -> list[Any]:
    return [array.tolist() for array in arrays]
