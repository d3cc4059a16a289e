"""Learning from parts: survey them, infer the schema, part the rows into sides, and learn."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from errors import DatasetError, RecipeError
from learning import learnt_rows
from learning.additive.grown import Grower
from learning.beyond.engine import Engine, Gathered
from learning.beyond.plan import MOST_ROWS, Plan
from learning.beyond.sides import Encoded, Reading, encoded_rows, joined
from learning.families import family_of
from learning.learnt import Learnt
from learning.progress import Progress
from learning.recipe import Recipe
from learning.runtimes.sklearn import estimator_input
from learning.tasks import read_target
from learning.training import Choice, notes_of
from tables.dataset import Dataset
from tables.schema import Schema
from tables.survey import Survey
from tables.surveyed_schema import Surveyed, Wanted, surveyed_schema

ONLY_AUTO = (
    "a table in parts is learnt by auto alone; the other estimators learn in memory: "
    "sample the table for them"
)
NO_TIME = "time: a table in parts is held out by chance or by group; sort it, and learn in memory"
NO_FILE = "the recipe makes its table itself; a table in parts is a file, a pattern, or s3://"
# A sample with fewer different rows than this is split by chance, and not by what stands in it.
FEWEST_DIFFERENT = 1_000


def learn_in_parts(
    recipe: Recipe, parameters: Mapping[str, Any], engine: Engine, seed: int, progress: Progress
) -> Learnt:
    """Learn from the parts of a recipe's table, on an engine.

    Raises DatasetError, naming the part, and RecipeError for another estimator than `auto`.
    """
    wanted = wanted_of(recipe)
    progress.stage("read")
    partitions = engine.partitions(address_of(recipe))
    found = engine.survey(partitions, MOST_ROWS, wanted.missing)
    if found is None:
        raise DatasetError("the table is empty")
    surveyed = surveyed_schema(found, wanted, {one.number: one.name for one in partitions})
    plan = engine.plan(found.rows, len(surveyed.schema.numeric))
    reading = reading_of(found, surveyed, wanted, plan, seed)
    notes = (*surveyed.notes, *said_of(found, len(partitions), reading))
    for note in notes:
        progress.note(note)
    estimator = recipe.make(surveyed.schema, seed, parameters)
    if family_of(estimator).name != "additive":
        raise RecipeError(ONLY_AUTO)
    gathered = engine.gather(partitions, reading, found.rows)
    with closing(gathered.grower) as grower:
        train, holdout = datasets_of(gathered, surveyed.schema, notes)
        fit(estimator, train, len(gathered.sampled.values), grower, progress)
        rows = grower.rows
    held = {"by": "chance", "rows": holdout.rows}
    held |= {"by": "group", "column": reading.group} if reading.group else {}
    choice = Choice(estimator, {}).told_by(estimator)
    train = replace(train, notes=(*train.notes, *notes_of(estimator)))
    seen = learnt_rows.of_digests(gathered.seen) if len(gathered.seen) else {}
    digest = f"{gathered.digest:016x}"
    return Learnt(estimator, choice, train, train, holdout, held, rows, found.rows, digest, seen)


def address_of(recipe: Recipe) -> str:
    """Return where a recipe's table is. Raises RecipeError for what has no address."""
    if not isinstance(recipe.load, str | Path):
        raise RecipeError(NO_FILE)
    return str(recipe.load)


def wanted_of(recipe: Recipe) -> Wanted:
    """Return how a recipe's table is to be read. Raises RecipeError for what parts cannot have."""
    if recipe.time:
        raise RecipeError(NO_TIME)
    if recipe.group == recipe.target:
        raise RecipeError(f"group: {recipe.group} is the label; another column is needed")
    return Wanted(
        recipe.target,
        recipe.aliases,
        recipe.kinds,
        read_target(recipe.task),
        recipe.merge_rare,
        (recipe.group,) if recipe.group else (),
        recipe.missing,
        recipe.decimal,
    )


def fit(estimator: Any, train: Dataset, sampled: int, grower: Grower, progress: Progress) -> None:
    """Fit the estimator to rows of which the first were sampled, and the others judge."""
    folds = [(np.arange(sampled), np.arange(sampled, train.rows))]
    rows = estimator_input(train.batch)
    estimator.learn(rows, train.target, progress, folds, grower)


def reading_of(
    survey: Survey, surveyed: Surveyed, wanted: Wanted, plan: Plan, seed: int
) -> Reading:
    """Return how the parts are read; where too few rows differ, chance says where a row goes."""
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
    share = f"{reading.plan.kept:.1%} of them, drawn by chance: workers' memory holds no more"
    said += f", {share}" if reading.plan.kept < 1.0 else ""
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
    train, held = (Dataset(schema, one.batch, one.values, notes) for one in (learnt, gathered.held))
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
