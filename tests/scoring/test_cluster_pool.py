"""Scoring on a cluster: the same answers as without one, also when a worker is killed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from pyarrow import csv

from errors import ArtifactUntrusted, ClusterError
from learning.beyond.cluster import connected
from persistence.seal import new_key, trust_in
from recipes import find_recipe
from scoring import table_run
from scoring.cluster_pool import in_flight, keys_of
from scoring.inputs import find_inputs
from scoring.options import Options
from scoring.table_run import Job, score_tables
from tables.readers import batches, delimited
from tests.conftest import ROOT, require
from tests.learning.beyond.clusters import INSTALL_DASK, processes
from tests.persistence.artifacts import make_registry

pytestmark = pytest.mark.cluster

CREDIT = ROOT / "data" / "credit.csv"


@pytest.fixture(scope="module")
def registry():
    from build_model import build_model

    found = make_registry()
    build_model(find_recipe("credit"), registry=found, parameters={"n_estimators": 5})
    return found


@pytest.fixture
def running(tmp_path):
    require(find_spec("distributed") is not None, "Dask", INSTALL_DASK)
    with processes(tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def many_parts(monkeypatch):
    for module in (batches, table_run):
        monkeypatch.setattr(module, "BATCH_BYTES", 8_000)
    for reader in (batches, delimited):
        monkeypatch.setattr(reader, "SAMPLE_BYTES", 8_000)


def job(registry, folder, name, cluster=None, **more):
    alias = registry.champion("credit")
    given = {"trust": registry.trust, **more}
    return Job(
        inputs=find_inputs([str(CREDIT)], {}),
        out=str(folder / name),
        artifact=registry.read("credit", alias.version),
        data=registry.data("credit", alias.version),
        options=Options(),
        processes=in_flight(cluster.workers) if cluster else 1,
        cluster=cluster,
        **given,
    )


def scored(registry, folder, name, cluster=None, **more):
    tally = score_tables(job(registry, folder, name, cluster, **more), lambda tally: None)
    return tally.rows, (folder / name).read_bytes()


def test_the_answers_are_those_without_a_cluster(registry, running, tmp_path):
    alone = scored(registry, tmp_path, "alone.csv")
    with connected(running.address) as cluster:
        assert scored(registry, tmp_path, "together.csv", cluster) == alone
    assert alone[0] == csv.read_csv(CREDIT).num_rows


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(registry, running, tmp_path):
    alone = scored(registry, tmp_path, "alone.csv")

    def kill(tally):
        if tally.share > 0.2 and running.workers[0].poll() is None:
            running.kill(running.workers[0])

    with connected(running.address) as cluster:
        cluster.client.wait_for_workers(2, timeout=90)
        tally = score_tables(job(registry, tmp_path, "together.csv", cluster), kill)
        assert len(cluster.workers) == 1
    assert (tally.rows, (tmp_path / "together.csv").read_bytes()) == alone


def test_a_scheduler_that_goes_away_is_said_and_the_rest_resumed(registry, running, tmp_path):
    def kill(tally):
        if tally.share > 0.3 and running.scheduler.poll() is None:
            running.kill(running.scheduler)

    given = job(registry, tmp_path, "together.csv")
    with pytest.raises(ClusterError, match="went away"), connected(running.address) as cluster:
        score_tables(given._replace(cluster=cluster, processes=4), kill)
    assert not (tmp_path / "together.csv").exists()
    rows, data = scored(registry, tmp_path, "together.csv", resume=True)
    assert (rows, data) == scored(registry, tmp_path, "alone.csv")


def test_workers_verify_the_seal_themselves(registry, running, tmp_path):
    stranger = trust_in(new_key().public)
    given = job(registry, tmp_path, "together.csv", trust=stranger)
    with connected(running.address) as cluster, pytest.raises(ArtifactUntrusted):
        score_tables(given._replace(cluster=cluster), lambda tally: None)


def test_keys_are_sent_as_plain_values(registry):
    sent = keys_of(registry.trust)
    assert sent is not None
    assert trust_in(*sent.publics, revoked=sent.revoked).keys.keys() == registry.trust.keys.keys()
    assert keys_of(None) is None
    assert (in_flight(set()), in_flight({"a", "b"})) == (2, 4)
