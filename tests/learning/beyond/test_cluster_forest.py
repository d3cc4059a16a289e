"""Forests of a cluster: learnt together, also when a worker is killed in the middle."""

from __future__ import annotations

import time
from threading import Thread

import numpy as np
import pytest

from errors import ClusterError
from learning.additive.budget import Budget
from learning.additive.grown import Brought, Growing
from learning.additive.parts import FOREST_B, ForestPart
from learning.beyond.cluster import connected
from learning.beyond.cluster_forest import ClusterRows, Rows
from learning.boosters import lightgbm_model
from tests.learning.beyond.test_blocks import loss, rows

pytestmark = pytest.mark.cluster

EACH = 3_000


def part(seed):
    from learning.beyond.cluster_forest import Rows as Kept
    from tests.learning.beyond.test_blocks import rows as drawn

    return Kept(*drawn(EACH, seed))


def growing(likely, count=EACH):
    forest = ForestPart("forest", FOREST_B, {"objective": "binary", "seed": 0}, [])
    settings = forest._settings_for(4 * count, 4, 1)
    return Growing(settings, [], Brought("logistic"), rows(4_000, 2), 2_000, likely)


def grower(cluster, parts=4):
    futures = cluster.map(part, range(10, 10 + parts))
    return ClusterRows(cluster, futures, [EACH] * parts)


def test_workers_learn_a_forest_together(running):
    with connected(running.address) as cluster:
        found = grower(cluster)
        assert found.rows == 4 * EACH
        text = found.grow(growing(100), Budget(600))
    assert loss(text) < 0.75 * np.log(2)
    assert lightgbm_model(text).num_trees() <= 150


def test_what_is_missing_is_filled_in_where_the_rows_are(running):
    with connected(running.address) as cluster:
        found = grower(cluster, 1)
        before = cluster.gather(found._futures)[0]
        found.settle({1: 7.0}, [3])
        after: Rows = cluster.gather(found._futures)[0]
    assert (after.matrix[:, 3] == 0.0).all()
    assert np.array_equal(after.matrix[:, 1], before.matrix[:, 1])
    assert np.array_equal(after.values, before.values)


def when_it_learns(cluster, action):
    """Do something once all workers are in the middle of a forest."""

    def watch():
        busy = 0
        while busy < 3:
            tasks = [str(t) for keys in cluster.client.processing().values() for t in keys]
            busy = busy + 1 if sum("train_part" in task for task in tasks) > 1 else 0
            time.sleep(0.1)
        action()

    thread = Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_a_worker_that_is_killed_in_the_middle_is_done_without(mortal):
    with connected(mortal.address) as cluster:
        cluster.client.wait_for_workers(2, timeout=90)
        found = grower(cluster)
        killer = when_it_learns(cluster, lambda: mortal.kill(mortal.workers[0]))
        text = found.grow(growing(250), Budget(600))
        killer.join(1)
        assert not killer.is_alive()
        assert len(cluster.workers) == 1
    assert loss(text) < 0.75 * np.log(2)


def test_a_cluster_that_is_all_killed_is_said(mortal):
    def all_of_them():
        for worker in mortal.workers:
            mortal.kill(worker)

    with connected(mortal.address) as cluster:
        cluster.client.wait_for_workers(2, timeout=90)
        found = grower(cluster)
        when_it_learns(cluster, all_of_them)
        with pytest.raises(ClusterError, match="lost while a forest was learnt: tcp://127"):
            found.grow(growing(250), Budget(600))
