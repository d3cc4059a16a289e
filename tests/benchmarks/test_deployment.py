from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import deployment
from benchmarks.catalog import COMPARED, JOBS, OURS, OURS_TWICE
from benchmarks.deployment import forget_jobs
from benchmarks.grpc_against_rest import REST


def test_jobs_of_a_former_run_are_gone_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "JOBS", tmp_path / "jobs.db")
    for name in ("jobs.db", "jobs.db-wal", "jobs.db-shm", "bodies-18100"):
        (tmp_path / name).touch()
    forget_jobs()
    forget_jobs()
    assert [path.name for path in tmp_path.iterdir()] == ["bodies-18100"]


def test_this_service_is_measured_with_its_default_worker_and_a_database_of_the_benchmark() -> None:
    for system in (OURS, OURS_TWICE, REST):
        assert system.environ["TRAINING_WORKER"] == "embedded"
        assert system.environ["DATABASE_URL"] == f"sqlite:///{JOBS}"
    assert sum("DATABASE_URL" in system.environ for system in COMPARED) == 2
