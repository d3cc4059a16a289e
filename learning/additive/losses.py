"""What a mistake costs the default learner, by its link (see learning/links.py)."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


class Slope(NamedTuple):
    """A mean loss, and its derivative by each row's scores `[n, k]`."""

    loss: float
    by_scores: Doubles


class Link(Protocol):
    """A link. `values` are of classes their indices `[n]`, else quantities `[n]`."""

    name: str

    def slope(self, scores: Doubles, values: NDArray[Any]) -> Slope:
        """Return the mean loss of scores `[n, k]`, and its slope."""
        ...

    def losses(self, scores: Doubles, values: NDArray[Any]) -> Doubles:
        """Return the loss of each row `[n]`."""
        ...

    def constant(self, values: NDArray[Any], outputs: int) -> Doubles:
        """Return the scores `[k]` of the answer that is best for every row alike."""
        ...


class Logistic:
    """Of two classes; the score is the log-odds of the second."""

    name = "logistic"

    def slope(self, scores: Doubles, values: NDArray[Any]) -> Slope:
        """Return the mean log loss and its slope."""
        chance = 1.0 / (1.0 + np.exp(-np.clip(scores[:, 0], -500, 500)))
        return Slope(
            float(self.losses(scores, values).mean()), (chance - values)[:, None] / len(values)
        )

    def losses(self, scores: Doubles, values: NDArray[Any]) -> Doubles:
        """Return the log losses."""
        return np.logaddexp(0.0, np.where(values == 1, -scores[:, 0], scores[:, 0]))

    def constant(self, values: NDArray[Any], outputs: int) -> Doubles:
        """Return the log-odds of the second class's share, half a row added to each."""
        ones = float(values.sum())
        return np.array([np.log((ones + 0.5) / (len(values) - ones + 0.5))])


class Softmax:
    """Of many classes; a score each."""

    name = "softmax"

    def slope(self, scores: Doubles, values: NDArray[Any]) -> Slope:
        """Return the mean log loss and its slope."""
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        shares[np.arange(len(values)), values] -= 1.0
        return Slope(float(self.losses(scores, values).mean()), shares / len(values))

    def losses(self, scores: Doubles, values: NDArray[Any]) -> Doubles:
        """Return the log losses."""
        highest = scores.max(axis=1)
        total = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
        return np.asarray(total - scores[np.arange(len(values)), values])

    def constant(self, values: NDArray[Any], outputs: int) -> Doubles:
        """Return the logarithm of each class's share, half a row added to each."""
        counts = np.bincount(values, minlength=outputs) + 0.5
        return np.asarray(np.log(counts / counts.sum()))


class Identity:
    """Of quantities; the score is the value itself."""

    name = "identity"

    def slope(self, scores: Doubles, values: NDArray[Any]) -> Slope:
        """Return the mean squared error and its slope."""
        off = scores[:, 0] - values
        return Slope(float(np.mean(off**2)), 2.0 * off[:, None] / len(values))

    def losses(self, scores: Doubles, values: NDArray[Any]) -> Doubles:
        """Return the squared errors."""
        return np.asarray((scores[:, 0] - values) ** 2)

    def constant(self, values: NDArray[Any], outputs: int) -> Doubles:
        """Return the mean."""
        return np.array([values.mean()])


class Exponential:
    """Of positive quantities; the score is the value's logarithm, the loss the value's."""

    name = "exponential"

    def slope(self, scores: Doubles, values: NDArray[Any]) -> Slope:
        """Return the mean squared error of the values, and its slope by the scores."""
        found = np.exp(np.clip(scores[:, 0], -500, 500))
        off = found - values
        return Slope(float(np.mean(off**2)), (2.0 * off * found)[:, None] / len(values))

    def losses(self, scores: Doubles, values: NDArray[Any]) -> Doubles:
        """Return the squared errors of the values."""
        return np.asarray((np.exp(np.clip(scores[:, 0], -500, 500)) - values) ** 2)

    def constant(self, values: NDArray[Any], outputs: int) -> Doubles:
        """Return the logarithm of the mean."""
        return np.array([np.log(values.mean())])


LINKS: dict[str, Link] = {
    link.name: link for link in (Logistic(), Softmax(), Identity(), Exponential())
}
