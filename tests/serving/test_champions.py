"""The predictor: it follows champions, swaps whole models, and keeps the old one when it must."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sklearn.ensemble import RandomForestClassifier

from errors import ModelNotReady, ModelUnknown, StoreUnavailable
from learning.runtimes.sklearn import SklearnRuntime, dump
from persistence.artifact import RuntimeInfo
from persistence.model_persistence import write_model
from persistence.opening import open_registry
from persistence.registry import Registry
from serving.champions import GOLDEN_TOLERANCE, Predictor
from serving.http.routes.health import readiness
from tables.rows import RowCodec
from tests.serving.factory import ROW, SIGNATURE

ROWS = [ROW | {"age": age, "home": home} for age in range(20, 60, 5) for home in ("rent", "owner")]


def register(registry: Registry, *, name: str = "credit", seed: int = 0, lie: float = 0.0) -> str:
    """Register a small forest; with `lie`, golden answers that are that far off."""
    batch = RowCodec(SIGNATURE).encode_objects(ROWS)
    forest = RandomForestClassifier(3, random_state=seed).fit(batch.matrix, [0, 1] * 8)
    answers = SklearnRuntime(forest).probabilities(batch) + lie
    return write_model(
        registry,
        name=name,
        signature=SIGNATURE,
        runtime=RuntimeInfo("sklearn", False),
        members=dump(forest),
        metrics={},
        info={},
        golden={"rows": ROWS, "probabilities": answers.tolist()},
        training_rows=len(ROWS),
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(str(tmp_path / "models"))


def test_a_promotion_is_followed_and_a_roll_back_too(registry):
    first, second = register(registry, seed=1), register(registry, seed=2)
    registry.promote("credit", first)
    predictor = Predictor(registry)
    predictor.refresh()
    assert predictor.live("credit").version == first
    registry.promote("credit", second)
    assert predictor.live("credit").version == first
    predictor.refresh()
    assert predictor.live("credit").version == second
    registry.rollback("credit")
    predictor.refresh()
    assert predictor.live("credit").version == first


def test_what_does_not_answer_its_golden_rows_is_refused_and_the_old_champion_stays(
    registry, caplog
):
    good = register(registry)
    registry.promote("credit", good)
    events: list[tuple[str, str]] = []
    predictor = Predictor(registry, on_load=lambda *event: events.append(event))
    predictor.refresh()
    registry.promote("credit", register(registry, lie=2 * GOLDEN_TOLERANCE))
    with caplog.at_level(logging.ERROR):
        predictor.refresh()
        predictor.refresh()
    assert predictor.live("credit").version == good
    assert len(caplog.records) == 1, "a failure is said once, not at every look"
    assert events == [("credit", "loaded"), ("credit", "failed")]
    assert readiness(predictor)["status"] == "degraded"
    assert "golden row" in readiness(predictor)["faults"]["credit"]


def test_a_store_out_of_reach_leaves_the_champions_serving_and_is_mended(registry):
    version = register(registry)
    registry.promote("credit", version)
    predictor = Predictor(Unreliable(registry))
    predictor.refresh()
    Unreliable.broken = True
    predictor.refresh()
    assert predictor.live("credit").version == version
    assert readiness(predictor)["status"] == "degraded"
    Unreliable.broken = False
    predictor.refresh()
    assert readiness(predictor)["status"] == "ready"


class Unreliable:
    """A registry that can be cut off."""

    broken = False

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        if self.broken:
            raise StoreUnavailable("the store is out of reach")
        return getattr(self._registry, name)


def test_only_wanted_models_are_loaded_and_a_missing_one_is_unready(registry):
    for name in ("credit", "iris"):
        registry.promote(name, register(registry, name=name))
    predictor = Predictor(registry, names=("credit", "loans"))
    predictor.refresh()
    assert set(predictor.lives) == {"credit"}
    with pytest.raises(ModelNotReady):
        predictor.live("loans")
    with pytest.raises(ModelUnknown):
        predictor.live("iris")
    assert readiness(predictor)["status"] == "unready"


def test_a_version_that_was_never_promoted_is_no_fault(registry):
    registry.promote("credit", register(registry))
    register(registry, name="later")
    predictor = Predictor(registry)
    predictor.refresh()
    assert readiness(predictor)["status"] == "ready"


def test_a_request_keeps_the_model_that_it_took(registry):
    first, second = register(registry, seed=1), register(registry, seed=2)
    registry.promote("credit", first)
    predictor = Predictor(registry)
    predictor.refresh()
    taken = predictor.live("credit")
    before = taken.predict(taken.codec.encode_objects([ROW]))
    registry.promote("credit", second)
    predictor.refresh()
    assert taken.version == first
    assert taken.predict(taken.codec.encode_objects([ROW])) == before


def test_the_followers_thread_swaps_by_itself_and_stops(registry):
    first = register(registry)
    registry.promote("credit", first)
    swapped = threading.Event()
    predictor = Predictor(
        registry, poll_seconds=0.01, on_load=lambda *event: swapped.set() if loaded() else None
    )

    def loaded() -> bool:
        return bool(predictor.lives) and predictor.live("credit").version != first

    predictor.start()
    try:
        registry.promote("credit", register(registry, seed=5))
        assert swapped.wait(10)
    finally:
        predictor.stop()


def test_a_signature_survives_the_artifact(registry):
    registry.promote("credit", register(registry))
    predictor = Predictor(registry)
    predictor.refresh()
    kept = predictor.live("credit").signature
    assert msgspec.json.encode(kept) == msgspec.json.encode(SIGNATURE)
