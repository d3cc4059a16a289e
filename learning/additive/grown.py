"""A forest that is grown elsewhere: from blocks on a disk, or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from learning.additive.budget import Budget
from learning.additive.parts import LONGER, Advance, Answered, Folds, ForestPart, Rows


class Brought(NamedTuple):
    """What the values of a target are brought to before they are learnt, by the link's name."""

    link: str
    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values `[n]` as a forest learns them."""
        if self.link == "exponential":
            return np.asarray(np.log(values / self.scale))
        return (values - self.shift) / self.scale if self.link == "identity" else values


class Growing(NamedTuple):
    """A forest to be grown: LightGBM's settings, the matrix's columns of codes, the most rounds.

    `held` are the matrix and values that say how many rounds are best; `likely` is how many
    were, where a forest learnt the sample alone, 0 where that was not asked for.
    """

    settings: Mapping[str, Any]
    categories: Sequence[int]
    bring: Brought
    held: tuple[NDArray[np.float32], NDArray[Any]]
    rounds: int
    likely: int = 0


class Grower(Protocol):
    """Has rows to learn from, of which those in memory are a sample."""

    # Whether it has to be told before how many rounds are likely to be best.
    asks: bool

    @property
    def rows(self) -> int:
        """How many rows there are to learn from."""
        ...

    def settle(self, fills: Mapping[int, float], left_out: Sequence[int]) -> None:
        """Fill in what is missing by column, and empty the columns that no tree reads."""
        ...

    def grow(self, forest: Growing, budget: Budget) -> str:
        """Return the text of a forest that learns while held rows are answered better."""
        ...

    def close(self) -> None:
        """Let the rows go."""
        ...


class GrownForestPart(ForestPart):
    """A forest that a grower grows; `kept` are the texts of those that it has grown."""

    def __init__(
        self, *given: Any, grower: Grower, bring: Brought, kept: dict[tuple[str, Brought], str]
    ) -> None:
        super().__init__(*given)
        self._grower = grower
        self._bring = bring
        self._kept = kept

    def out_of_fold(
        self, rows: Rows, values: NDArray[Any], folds: Folds, budget: Budget, advance: Advance
    ) -> Answered:
        """Grow the forest, and return its scores of the rows that it was judged by."""
        outside = folds[-1][1]
        held, truth = rows.take(outside), values[outside]
        count, columns = self._grower.rows, rows.matrix.shape[1]
        settings = self._settings_for(count, columns, budget.threads(count * columns))
        forest = Growing(settings, self._categories, self._bring, (held.matrix, truth), self._most)
        if self._grower.asks:
            alone = super().out_of_fold(rows, values, folds[-1:], budget, lambda: None)
            forest = forest._replace(likely=int(alone.setting / LONGER))
        text = self._grower.grow(forest, budget)
        self._kept[self.name, self._bring] = text
        scores = np.zeros((len(values), self._outputs))
        scores[outside] = self.scores(text, held)
        advance()
        return Answered(scores, 0.0)

    def learn(self, rows: Rows, values: NDArray[Any], setting: float, budget: Budget) -> str:
        """Return the forest that was grown: it has learnt all rows but those that judged it."""
        budget.share()
        return self._kept[self.name, self._bring]
