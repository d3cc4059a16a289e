"""A cluster: who may work, and what is said when something ends."""

from __future__ import annotations

import shutil
import sys
import time
from threading import Timer

import pytest

from errors import ClusterError, DatasetError, DependencyError
from learning.beyond import cluster as module
from learning.beyond.cluster import ROOMS, code_digest, connected, versions
from tests.conftest import ROOT
from tests.learning.beyond.clusters import Processes
from tests.servers import free_port

pytestmark = pytest.mark.cluster


def refusal(address):
    with pytest.raises(ClusterError) as refused, connected(address):
        pass
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_functions_are_mapped_and_what_they_come_to_is_added_up(running):
    with connected(running.address) as cluster:
        assert cluster.gather(cluster.map(lambda a, b: a * b, range(5), 3)) == [0, 3, 6, 9, 12]
        futures = cluster.map(lambda a: a, range(7))
        assert cluster.reduce(lambda pair, k: sum(pair) + k, futures, 0) == 21
        assert cluster.memory == 2 * 10**9


def test_what_a_function_raises_is_raised_here(running):
    def refuse(_):
        raise DatasetError("part 3: a column is missing")

    with connected(running.address) as cluster, pytest.raises(DatasetError, match=r"^part 3: a c"):
        cluster.gather(cluster.map(refuse, [1]))


def test_a_scheduler_must_be_there(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    assert refusal(address) == f"there is no scheduler at {address}"
    assert "there is no scheduler at nothing" in refusal("nothing:1")


def test_without_dask_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    missing = pytest.raises(DependencyError, match=r"pip install -r requirements-dask\.txt")
    with missing, connected("tcp://127.0.0.1:1"):
        pass


def test_a_worker_of_other_code_is_refused_before_the_work(tmp_path):
    other = tmp_path / "other"
    for room in ROOMS:
        shutil.copytree(ROOT / room, other / room)
    for file in ("errors.py", "policy.py"):
        shutil.copy(ROOT / file, other / file)
    with (other / "tables" / "tally.py").open("a") as file:
        file.write("# another release\n")
    assert code_digest(other) != code_digest(ROOT)
    found = Processes(tmp_path)
    try:
        found.add_worker(root=other)
        said = refusal(found.address)
        ours, theirs = versions()["Mirante"], code_digest(other)
        assert said.startswith("versions do not match: worker tcp://127.0.0.1:")
        assert said.endswith(f"has Mirante {theirs}, here {ours}")
    finally:
        found.end()


def test_a_worker_without_the_code_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    found = Processes(tmp_path)
    try:
        found.add_worker(root=tmp_path / "empty")
        assert "cannot load Mirante: start it in the folder of the same code" in refusal(
            found.address
        )
    finally:
        found.end()


def test_a_scheduler_that_goes_away_is_said(mortal):
    gone = pytest.raises(ClusterError, match=rf"the scheduler at {mortal.address} went away")
    with gone, connected(mortal.address) as cluster:
        futures = cluster.map(lambda _: time.sleep(60), range(4))
        Timer(1.0, mortal.kill, [mortal.scheduler]).start()
        cluster.gather(futures)


def test_a_task_that_ends_workers_is_said_with_the_likely_cause(running, monkeypatch):
    from distributed import KilledWorker

    refused = pytest.raises(ClusterError, match=r"a task ended 4 workers .* too little memory")
    with connected(running.address) as cluster, refused, cluster.faults():
        raise KilledWorker("a task", None, 3)
