"""Whether a challenger is at least as good as the champion, by their losses on the same rows."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
# The share of resamples in which the challenger must be at least as good.
ENOUGH = 0.5
# Two forms of one model, compiled and not, differ by rounding: that makes neither the better.
ROUNDING = 1e-6
INTERVAL = 0.95

Doubles = NDArray[np.float64]


class Comparison(msgspec.Struct, frozen=True):
    """How a challenger did against the champion on the same rows.

    `difference` is the challenger's mean loss less the champion's (below 0: it is
    better), `interval` where 95 of 100 resamples have it, `share` the share of
    resamples in which the challenger is at least as good.
    """

    at_least_as_good: bool
    champion_loss: float
    challenger_loss: float
    difference: float
    interval: tuple[float, float]
    share: float
    resamples: int
    rows: int

    def document(self, loss_name: str) -> dict[str, Any]:
        """Return it JSON-ready, with the losses under the name of the task's loss."""
        loss = loss_name.replace(" ", "_")
        names = {"champion_loss": f"champion_{loss}", "challenger_loss": f"challenger_{loss}"}
        found = msgspec.structs.asdict(self)
        return {names.get(name, name): value for name, value in found.items()}


def compare(champion: Doubles, challenger: Doubles, seed: int) -> Comparison:
    """Compare two models' losses `[n]` of the same rows, by paired bootstrap.

    The rows are drawn again with replacement, 2,000 times; the challenger is at
    least as good if its mean loss is no greater in at least half of the draws.
    Paired bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap
    (1993), chapter 16.
    """
    draws = _resampled_means(challenger - champion, seed)
    share = float((draws <= ROUNDING).mean())
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail]).tolist()
    return Comparison(
        at_least_as_good=share >= ENOUGH,
        champion_loss=float(champion.mean()),
        challenger_loss=float(challenger.mean()),
        difference=float((challenger - champion).mean()),
        interval=(low, high),
        share=share,
        resamples=RESAMPLES,
        rows=len(champion),
    )


def _resampled_means(values: Doubles, seed: int) -> Doubles:
    """Return the mean of each resample; one at a time, for a hold-out may be large."""
    random = np.random.default_rng(seed)
    count = len(values)
    draws = (values[random.integers(0, count, count)].mean() for _ in range(RESAMPLES))
    return np.fromiter(draws, dtype=np.float64, count=RESAMPLES)
