"""How an estimator is fitted, so that the same seed and data give the same model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from errors import DatasetError
from learning.estimators import Candidates
from learning.families import family_of
from learning.forms.sources import last_step
from learning.intervals import Intervals, intervals_of
from learning.progress import Progress
from learning.recipe import Estimator
from learning.runtimes.sklearn import estimator_input
from learning.tasks import task_of
from tables.dataset import Dataset
from tables.split import folds, sample

FOLDS = 5
# Cross-validation looks at no more rows than these: more would not change the choice.
MOST_CHOICE_ROWS = 20_000


class Choice(NamedTuple):
    """An estimator, not fitted, and the loss of each that it was chosen among."""

    estimator: Estimator
    losses: dict[str, float]

    def told_by(self, fitted: Estimator) -> Choice:
        """Return the choice with what a fitted estimator measured of its own parts, if it did."""
        last = last_step(fitted)
        return self._replace(losses=self.losses or family_of(last).losses(last))


def notes_of(fitted: Estimator) -> tuple[str, ...]:
    """Return what a fitted estimator's owner should know of how it was learnt."""
    return tuple(getattr(last_step(fitted), "notes_", ()))


def fit(estimator: Estimator, dataset: Dataset, progress: Progress) -> Estimator:
    """Return the fitted estimator.

    It predicts with one thread, whatever it was fitted with: threads add up
    probabilities in the order in which they happen to end.

    Raises DatasetError when the estimator cannot make anything of the data.
    """
    try:
        with _one_line_warnings(progress):
            return _fit(estimator, dataset, progress)
    except ValueError as error:
        line = str(error).strip().splitlines()[0]
        raise DatasetError(f"the estimator cannot be fitted to this table: {line}") from error


def choose(made: Estimator | Candidates, dataset: Dataset, progress: Progress) -> Choice:
    """Return what a recipe made; of Candidates, the one of least loss in cross-validation."""
    if not isinstance(made, Candidates):
        return Choice(made, {})
    task = task_of(dataset.schema.target)
    dataset = sample(dataset, MOST_CHOICE_ROWS, task.strata(dataset.target))
    splits = folds(dataset, FOLDS, made.seed, task.strata(dataset.target))
    progress.stage("choose", len(made.estimators) * len(splits))
    losses: dict[str, float] = {}
    for name, estimator in made.estimators.items():
        losses[name] = float(np.mean([_loss(estimator, dataset, *s, progress) for s in splits]))
        said = f"{task.loss_name} {losses[name]:.4f} in {len(splits)}-fold cross-validation"
        progress.note(f"{name}: {said}")
    return Choice(made.estimators[min(losses, key=lambda name: losses[name])], losses)


def learnt_intervals(estimator: Estimator, dataset: Dataset, seed: int) -> Intervals | None:
    """Return how far a quantity is from what was answered out of fold; None for classes.

    An estimator that has kept its own answers is not fitted again.
    """
    if dataset.schema.target.classes:
        return None
    kept = getattr(last_step(estimator), "out_of_fold_", None)
    if kept is not None:
        relative = last_step(estimator).link_ == "exponential"
        return intervals_of(dataset.target[kept.indices], kept.outputs[:, 0], relative)
    task = task_of(dataset.schema.target)
    dataset = sample(dataset, MOST_CHOICE_ROWS, task.strata(dataset.target))
    truth, said = [], []
    for inside, outside in folds(dataset, FOLDS, seed, task.strata(dataset.target)):
        learnt, held = dataset.take(inside), dataset.take(outside)
        made = clone(estimator).fit(estimator_input(learnt.batch), learnt.target)
        said.append(task.outputs(made, estimator_input(held.batch))[:, 0])
        truth.append(held.target)
    return intervals_of(np.concatenate(truth), np.concatenate(said))


def _loss(
    estimator: Estimator,
    dataset: Dataset,
    inside: NDArray[np.intp],
    outside: NDArray[np.intp],
    progress: Progress,
) -> float:
    learnt, held = dataset.take(inside), dataset.take(outside)
    with _one_line_warnings(progress):
        fitted = clone(estimator).fit(estimator_input(learnt.batch), learnt.target)
    progress.advance()
    target = dataset.schema.target
    task = task_of(target)
    return task.loss(task.outputs(fitted, estimator_input(held.batch)), held.target, target)


def _fit(estimator: Estimator, dataset: Dataset, progress: Progress) -> Estimator:
    rows, model = estimator_input(dataset.batch), estimator
    if isinstance(estimator, Pipeline):
        model = estimator[-1]
        if len(estimator) > 1:
            rows = estimator[:-1].fit_transform(rows, dataset.target)
    family = family_of(model)
    if family.folds:
        strata = task_of(dataset.schema.target).strata(dataset.target)
        cut = folds(dataset, family.folds, getattr(model, "seed", 0), strata)
        family.fit_folded(model, rows, dataset.target, cut, progress)
    else:
        family.fit(model, rows, dataset.target, progress)
    return estimator


@contextmanager
def _one_line_warnings(progress: Progress) -> Iterator[None]:
    """Turn the warning that iterations ran out into a note; others pass."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            progress.note("the iterations ended before the fit settled: raise max_iter")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
