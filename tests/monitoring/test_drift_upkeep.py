"""Upkeep of drift: new rows of the log, looked at once each, become a state and a report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from learning.profile import dump
from monitoring.drift_documents import DriftDocuments
from monitoring.drift_report import NO_PROFILE
from monitoring.drift_state import State
from monitoring.drift_upkeep import DriftUpkeep, Truths
from monitoring.reading import LogReader
from monitoring.truths import Known
from persistence.artifact import pack
from persistence.registry import Registry
from tests.monitoring.samples import Logged, make_logged
from tests.monitoring.watched import drawn, make_watch
from tests.persistence.artifacts import MEMBERS, make_manifest, make_registry
from tests.serving.factory import SIGNATURE, ask, make_live

PROFILE = make_watch().profile
# The version that `make_logged` answers with.
VERSION = make_live().version


def registered(version: str = VERSION, with_profile: bool = True) -> Registry:
    registry = make_registry()
    add(registry, version, with_profile)
    return registry


def add(registry: Registry, version: str, with_profile: bool = True) -> None:
    members = MEMBERS | {"signature.json": msgspec.json.encode(SIGNATURE)}
    if with_profile:
        members |= dump(PROFILE)
    registry.register("credit", pack(make_manifest(version), members, registry.signer))
    registry.promote("credit", version)


def answer(folder: Path, rows: int, seed: int, **options: Any) -> Logged:
    """Let a service answer rows, some hundreds a request, and return it with its log."""
    logged = make_logged(folder)
    found = drawn(rows, seed, **options).objects(range(rows))
    for row in found:
        row["home"] = "a cave" if row["home"] == "other" else row["home"]
    for start in range(0, rows, 500):
        ask(logged.service, "/v0/predict", found[start : start + 500])
    logged.log.close()
    return logged


def upkeep(logged: Logged, registry: Registry, truths: Truths | None = None) -> DriftUpkeep:
    reader = LogReader(logged.archive, logged.spool)
    return DriftUpkeep(registry, reader, DriftDocuments(logged.archive), truths=truths)


def state_of(logged: Logged) -> State:
    data, _ = DriftDocuments(logged.archive).state("credit")
    assert data is not None
    return msgspec.json.decode(data, type=State)


def now() -> datetime:
    return datetime.now(UTC)


def test_rows_are_looked_at_once_and_a_report_is_written(tmp_path: Path) -> None:
    logged, registry = answer(tmp_path, 1000, 2), registered()
    assert upkeep(logged, registry).look(["credit"], now()) == ["credit"]
    first = state_of(logged)
    assert (first.version, first.rows) == (VERSION, 1000)
    logged.archived()
    assert upkeep(logged, registry).look(["credit"], now()) == ["credit"]
    assert state_of(logged).rows == 1000
    answer(tmp_path, 500, 3)
    upkeep(logged, registry).look(["credit"], now())
    assert state_of(logged).rows == 1500
    found = DriftDocuments(logged.archive).report("credit")
    assert found is not None
    assert (found["name"], found["version"], found["rows"]) == ("credit", VERSION, 1500)
    assert found["alarm"] is False


def test_what_a_client_broke_is_told(tmp_path: Path) -> None:
    logged = answer(tmp_path, 1000, 2, missing=0.4, home=[0.5, 0.3, 0.2])
    upkeep(logged, registered()).look(["credit"], now())
    found = DriftDocuments(logged.archive).report("credit")
    assert found is not None
    assert any(line.startswith("income is missing in 4") for line in found["said"])
    assert any("home is none of the values of training" in line for line in found["said"])
    assert {c["name"] for c in found["inputs"]["columns"] if c["alarm"]} == {"income", "home"}


def test_evidence_of_the_hours_gone_by_is_staked_once(tmp_path: Path) -> None:
    logged, registry = answer(tmp_path, 400, 2), registered()
    upkeep(logged, registry).look(["credit"], now())
    week = max(np.array(state_of(logged).courses["lanes"][-1]).ravel())
    # A week of hours, and what bets have made of them.
    assert 20 < week < 168 * 50
    for _ in range(3):
        upkeep(logged, registry).look(["credit"], now())
    assert max(np.array(state_of(logged).courses["lanes"][-1]).ravel()) == week


def test_the_hours_gone_by_are_staked_once_however_many_files_have_the_rows(
    tmp_path: Path,
) -> None:
    staked: list[float] = []
    for _ in range(3):
        logged = answer(tmp_path, 100, 2)
    logged.archived()

    class Watching(DriftUpkeep):
        def _absorb(self, name: str, artifact: Any, watch: Any, *others: Any) -> None:
            look = watch.look

            def noted(courses: Any, rows: Any, known: Any, hours: float, seed: int) -> Any:
                staked.append(hours)
                return look(courses, rows, known, hours, seed)

            watch.look = noted
            super()._absorb(name, artifact, watch, *others)

    reader, documents = LogReader(logged.archive, logged.spool), DriftDocuments(logged.archive)
    Watching(registered(), reader, documents).look(["credit"], now())
    assert len(staked) == 3
    assert sum(staked) == pytest.approx(7 * 24)


def test_another_version_begins_anew_and_rows_of_the_old_one_are_not_its(tmp_path: Path) -> None:
    logged, registry = answer(tmp_path, 400, 2), registered()
    upkeep(logged, registry).look(["credit"], now())
    add(registry, "20261124t000000z-000002")
    upkeep(logged, registry).look(["credit"], now())
    state = state_of(logged)
    assert (state.version, state.rows) == ("20261124t000000z-000002", 0)


def test_rows_that_may_come_late_are_waited_for(tmp_path: Path) -> None:
    logged, registry = answer(tmp_path, 400, 2), registered()
    reader, documents = LogReader(logged.archive, logged.spool), DriftDocuments(logged.archive)
    late = DriftUpkeep(registry, reader, documents, late=timedelta(minutes=15))
    late.look(["credit"], now())
    assert state_of(logged).rows == 0
    late.look(["credit"], now() + timedelta(minutes=16))
    assert state_of(logged).rows == 400


def test_labels_are_taken_as_they_come(tmp_path: Path) -> None:
    logged, rows = answer(tmp_path, 300, 2), drawn(900, 4)
    asked: list[tuple[str, str]] = []

    def truths(model: str, version: str, start: datetime, end: datetime) -> Iterator[Known]:
        asked.append((model, version))
        p = 1 / (1 + np.exp(-rows.batch.matrix[:, 0] / 100))
        yield Known(np.stack([1 - p, p], axis=-1), 1 - rows.target)

    upkeep(logged, registered(), truths).look(["credit"], now())
    found = DriftDocuments(logged.archive).report("credit")
    assert asked == [("credit", VERSION)]
    assert found is not None
    assert found["labelled"] == 900
    assert found["harm"]["measured"]["alarm"] is True


def test_a_model_without_a_profile_and_one_that_is_unknown(tmp_path: Path) -> None:
    logged = answer(tmp_path, 10, 2)
    registry = registered(with_profile=False)
    assert upkeep(logged, registry).look(["credit", "iris"], now()) == ["credit"]
    found = DriftDocuments(logged.archive).report("credit")
    assert found is not None
    assert found["said"] == [NO_PROFILE]


def test_a_state_of_another_release_begins_anew(tmp_path: Path) -> None:
    logged = answer(tmp_path, 300, 2)
    DriftDocuments(logged.archive).keep_state("credit", b'{"version": 1}', None)
    upkeep(logged, registered()).look(["credit"], now())
    assert state_of(logged).rows == 300


def test_of_two_workers_that_look_at_once_one_counts(tmp_path: Path) -> None:
    logged, registry = answer(tmp_path, 300, 2), registered()
    documents = DriftDocuments(logged.archive)

    class Slow(LogReader):
        def tables(self, *arguments: Any, **options: Any) -> Iterator[Any]:
            yield from super().tables(*arguments, **options)
            upkeep(logged, registry).look(["credit"], now())

    slow = DriftUpkeep(registry, Slow(logged.archive, logged.spool), documents)
    assert slow.look(["credit"], now()) == []
    assert state_of(logged).rows == 300
