"""Drift simulated: false alarms of weeks without a change, and how soon a change is found.

    python -m benchmarks.drift [--weeks 10000] [--runs 40] [--write]

A model is learnt from half of each table. Rows of the other half, drawn again and again,
are its training profile, its hold-out and its traffic, so that nothing has changed; then
something does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.machine import processor
from benchmarks.report import Reach, reaches, table, write_section
from learning.compile.compilation import compile
from learning.prediction import Runtime
from learning.profile import profile_of, served, watched
from learning.progress import SilentProgress
from learning.tasks import task_of
from learning.training import fit
from monitoring.drift_bets import Course, advance
from monitoring.drift_watch import EXPECTED, LABELS, LOSS, Watch
from recipes import find_recipe
from tables.batch import Batch
from tables.dataset import Dataset, read_dataset
from tables.schema import Feature, Schema, Target
from tables.split import split

NAME = "drift"
WEEK = 168
WEEKS_A_YEAR = 52.18
# Weeks in a row of one run, and runs side by side.
ROW_OF_WEEKS, SIDE_BY_SIDE = 4, 125
# Rows an hour without a change, each labelled; and with one, which begins after two days.
QUIET_ROWS, ROWS, BEFORE = 10, 10, 48
LABELLED, UNLABELLED = 1000, 5000
# Runs with a change are of so many hold-outs: with few rows, one may be a lucky one.
HOLDOUTS = 5
LOST_AUC = 0.05
MILLION, PART = 1_000_000, 50_000
QUESTIONS = ("inputs", "score", EXPECTED, LABELS, LOSS)

Random = np.random.Generator
Alarms = dict[str, NDArray[np.intp]]


class Case(NamedTuple):
    """A table's half that a model has not learnt, and what it answers on it."""

    title: str
    pool: Dataset
    runtime: Runtime


class Traffic(NamedTuple):
    """Rows to draw from: groups of lanes `[lanes, n]`, cells of score and loss, outcomes."""

    lanes: NDArray[np.intp]
    score: NDArray[np.intp]
    loss: NDArray[np.intp]
    came: NDArray[np.bool_]


def main() -> None:
    """Simulate, print, and write the section if that is asked for."""
    options = parsed()
    if options.million:
        print(json.dumps(look_at_a_million()))
        return
    began = process_time()
    cases = [case() for case in CASES]
    random = np.random.default_rng(0)
    quiet = [false_alarms(case, options.weeks // len(cases), random) for case in cases]
    found = [
        find(case, kind, options.runs, random) for case in cases[:OF_TWO_CLASSES] for kind in KINDS
    ]
    seconds, megabytes = million()
    section = written(cases, quiet, found, options.weeks, seconds, megabytes)
    spent = process_time() - began
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    where = f"on a core of {os.cpu_count()} of {processor()}, Python {platform.python_version()}"
    command = f"`python -m benchmarks.drift --weeks {options.weeks} --runs {options.runs}`"
    section += f"\n{command}, {when}, {where}; {spent:,.0f} s of CPU.\n"
    print(section)
    if options.write:
        write_section(NAME, section)


# ---------------------------------------------------------------- tables


def credit() -> Case:
    """Return the credit table of this repository, learnt by logistic regression."""
    recipe = find_recipe("credit")
    read = read_dataset(recipe.table(), recipe.target, recipe.aliases)
    return learnt("credit (13 columns)", read, "logistic")


def two_classes() -> Case:
    """Return rows of numbers with tails and gaps, and words of which some are rare."""
    random = np.random.default_rng(1)
    matrix = mixed(random, 16_000)
    odds = 1.1 * np.nan_to_num(matrix[:, 0]) + 0.6 * matrix[:, 1] - 0.8 * (matrix[:, 6] > 20)
    values = (random.random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(np.intp)
    target = Target("came", (False, True))
    return learnt("generated, two classes", made(matrix, values, target), "logistic")


def told_apart() -> Case:
    """Return the same rows with two classes that are told apart well."""
    random = np.random.default_rng(4)
    matrix = mixed(random, 16_000)
    odds = 3.2 * np.nan_to_num(matrix[:, 0]) + 2.2 * matrix[:, 1] - 2 * (matrix[:, 6] > 20)
    values = (random.random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(np.intp)
    target = Target("came", (False, True))
    return learnt("generated, told apart well", made(matrix, values, target), "logistic")


def three_classes() -> Case:
    """Return the same rows with three classes, learnt by a forest of few trees."""
    random = np.random.default_rng(2)
    matrix = mixed(random, 8_000)
    noisy = np.nan_to_num(matrix[:, 0]) + random.normal(0, 1, len(matrix))
    values = np.searchsorted([-0.7, 0.7], noisy).astype(np.intp)
    target = Target("kind", ("a", "b", "c"))
    return learnt("generated, three classes", made(matrix, values, target), "forest")


def quantity() -> Case:
    """Return the same rows with a quantity whose errors have long tails."""
    random = np.random.default_rng(3)
    matrix = mixed(random, 8_000)
    values = 3 * np.nan_to_num(matrix[:, 0]) + matrix[:, 1] + random.standard_t(4, len(matrix))
    target = Target("price", task="regression")
    return learnt("generated, a quantity", made(matrix, values, target), "forest")


def mixed(random: Random, rows: int) -> NDArray[np.float64]:
    """Return six numbers and three categories, the last one of very many."""
    numbers = random.normal(size=(rows, 6))
    numbers[:, 2] = np.exp(2 * numbers[:, 2])
    numbers[:, 3] = np.round(3 * np.abs(numbers[:, 3]))
    numbers[random.random(rows) < 0.03, 0] = np.nan
    shares = 1 / np.arange(1, 201) ** 1.3
    many = random.choice(200, rows, p=shares / shares.sum())
    few = random.choice(4, (rows, 2), p=[0.6, 0.3, 0.09, 0.01])
    return np.column_stack([numbers, many, few])


def made(matrix: NDArray[np.float64], values: NDArray[Any], target: Target) -> Dataset:
    """Return a dataset of generated rows."""
    words = [tuple(f"w{i:03}" for i in range(n)) for n in (200, 4, 4)]
    numbers = [Feature(f"n{i}", "number", nullable=i == 0) for i in range(6)]
    categories = [Feature(f"c{i}", "category", categories=w) for i, w in enumerate(words)]
    schema = Schema((*numbers, *categories), target)
    return Dataset(schema, Batch(matrix.astype(np.float32)), values)


def learnt(title: str, dataset: Dataset, family: str) -> Case:
    """Return a case: a model of half of the rows, and the other half."""
    from learning.estimators import ready_made

    recipe = ready_made("simulated", "", dataset.schema.target.name, family)
    strata = task_of(dataset.schema.target).strata(dataset.target)
    train, pool = split(dataset, 0, fraction=0.5, strata=strata)
    few = {} if family == "logistic" else {"n_estimators": 20}
    made_of = recipe.make(dataset.schema, 0, recipe.resolved(few))
    fitted = fit(made_of, train, SilentProgress())
    return Case(title, pool, compile(fitted, dataset.schema, [train.batch, pool.batch], 0).runtime)


CASES = (credit, two_classes, told_apart, three_classes, quantity)
# So many of them have two classes, and a ROC AUC to lose.
OF_TWO_CLASSES = 3


# ---------------------------------------------------------------- runs side by side


class Runs:
    """Many watches of one model, each over its own traffic."""

    def __init__(self, watch: Watch, runs: int) -> None:
        self._watch = watch
        self._lanes = repeated(watch.lanes.start(), runs)
        self._tests = {name: repeated(test.start(), runs) for name, test in watch.tests.items()}
        start = watch.labels.start() if watch.labels else ()
        self._labels = [np.repeat(array[None], runs, axis=0) for array in start]

    def look(self, traffic: Traffic, drawn: NDArray[np.intp], random: Random) -> Alarms:
        """Return how many tests of each question alarm in each run, after rows `[runs, n]`."""
        watch, lanes = self._watch, self._watch.lanes
        groups = np.moveaxis(traffic.lanes[:, drawn], 0, 1)
        uniform = random.random(groups.shape)
        self._lanes, raised = advance(
            self._lanes, lanes.bets, groups, uniform, 1.0, lanes.thresholds
        )
        inputs = len(watch.inputs)
        found = {"inputs": raised[:, :inputs].sum(-1), "score": raised[:, inputs:].sum(-1)}
        for name, test in watch.tests.items():
            cells = (traffic.score if name == EXPECTED else traffic.loss)[drawn]
            chance = random.random(cells.shape)
            self._tests[name], alarms = advance(
                self._tests[name], test.bets, test.groups[cells], chance, 1.0, test.threshold
            )
            found[name] = alarms.astype(np.intp)
        if watch.labels is not None:
            found[LABELS] = self._look_at_labels(traffic, drawn, random)
        return found

    def _look_at_labels(
        self, traffic: Traffic, drawn: NDArray[np.intp], random: Random
    ) -> NDArray[np.intp]:
        assert self._watch.labels is not None
        bag, evidence = self._labels
        bag, evidence, alarms = self._watch.labels.advance(
            bag,
            evidence,
            traffic.score[drawn],
            traffic.came[drawn],
            random.random(drawn.shape),
            1.0,
            self._watch.labels_threshold,
        )
        self._labels = [bag, evidence]
        return alarms.astype(np.intp)


def repeated(course: Course, runs: int) -> Course:
    """Return a course for each run."""
    return Course(*(np.repeat(array[None], runs, axis=0) for array in course))


def watch_of(case: Case, random: Random) -> Watch:
    """Return the watch of a model whose training and hold-out are drawn from the pool."""
    rows = case.pool.rows
    train = case.pool.take(random.integers(0, rows, rows))
    holdout = case.pool.take(random.integers(0, rows, rows // 3))
    profile = profile_of(train, holdout, case.runtime.outputs(holdout.batch))
    return Watch(profile, case.pool.schema.target)


def traffic_of(watch: Watch, runtime: Runtime, rows: Dataset) -> Traffic:
    """Return rows with what the model answers, by group and cell."""
    answered = served(runtime.outputs(rows.batch), rows.schema.target)
    seen = watch.rows(dict(watched(rows.schema, rows.batch)), answered)
    known = watch.labelled(answered, rows.target)
    lanes = np.stack([lane.groups[seen.cells[lane.name]] for lane in watch.lanes.lanes])
    return Traffic(lanes, known.score, watch.profile.answers.loss.cells(known.losses), known.came)


def false_alarms(case: Case, weeks: int, random: Random) -> dict[str, int]:
    """Return the alarms of so many weeks in which nothing changes, by question."""
    total = dict.fromkeys(QUESTIONS, 0)
    for _ in range(max(1, weeks // (ROW_OF_WEEKS * SIDE_BY_SIDE))):
        watch = watch_of(case, random)
        traffic = traffic_of(watch, case.runtime, case.pool)
        runs = Runs(watch, SIDE_BY_SIDE)
        for _ in range(WEEK * ROW_OF_WEEKS):
            drawn = random.integers(0, case.pool.rows, (SIDE_BY_SIDE, QUIET_ROWS))
            for name, alarms in runs.look(traffic, drawn, random).items():
                total[name] += int(alarms.sum())
    print(case.title, total, file=sys.stderr, flush=True)
    return total


# ---------------------------------------------------------------- changes


def goes_missing(rows: Dataset, share: float, random: Random) -> Dataset:
    """Return rows of which a share has lost its strongest columns."""
    return changed(rows, share, random, lambda part: np.full_like(part, np.nan))


def is_mixed_up(rows: Dataset, share: float, random: Random) -> Dataset:
    """Return rows of which a share has the strongest columns of another."""
    return changed(rows, share, random, lambda part: random.permutation(part))


def changed(
    rows: Dataset,
    share: float,
    random: Random,
    change: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> Dataset:
    """Return rows of which a share has its strongest columns changed."""
    matrix, hit = rows.batch.matrix.copy(), random.random(rows.rows) < share
    for column in STRONGEST[rows.schema.target.name]:
        matrix[hit, column] = change(matrix[hit, column])
    return replace(rows, batch=Batch(matrix, rows.batch.texts))


def labels_swapped(rows: Dataset, share: float, random: Random) -> Dataset:
    """Return rows of which a share comes out the other way."""
    return replace(
        rows, target=np.where(random.random(rows.rows) < share, 1 - rows.target, rows.target)
    )


def labels_by_chance(rows: Dataset, share: float, random: Random) -> Dataset:
    """Return rows of which a share comes out as any other row might."""
    hit = random.random(rows.rows) < share
    return replace(rows, target=np.where(hit, random.permutation(rows.target), rows.target))


# By target, the columns of the matrix that a model leans on.
STRONGEST = {"approved": (0, 5, 8), "came": (0,)}
KINDS: dict[str, Callable[[Dataset, float, Random], Dataset]] = {
    "a column goes missing": goes_missing,
    "a column is another row's": is_mixed_up,
    "outcomes are swapped": labels_swapped,
    "outcomes by chance": labels_by_chance,
}


def auc_of(runtime: Runtime, rows: Dataset) -> float:
    """Return the ROC AUC on rows of two classes."""
    return float(roc_auc_score(rows.target, runtime.outputs(rows.batch)[:, 1]))


def dosed(case: Case, kind: str, random: Random) -> tuple[Dataset, float]:
    """Return the pool with as much of a change as costs LOST_AUC, and what it does cost."""
    change, usual = KINDS[kind], auc_of(case.runtime, case.pool)
    low, high = 0.0, 1.0
    for _ in range(12):
        share = (low + high) / 2
        seed = np.random.default_rng(5)
        lost = usual - auc_of(case.runtime, change(case.pool, share, seed))
        low, high = (low, share) if lost > LOST_AUC else (share, high)
    rows = change(case.pool, high, np.random.default_rng(5))
    return rows, usual - auc_of(case.runtime, rows)


def standard_error(case: Case, holdout: int) -> float:
    """Return the error of the difference of ROC AUCs of a hold-out and of LABELLED rows.

    Hanley and McNeil, The Meaning and Use of the Area under a ROC Curve (1982).
    """
    auc, share = auc_of(case.runtime, case.pool), float(case.pool.target.mean())
    pairs = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    variance = 0.0
    for rows in (holdout, LABELLED):
        positive, negative = share * rows, (1 - share) * rows
        spread = auc * (1 - auc) + (positive - 1) * pairs[0] + (negative - 1) * pairs[1]
        variance += spread / (positive * negative)
    return float(np.sqrt(variance))


class Found(NamedTuple):
    """By question, after how many rows each run has found a change; none found: infinity.

    `auc` is what there was, `errors` what was lost of it, in standard errors of LABELLED rows.
    """

    title: str
    kind: str
    auc: float
    lost: float
    errors: float
    rows: dict[str, NDArray[np.float64]]


def find(case: Case, kind: str, runs: int, random: Random) -> Found:
    """Return how soon so many runs find a change, with some hold-outs and their trainings."""
    rows, lost = dosed(case, kind, random)
    watches = [watch_of(case, random) for _ in range(HOLDOUTS)]
    each = [first_alarms(case, rows, watch, runs // HOLDOUTS, random) for watch in watches]
    first = {name: np.concatenate([one[name] for one in each]) for name in QUESTIONS}
    errors = lost / standard_error(case, watches[0].profile.answers.rows)
    print(case.title, kind, f"{lost:.3f}", file=sys.stderr, flush=True)
    return Found(case.title, kind, auc_of(case.runtime, case.pool), lost, errors, first)


def first_alarms(
    case: Case, rows: Dataset, watch: Watch, runs: int, random: Random
) -> dict[str, NDArray[np.float64]]:
    """Return by question after how many changed rows the runs of one watch alarm."""
    before, after = (traffic_of(watch, case.runtime, r) for r in (case.pool, rows))
    side = Runs(watch, runs)
    first = {name: np.full(runs, np.inf) for name in QUESTIONS}
    for hour in range(BEFORE + UNLABELLED // ROWS):
        traffic = before if hour < BEFORE else after
        drawn = random.integers(0, case.pool.rows, (runs, ROWS))
        for name, alarms in side.look(traffic, drawn, random).items():
            if hour >= BEFORE:
                new = (alarms > 0) & np.isinf(first[name])
                first[name][new] = (hour - BEFORE + 1) * ROWS
    return first


# ---------------------------------------------------------------- a million rows


def million() -> tuple[float, float]:
    """Return seconds of CPU and megabytes that a million rows take, in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.drift", "--million"]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    found = json.loads(printed)
    return found["seconds"], found["megabytes"]


def look_at_a_million() -> dict[str, float]:
    """Look at a million rows of thirteen columns, a file of the log at a time, all labelled."""
    case, random = credit(), np.random.default_rng(0)
    watch, schema = watch_of(case, random), case.pool.schema
    courses, began, spent = watch.start(), perf_counter(), 0.0
    for _ in range(MILLION // PART):
        drawn = case.pool.take(random.integers(0, case.pool.rows, PART))
        answered = served(case.runtime.outputs(drawn.batch), schema.target)
        start = process_time()
        rows = watch.rows(dict(watched(schema, drawn.batch)), answered)
        labelled = watch.labelled(answered, drawn.target)
        courses, _ = watch.look(courses, rows, labelled, 1.0, 0)
        spent += process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"seconds": spent, "megabytes": memory, "wall": perf_counter() - began}


# ---------------------------------------------------------------- what is written


def written(
    cases: list[Case],
    quiet: list[dict[str, int]],
    found: list[Found],
    weeks: int,
    seconds: float,
    megabytes: float,
) -> str:
    """Return the section."""
    heads = ("nothing changes", "weeks", *QUESTIONS, "all", "a model-year")
    each = weeks // len(cases)
    lines = [quiet_line(case.title, each, one) for case, one in zip(cases, quiet, strict=True)]
    total = {name: sum(one[name] for one in quiet) for name in QUESTIONS}
    lines.append(quiet_line("together", weeks, total))
    rate = sum(total.values()) / (weeks / WEEKS_A_YEAR)
    goals = [
        Reach("false alarms a model-year", 1.0, rate),
        Reach("CPU seconds of a million rows", 20.0, seconds),
        Reach("megabytes of a million rows", 500.0, megabytes),
    ]
    changes = table(
        (
            "a change",
            "AUC",
            "lost",
            "in errors",
            *QUESTIONS,
            f"in {UNLABELLED:,} rows",
            f"in {LABELLED:,} labels",
        ),
        [found_line(one) for one in found],
    )
    return f"{INTRODUCTION}\n{table(heads, lines)}\n{CHANGES}\n{changes}\n{reaches(goals)}"


def quiet_line(title: str, weeks: int, alarms: dict[str, int]) -> list[str]:
    """Return the row of a table without a change."""
    total = sum(alarms.values())
    counts = [str(alarms[name]) for name in QUESTIONS]
    return [title, f"{weeks:,}", *counts, str(total), f"{total / (weeks / WEEKS_A_YEAR):.2f}"]


def found_line(found: Found) -> list[str]:
    """Return the row of a change: median rows of each question, and the share that is in time."""
    medians = [_median(found.rows[name]) for name in QUESTIONS]
    soon = np.min([found.rows[name] for name in ("inputs", "score", EXPECTED)], axis=0)
    labelled = np.min([found.rows[name] for name in (LABELS, LOSS)], axis=0)
    shares = (soon <= UNLABELLED).mean(), (labelled <= LABELLED).mean()
    title = f"{found.title.partition(' (')[0]}: {found.kind}"
    lost = f"{found.auc:.3f}", f"{found.lost:.3f}", f"{found.errors:.1f}"
    return [title, *lost, *medians, *(f"{share:.0%}" for share in shares)]


def _median(rows: NDArray[np.float64]) -> str:
    middle = float(np.median(rows))
    return "-" if np.isinf(middle) else f"{middle:,.0f}"


INTRODUCTION = f"""\
## Drift: false alarms, and how soon a change is found

Hourly looks of the tests that the worker runs. Training, hold-out and traffic are drawn from one
half of each table, from the other half of which the model was learnt; training and hold-out are
drawn anew for every {SIDE_BY_SIDE} runs of {ROW_OF_WEEKS} weeks. {QUIET_ROWS} rows an hour, all
labelled. Alarms:
"""

CHANGES = f"""\
A change that costs about five points of ROC AUC, after two days without one; {ROWS} rows an hour.
Median rows until each question's alarm (`-`: most runs have none within {UNLABELLED:,}); the last
two columns are the share of runs in which one of the first three alarms within {UNLABELLED:,}
rows without labels, and one of the last two within {LABELLED:,} labels.

`in errors` is the AUC lost, in standard errors of the difference between the hold-out's and that of
{LABELLED:,} labels. One false alarm in 35,000 hours is about four of them: where there are fewer,
so few labels say too little. What is seen of a row shows without labels; what it means does not,
and a column that is another row's is, taken by itself, as it was.
"""


def parsed() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.drift", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--weeks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--million", action="store_true", help="only a million rows, as JSON")
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
