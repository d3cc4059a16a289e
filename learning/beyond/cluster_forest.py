"""Forests that are learnt by all workers of a cluster together, by LightGBM's own integration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from math import ceil
from threading import Thread
from time import monotonic, sleep
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import ClusterError, MiranteError
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
            before = self._cluster.workers
            if not before:
                break
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

        prepare(self._cluster)
        settings = {name: value for name, value in forest.settings.items() if name != "num_class"}
        regression = settings["objective"] == "regression"
        kind = lightgbm.DaskLGBMRegressor if regression else lightgbm.DaskLGBMClassifier
        settings.pop("num_threads", None)
        rounds = min(forest.rounds, max(FEWEST, ceil(MORE * forest.likely)))
        model = kind(client=self._cluster.client, n_estimators=rounds, **settings)
        matrix, values = self._arrays(len(forest.held[0][0]), forest.bring)
        # What LightGBM calls takes the client that is current.
        with self._cluster.faults(), self._cluster.client.as_current():
            return model.fit(matrix, values, categorical_feature=list(forest.categories)).booster_

    def _arrays(self, columns: int, bring: Brought) -> tuple[Any, Any]:
        """Return the rows as Dask's arrays: a block a part, each of a future that has it."""
        import dask.array as da

        kind = np.float64 if bring.link in ("identity", "exponential") else np.int64
        matrices = self._cluster.map(_matrix, self._futures)
        values = self._cluster.map(_brought, self._futures, bring)
        name, rows = matrices[0].key, tuple(self._counts)
        blocks = {(f"matrix-{name}", i, 0): future for i, future in enumerate(matrices)}
        labels = {(f"values-{name}", i): future for i, future in enumerate(values)}
        matrix = da.Array(blocks, f"matrix-{name}", (rows, (columns,)), np.float32)
        return matrix, da.Array(labels, f"values-{name}", (rows,), kind)


class _WorkerLost(Exception):
    def __init__(self, workers: set[str]) -> None:
        super().__init__(*workers)
        self.workers = workers


def _while_there(cluster: Cluster, before: set[str], work: Callable[[], Any]) -> Any:
    """Return what work comes to, which all workers do together.

    Raises _WorkerLost, and ClusterError where it fails though all are there.
    """
    done: Future[Any] = Future()
    # Not one of an executor: those are waited for when the process ends.
    Thread(target=_do, args=(work, done), daemon=True).start()
    while not wait([done], LOOK).done:
        if before - cluster.workers:
            wait([done], GRACE)
            break
    if done.done() and done.exception() is None:
        return done.result()
    lost = _lost(cluster, before)
    if lost:
        _cancel(cluster)
        raise _WorkerLost(lost)
    error = done.exception()
    if isinstance(error, MiranteError):
        raise error
    raise ClusterError(f"a forest failed on the workers: {str(error).splitlines()[0]}")


def _do(work: Callable[[], Any], done: Future[Any]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:  # whatever it is, it is told where the result was wanted
        done.set_exception(error)


def _lost(cluster: Cluster, before: set[str]) -> set[str]:
    """Return the workers that are no more; a broken connection is seen before the scheduler's."""
    end = monotonic() + GRACE
    while not (lost := before - cluster.workers) and monotonic() < end:
        sleep(LOOK)
    return lost


def _cancel(cluster: Cluster) -> None:
    """End what waits for a worker that will not come back."""
    from distributed import Future as Task

    client = cluster.client
    stale = [Task(key, client=client) for key in list(client.futures) if "_train_part" in str(key)]
    with cluster.faults():
        client.cancel(stale, force=True)


def prepare(cluster: Cluster) -> None:
    """Let LightGBM say nothing, here and on the workers, and forget its last connections.

    What it prints is no output of ours. A forest that failed leaves its worker connected to
    one that is no more.
    """
    import lightgbm

    _hush()
    rows = lightgbm.Dataset(np.arange(40.0)[:, np.newaxis], np.arange(40.0))
    text = lightgbm.train({"verbosity": -1, "num_threads": 1}, rows, 1).model_to_string()
    # Connections are a thread's own: each thread of each worker is asked, at one time.
    with cluster.faults():
        threads = cluster.client.nthreads()
        tasks = [
            cluster.client.submit(_fresh, text, workers=[worker], pure=False)
            for worker, count in threads.items()
            for _ in range(count)
        ]
    cluster.gather(tasks)


def _fresh(text: str) -> None:
    import lightgbm

    _hush()
    lightgbm.Booster(model_str=text).free_network()
    sleep(LOOK)


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
