"""The default learner as a scikit-learn estimator over raw rows: codes, numbers, NaN, texts.

Two forests of small trees and a linear term are each learnt out of fold; how much each counts
is found on what they answered there, in the space of the link; then each is learnt once more
from all rows. What is left out tells nothing; where nothing tells anything, every row gets
the base rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from learning.additive.budget import Budget
from learning.additive.grown import Brought, Grower
from learning.additive.histograms import INSTALL, is_lightgbm_there
from learning.additive.losses import LINKS, Doubles, Link
from learning.additive.parts import Folds, Part, Rows, answered_rows
from learning.additive.pool import Pool, pool, scores_of
from learning.links import outputs_of
from learning.processors import processors
from learning.progress import Progress, SilentProgress

FOLDS = 5
ENDED = (
    "the time was up before a forest had learnt all it could, and another run may end elsewhere: "
    "--seconds gives more"
)
# From so many rows on, one fold is enough to judge by.
MANY_ROWS = 10_000
# Of a positive quantity: skewed more than this, its logarithm is tried as well.
SKEWED = 1.0


class OutOfFold(NamedTuple):
    """The indices of rows `[m]`, and what was answered for them without having learnt them."""

    indices: NDArray[np.intp]
    outputs: Doubles


@dataclass
class _Trial:
    """One link, tried: the parts' scores out of fold, their settings, and the pool of them.

    `scale` and `shift` are what the values were brought to before they were learnt.
    """

    link: Link
    scale: float
    shift: float
    scores: dict[str, Doubles]
    settings: dict[str, float]
    pool: Pool
    losses: dict[str, float]

    @property
    def loss(self) -> float:
        """The loss of the pool, in the units of the target."""
        return self.in_units(self.pool.loss)

    def in_units(self, loss: float) -> float:
        """Return a loss in the units of the target: of quantities a squared error."""
        return loss * self.scale**2


class Additive(BaseEstimator):
    """What classes and quantities have in common.

    `columns` are those of the matrix, of which `categories` hold codes and trees do not read
    `left_out`; `linear` makes the columns of the linear term of all,
    of `words` too. `seconds` bound the fit,
    but for the last part.
    """

    # What is missing where training had it always is filled in.
    imputes = True
    # While it learns: where more rows are, what has been grown of them, and how values are brought.
    _grower: Grower | None = None
    _kept: dict[tuple[str, Brought], str]
    _bring: Brought

    def __init__(
        self,
        *,
        columns: int = 0,
        categories: Sequence[int] = (),
        left_out: Sequence[int] = (),
        linear: Any = None,
        words: bool = False,
        seconds: float = 60.0,
        seed: int = 0,
    ) -> None:
        self.columns = columns
        self.categories = categories
        self.left_out = left_out
        self.linear = linear
        self.words = words
        self.seconds = seconds
        self.seed = seed

    def fit(self, rows: Any, values: Any) -> Additive:
        """Fit, and tell nobody how far it is."""
        return self.learn(rows, np.asarray(values), SilentProgress())

    def learn(
        self,
        rows: NDArray[Any],
        values: NDArray[Any],
        progress: Progress,
        folds: Folds | None = None,
        grower: Grower | None = None,
    ) -> Additive:
        """Fit to rows `[n, d]`; `folds` are what is learnt, and what answered, out of fold.

        Of many rows the last fold is enough. A grower has more rows, which the forests learn.
        """
        self._grower, self._kept = grower, {}
        self.stands_in_ = not is_lightgbm_there()
        self.notes_: tuple[str, ...] = (INSTALL,) if self.stands_in_ else ()
        self._fill(rows)
        if grower is not None:
            grower.settle(self.fills_, self.left_out)
        given = self._rows(rows)
        self._prepare(values)
        chosen = folds or stratified(values, FOLDS, self.seed)
        chosen = chosen[-1:] if len(values) >= MANY_ROWS else chosen
        budget = Budget(self.seconds, processors())
        with threadpool_limits(1):
            trials = [
                self._try(link, given, values, chosen, budget, progress)
                for link in self._links(values)
            ]
            best = min(trials, key=lambda trial: trial.loss)
            self._keep(best, given, values, chosen, budget, progress)
        self._grower = None
        self.notes_ += (ENDED,) if budget.ended_one else ()
        for note in self.notes_:
            progress.note(note)
        return self

    def scores(self, rows: NDArray[Any]) -> Doubles:
        """Return the scores `[n, k]`: what the parts come to, added up."""
        given = self._rows(rows)
        total = np.tile(self.base_, (len(given.matrix), 1))
        parts = {part.name: part for part in self._parts(LINKS[self.link_])}
        for name, model in self.parts_.items():
            total += self.weights_[name] * parts[name].scores(model, given)
        return total

    def outputs(self, rows: NDArray[Any]) -> Doubles:
        """Return the outputs `[n, k]`: probabilities, or quantities."""
        return outputs_of(self.link_, self.scores(rows))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        for name in ("out_of_fold_", "_kept", "_bring", "_grower"):
            state.pop(name, None)
        return state

    # ------------------------------------------------------------ what a target differs in

    @property
    def _outputs(self) -> int:
        """How many scores there are for a row."""
        raise NotImplementedError

    def _prepare(self, values: NDArray[Any]) -> None:
        raise NotImplementedError

    def _links(self, values: NDArray[Any]) -> list[Link]:
        raise NotImplementedError

    def _parts(self, link: Link) -> list[Part]:
        raise NotImplementedError

    def _brought(self, link: Link, values: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
        """Return the values as the link's loss takes them, with their scale and shift."""
        return values, 1.0, 0.0

    def _learnt(self, link: Link, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values as the parts learn them."""
        return values

    # ------------------------------------------------------------ the steps

    def _fill(self, rows: NDArray[Any]) -> None:
        """Find what stands for a missing number where training had none: its median.

        Trees know no way for it there; LightGBM would take it for a 0.
        """
        matrix = rows[:, : self.columns].astype(np.float32)
        whole = np.asarray(np.isfinite(matrix).all(axis=0))
        whole[[*self.categories, *self.left_out]] = False
        self.fills_ = {int(i): float(np.median(matrix[:, i])) for i in np.flatnonzero(whole)}

    def _rows(self, rows: NDArray[Any]) -> Rows:
        matrix = rows[:, : self.columns].astype(np.float32, order="C")
        missing = np.isnan(matrix)
        # Looked for by column, which a table of thousands of them has in few rows.
        for column in np.flatnonzero(missing.any(axis=0)).tolist():
            if column in self.fills_:
                matrix[missing[:, column], column] = self.fills_[column]
        # Kept in their places, so that a tree's feature is the matrix's column.
        matrix[:, list(self.left_out)] = 0.0
        return Rows(rows, matrix)

    def _try(
        self,
        link: Link,
        rows: Rows,
        values: NDArray[Any],
        folds: Folds,
        budget: Budget,
        progress: Progress,
    ) -> _Trial:
        brought, scale, shift = self._brought(link, values)
        self._bring = Brought(link.name, scale, shift)
        parts = self._parts(link)
        outside = answered_rows(folds)
        # What is grown elsewhere is not learnt once more.
        budget.fits = len(parts) * (len(folds) + (self._grower is None))
        progress.stage("fit", budget.fits)
        learnt = self._learnt(link, brought)
        answered = {
            part.name: part.out_of_fold(rows, learnt, folds, budget, progress.advance)
            for part in parts
        }
        scores = {name: found.scores for name, found in answered.items()}
        settings = {name: found.setting for name, found in answered.items()}
        found = pool({n: s[outside] for n, s in scores.items()}, brought[outside], link)
        trial = _Trial(link, scale, shift, scores, settings, found, {})
        for name, one in scores.items():
            alone = pool({name: one[outside]}, brought[outside], link)
            trial.losses[name] = trial.in_units(alone.loss)
        trial.losses |= {"pool": trial.loss, "base rate": trial.in_units(found.constant)}
        self._tell(trial, progress, budget)
        return trial

    def _keep(
        self,
        trial: _Trial,
        rows: Rows,
        values: NDArray[Any],
        folds: Folds,
        budget: Budget,
        progress: Progress,
    ) -> None:
        brought, scale, shift = self._brought(trial.link, values)
        self._bring = Brought(trial.link.name, scale, shift)
        learnt, found = self._learnt(trial.link, brought), trial.pool
        chosen = [p for p in self._parts(trial.link) if found.weights[p.name] > 0.0]
        budget.fits = len(chosen)
        self.parts_: dict[str, Any] = {}
        for part in chosen:
            setting = trial.settings[part.name]
            self.parts_[part.name] = part.learn(rows, learnt, setting, budget)
            progress.advance()
        self.link_ = trial.link.name
        unit = scale if self.link_ == "identity" else 1.0
        self.weights_ = {part.name: found.weights[part.name] * unit for part in chosen}
        self.base_ = found.base * unit + shift
        self.losses_ = trial.losses
        outside = answered_rows(folds)
        scores = scores_of({n: s[outside] for n, s in trial.scores.items()}, found)
        self.out_of_fold_ = OutOfFold(outside, outputs_of(self.link_, scores * unit + shift))

    def _tell(self, trial: _Trial, progress: Progress, budget: Budget) -> None:
        told = ", ".join(f"{name} {loss:.4g}" for name, loss in trial.losses.items())
        left = f"{budget.left:.0f} of {budget.seconds:.0f} s left"
        progress.note(f"out of fold, {trial.link.name}: {told}; {left}")


def stratified(values: NDArray[Any], count: int, seed: int) -> Folds:
    """Return folds with classes, or the order of quantities, in proportion."""
    shuffled = np.random.default_rng(seed).permutation(len(values))
    order = shuffled[np.argsort(values[shuffled], kind="stable")]
    fold = np.empty(len(values), np.intp)
    fold[order] = np.arange(len(values)) % count
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(count)]
