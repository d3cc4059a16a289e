"""The worst bodies of benchmarks/worst_bodies.py, against the whole service: what is certain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.hostile_bodies import BODIES, MOST
from benchmarks.worst_bodies import cost_of
from tests.service import Service, build, serve

# These took a worker's memory or its event loop, each by a way of its own.
STATUSES = {
    "100,000 rows of one wrong member": 422,
    "16 MB of empty objects": 413,
    "16 MB of one bracket": 400,
    "columns of numbers": 413,
    "empty texts as a tensor": 413,
    "a split table of columns": 413,
    "16 MB of empty lines": 422,
    "800,000 gzip members": 400,
    "gzip of more than is taken": 413,
    "zstd with a window of 2 GB": 400,
    "100,000 good CSV rows": 200,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("worst") / "models"
    build(store, "--set", "n_estimators=5")
    with serve(store, WEB_CONCURRENCY="1") as running:
        yield running


@pytest.mark.parametrize("title", STATUSES)
def test_a_body_is_answered_and_leaves_nothing_behind(service: Service, title: str) -> None:
    (body,) = (one for one in BODIES if one.title == title)
    (worker,) = service.workers()
    cost = cost_of(service.port, worker.pid, body.path, body.headers, body.pack(body.make()))
    assert cost.status == STATUSES[title]
    assert cost.answered < 16e6
    assert cost.asked  # /livez, meanwhile
    assert cost.took < 10 * MOST
    assert cost.kept < 30e6
