"""Forests that are learnt by all workers of a cluster together, by LightGBM's own integration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, TimeoutError, wait
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import ClusterError
from learning.additive.budget import Budget
from learning.additive.grown import Brought, Growing
from learning.beyond.cluster import Cluster

# Beyond the rounds that were best for the sample: more rows bear more.
MORE, FEWEST = 1.5, 50
# So often a forest is begun again by the workers that are left.
ATTEMPTS = 3
# Of a forest the rounds that are best are looked for so many apart.
STEP = 5
# Seconds between two looks at the workers, and for those that are left to see that one is gone.
LOOK, GRACE = 0.5, 10.0


class Rows(NamedTuple):
    """Rows to learn from that stay on a worker: a matrix `[n, d]` and values `[n]`."""

    matrix: NDArray[np.float32]
    values: NDArray[Any]


class ClusterRows:
    """The rows of all parts that have some, each where its part was read."""

    asks = True

    def __init__(self, cluster: Cluster, futures: Sequence[Any], counts: Sequence[int]) -> None:
        self._cluster = cluster
        self._futures = list(futures)
        self._counts = list(counts)

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(self._counts)

    def settle(self, fills: Mapping[int, float], left_out: Sequence[int]) -> None:
        """Fill in what is missing by column, and empty the columns that no tree reads."""
        if fills or left_out:
            fill = (dict(fills), list(left_out))
            self._futures = self._cluster.map(_settled, self._futures, *fill)

    def grow(self, forest: Growing, budget: Budget) -> str:
        """Return the text of a forest; it goes on without a lost worker. Raises ClusterError."""
        budget.share()
        lost: set[str] = set()
        for _ in range(ATTEMPTS):
            before = set(self._cluster.workers)
            try:
                model = _while_there(self._cluster, before, lambda: self._fitted(forest))
            except _WorkerLost as error:
                lost |= error.workers
                continue
            return _cut(model, forest)
        raise ClusterError(
            f"workers were lost while a forest was learnt: {', '.join(sorted(lost))}"
        )

    def close(self) -> None:
        """Let the rows go."""
        self._futures = []

    def _fitted(self, forest: Growing) -> Any:
        import lightgbm

        quiet(self._cluster)
        settings = {name: value for name, value in forest.settings.items() if name != "num_class"}
        regression = settings["objective"] == "regression"
        kind = lightgbm.DaskLGBMRegressor if regression else lightgbm.DaskLGBMClassifier
        settings.pop("num_threads", None)
        rounds = min(forest.rounds, max(FEWEST, ceil(MORE * forest.likely)))
        model = kind(client=self._cluster.client, n_estimators=rounds, **settings)
        matrix, values = self._arrays(len(forest.held[0][0]), forest.bring)
        with self._cluster.faults():
            return model.fit(matrix, values, categorical_feature=list(forest.categories)).booster_

    def _arrays(self, columns: int, bring: Brought) -> tuple[Any, Any]:
        import dask
        import dask.array as da

        matrices, values = [], []
        for future, count in zip(self._futures, self._counts, strict=True):
            matrix = dask.delayed(_matrix)(future)
            matrices.append(da.from_delayed(matrix, (count, columns), np.float32))
            brought = dask.delayed(_brought)(future, bring)
            kind = np.float64 if bring.link in ("identity", "exponential") else np.int64
            values.append(da.from_delayed(brought, (count,), kind))
        return da.concatenate(matrices), da.concatenate(values)


class _WorkerLost(Exception):
    def __init__(self, workers: set[str]) -> None:
        super().__init__(*workers)
        self.workers = workers


def _while_there(cluster: Cluster, before: set[str], work: Callable[[], Any]) -> Any:
    """Return what work comes to, which all workers do together. Raises _WorkerLost."""
    pool = ThreadPoolExecutor(1)
    try:
        done = pool.submit(work)
        while True:
            finished, _ = wait([done], LOOK)
            gone = before - set(cluster.workers)
            if gone and not finished:
                finished, _ = wait([done], GRACE)
            if gone and (not finished or done.exception() is not None):
                raise _WorkerLost(gone)
            if finished:
                return done.result()
    except TimeoutError:
        raise ClusterError(f"the scheduler at {cluster.address} does not answer") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def quiet(cluster: Cluster) -> None:
    """Let LightGBM say nothing, here and on the workers: what it prints is no output of ours."""
    _hush()
    with cluster.faults():
        cluster.client.run(_hush)


def _hush() -> None:
    import logging

    import lightgbm

    logger = logging.getLogger("mirante.lightgbm")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    lightgbm.register_logger(logger)


def _cut(model: Any, forest: Growing) -> str:
    """Return the text of a forest after the rounds that held rows are answered best by."""
    from learning.boosters import lightgbm_model

    text: str = model.model_to_string(num_iteration=-1)
    read, (matrix, values) = lightgbm_model(text), forest.held
    trees = read.num_trees() // read.num_model_per_iteration()
    scores: Any = 0.0
    losses = {}
    for start in range(0, trees, STEP):
        scores = scores + read.predict(
            matrix, raw_score=True, start_iteration=start, num_iteration=STEP, num_threads=1
        )
        losses[min(start + STEP, trees)] = _loss(scores, values, forest.settings["objective"])
    best = min(losses, key=lambda rounds: losses[rounds])
    cut: str = read.model_to_string(num_iteration=best)
    return cut


def _loss(scores: NDArray[Any], values: NDArray[Any], objective: str) -> float:
    from learning.additive.losses import LINKS

    name = {"binary": "logistic", "multiclass": "softmax"}.get(objective, "identity")
    return float(LINKS[name].losses(scores.reshape(len(values), -1), values).mean())


def _settled(rows: Rows, fills: Mapping[int, float], left_out: Sequence[int]) -> Rows:
    matrix = rows.matrix.copy()
    for column, value in fills.items():
        matrix[np.isnan(matrix[:, column]), column] = value
    matrix[:, list(left_out)] = 0.0
    return Rows(matrix, rows.values)


def _matrix(rows: Rows) -> NDArray[np.float32]:
    return rows.matrix


def _brought(rows: Rows, bring: Brought) -> NDArray[Any]:
    return bring(rows.values)
