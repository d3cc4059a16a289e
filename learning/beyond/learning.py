"""Learning from parts: survey them, infer the schema, part the rows into sides, and learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from errors import DatasetError, RecipeError
from learning.beyond.engine import Engine, Gathered
from learning.beyond.plan import MOST_ROWS, plan_of
from learning.beyond.sides import Encoded, Reading, encoded_rows, joined
from learning.families import family_of
from learning.progress import Progress
from learning.runtimes.sklearn import estimator_input
from tables.dataset import Dataset
from tables.readers.partitions import Partition
from tables.schema import Schema
from tables.survey import Survey
from tables.surveyed_schema import Surveyed, Wanted, surveyed_schema

ONLY_AUTO = (
    "a table in parts is learnt by auto alone; the other estimators learn in memory: "
    "sample the table for them"
)
# A sample with fewer different rows than this is split by chance, and not by what stands in it.
FEWEST_DIFFERENT = 1_000


class Learnt(NamedTuple):
    """What was learnt from parts.

    `train` are the rows in memory: a sample of the `rows` that were learnt from, and those that
    judged how long; `holdout` those held out. `digest` is that of all rows learnt from.
    """

    estimator: Any
    train: Dataset
    holdout: Dataset
    rows: int
    digest: str


def learn(
    partitions: Sequence[Partition],
    wanted: Wanted,
    make: Callable[[Schema], Any],
    engine: Engine,
    seed: int,
    progress: Progress,
) -> Learnt:
    """Learn from the parts of a table; `make` makes the estimator for a schema.

    Rows of one value in the first of `wanted.left_out` stay together, equal rows without it.
    Raises DatasetError, naming the part, and RecipeError for another estimator than `auto`.
    """
    progress.stage("read")
    found = engine.survey(partitions, MOST_ROWS, wanted.missing, progress)
    if found is None:
        raise DatasetError("the table is empty")
    surveyed = surveyed_schema(found, wanted, {one.number: one.name for one in partitions})
    reading = reading_of(found, surveyed, wanted, engine.memory, seed)
    notes = (*surveyed.notes, *said_of(found, len(partitions), reading))
    for note in notes:
        progress.note(note)
    estimator = make(surveyed.schema)
    if family_of(estimator).name != "additive":
        raise RecipeError(ONLY_AUTO)
    gathered = engine.gather(partitions, reading, found.rows, progress)
    train, holdout = datasets_of(gathered, surveyed.schema, notes)
    sampled = len(gathered.sampled.values)
    folds = [(np.arange(sampled), np.arange(sampled, train.rows))]
    rows = gathered.grower.rows
    estimator.learn(estimator_input(train.batch), train.target, progress, folds, gathered.grower)
    return Learnt(estimator, train, holdout, rows, f"{gathered.digest:016x}")


def reading_of(
    survey: Survey, surveyed: Surveyed, wanted: Wanted, memory: int, seed: int
) -> Reading:
    """Return how the parts are read; where too few rows differ, chance says where a row goes."""
    plan = plan_of(survey.rows, len(surveyed.schema.numeric), memory)
    group = next(iter(wanted.left_out), None)
    reading = Reading(surveyed.schema, surveyed.labels, plan, seed, wanted.missing, group)
    sample = replace(survey.table(), missing=wanted.missing).emptied()
    different = len(np.unique(encoded_rows(sample, reading).digests))
    few = different < min(FEWEST_DIFFERENT, len(sample) / 2)
    return replace(reading, by_row=few and group is None)


def said_of(survey: Survey, parts: int, reading: Reading) -> tuple[str, ...]:
    """Return what the table's owner should know of how it is learnt from."""
    blocks = reading.plan.blocks
    said = f"{survey.rows} rows in {parts} {'part' if parts == 1 else 'parts'} are learnt from"
    said += f", {blocks} blocks in turn" if blocks > 1 else ""
    copies = "few rows differ, so that copies of what is learnt are held out"
    return (said, copies) if reading.by_row else (said,)


def datasets_of(
    gathered: Gathered, schema: Schema, notes: tuple[str, ...]
) -> tuple[Dataset, Dataset]:
    """Return the rows in memory that are learnt from, and those held out.

    Raises DatasetError where a class is in neither, or in one of them only.
    """
    learnt = joined([gathered.sampled, gathered.tuned], schema)
    sides = {"learnt from": learnt, "held out": gathered.held, "judged by": gathered.tuned}
    for what, rows in sides.items():
        _check_classes(schema, rows, what)
    train, held = (
        Dataset(schema, one.batch, one.values, notes) for one in (learnt, gathered.held)
    )
    return train, held


def _check_classes(schema: Schema, rows: Encoded, what: str) -> None:
    name, keys = schema.target.name, schema.target.keys
    if not len(rows.values):
        raise DatasetError(f"the table has too few rows: none would be {what}")
    missing = np.setdiff1d(np.arange(len(keys)), rows.values)
    if len(missing):
        raise DatasetError(
            f"column {name}: no row of {keys[int(missing[0])]!r} would be {what}; "
            "merge_rare merges classes of too few rows"
        )
