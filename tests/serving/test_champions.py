"""The champions: followed, swapped whole, and kept when a new one cannot be loaded."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from errors import ModelNotReady, ModelUnknown, StoreUnavailable
from learning.prediction import Outputs
from learning.runtimes.sklearn import SklearnRuntime, dump
from learning.trained import Golden, TrainedModel
from persistence.model_persistence import write_model
from persistence.opening import open_registry
from persistence.registry import Registry
from serving.champions import START_SECONDS, Champions
from serving.http.routes.health import readiness
from tables.batch import Batch
from tables.rows import RowCodec
from tests.servers import wait_until
from tests.serving.factory import ROW, SIGNATURE, make_live

ROWS = [ROW | {"age": age, "home": home} for age in range(20, 60, 5) for home in ("rent", "owner")]


def register(
    registry: Registry,
    *,
    name: str = "credit",
    seed: int = 0,
    lie: float = 0.0,
    golden_rows: list[dict[str, Any]] = ROWS,
) -> str:
    """Register a small forest; with `lie`, golden answers that are that far off."""
    batch = RowCodec(SIGNATURE).encode_objects(ROWS)
    forest = RandomForestClassifier(3, random_state=seed).fit(batch.matrix, [0, 1] * 8)
    answers = SklearnRuntime(forest).outputs(batch) + lie
    golden = Golden(golden_rows, answers.tolist())
    return write_model(
        registry, name, TrainedModel(SIGNATURE, "sklearn", False, dump(forest), golden)
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(str(tmp_path / "models"))


def test_a_promotion_is_followed_and_a_roll_back_too(registry):
    first, second = register(registry, seed=1), register(registry, seed=2)
    registry.promote("credit", first)
    champions = Champions(registry)
    champions.refresh()
    assert champions.live("credit").version == first
    registry.promote("credit", second)
    assert champions.live("credit").version == first
    champions.refresh()
    assert champions.live("credit").version == second
    registry.rollback("credit")
    champions.refresh()
    assert champions.live("credit").version == first


def test_what_does_not_answer_its_golden_rows_is_refused_and_the_old_champion_stays(
    registry, caplog
):
    good = register(registry)
    registry.promote("credit", good)
    events: list[tuple[str, str]] = []
    champions = Champions(registry, on_load=lambda *event: events.append(event))
    champions.refresh()
    registry.promote("credit", register(registry, lie=2e-5))
    with caplog.at_level(logging.ERROR):
        champions.refresh()
        champions.refresh()
    assert champions.live("credit").version == good
    assert len(caplog.records) == 1, "a failure is said once, not at every look"
    assert events == [("credit", "loaded"), ("credit", "failed")]
    assert readiness(champions)["status"] == "degraded"
    assert "golden row" in readiness(champions)["faults"]["credit"]


@pytest.mark.parametrize(
    ("lie", "loaded"), [(1.1e-5, False), (9e-6, True), (-1.1e-5, False), (float("nan"), False)]
)
def test_a_golden_answer_may_be_a_hundred_thousandth_away(registry, lie, loaded):
    registry.promote("credit", register(registry, lie=lie))
    champions = Champions(registry)
    champions.refresh()
    assert ("credit" in champions.lives) is loaded


def test_golden_answers_of_another_shape_are_refused(registry):
    registry.promote("credit", register(registry, golden_rows=ROWS[:-1]))
    champions = Champions(registry)
    champions.refresh()
    assert champions.lives == {}
    assert "another shape" in champions.faults["credit"]


class Fixed:
    """A runtime that gives every row the same two probabilities."""

    name, compiled, quick = "fixed", True, True

    def outputs(self, batch: Batch) -> Outputs:
        """Return `[n, 2]` probabilities."""
        return np.array([[0.123456789, 0.876543211]] * len(batch.matrix), dtype=np.float64)


@pytest.mark.parametrize("rows", [1, 2])
def test_an_answer_has_seven_decimals(rows):
    live = dataclasses.replace(make_live(), runtime=Fixed())
    prediction = live.predict(live.codec.encode_objects([ROW] * rows))
    assert prediction.probabilities == [[0.1234568, 0.8765432]] * rows
    assert prediction.winners == [1] * rows


def test_a_store_out_of_reach_leaves_the_champions_serving_and_is_mended(registry):
    version = register(registry)
    registry.promote("credit", version)
    champions = Champions(Unreliable(registry))
    champions.refresh()
    Unreliable.broken = True
    champions.refresh()
    assert champions.live("credit").version == version
    assert readiness(champions)["status"] == "degraded"
    Unreliable.broken = False
    champions.refresh()
    assert readiness(champions)["status"] == "ready"


class Unreliable:
    """A registry that can be cut off."""

    broken = False

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        if self.broken:
            raise StoreUnavailable("the store is out of reach")
        return getattr(self._registry, name)


class Other:
    """A registry that answers something else to one question."""

    def __init__(self, registry: Registry, **answers: Any) -> None:
        self._registry = registry
        self.answers = answers

    def __getattr__(self, name: str) -> Any:
        if name in self.answers:
            return lambda *_: self.answers[name]
        return getattr(self._registry, name)


def test_a_model_that_is_gone_is_forgotten(registry):
    for name in ("credit", "iris"):
        registry.promote(name, register(registry, name=name))
    other = Other(registry)
    champions = Champions(other)
    champions.refresh()
    assert set(champions.lives) == {"credit", "iris"}
    other.answers = {"shown": ["credit"]}
    champions.refresh()
    assert set(champions.lives) == {"credit"}


def emptied(store: Path) -> None:
    """As when the folder is no longer mounted: what lies under it is another, empty one."""
    shutil.move(store, store.with_name("elsewhere"))
    store.mkdir()


def test_a_store_that_shows_nothing_any_more_is_none_without_models(registry, tmp_path):
    version = register(registry)
    registry.promote("credit", version)
    champions = Champions(registry)
    champions.refresh()
    emptied(tmp_path / "models")
    champions.refresh()
    assert champions.live("credit").version == version
    assert readiness(champions)["status"] == "degraded"
    assert "shows no models, where there were 1" in champions.faults["registry"]
    with pytest.raises(ModelNotReady, match="the store cannot be seen"):
        champions.live("iris")

    (tmp_path / "models").rmdir()
    shutil.move(tmp_path / "elsewhere", tmp_path / "models")
    champions.refresh()
    assert readiness(champions)["status"] == "ready"
    with pytest.raises(ModelUnknown):
        champions.live("iris")


def test_a_process_that_starts_before_its_store_is_mounted_knows_that_models_are_missing(tmp_path):
    def started() -> Champions:
        return Champions(open_registry(str(tmp_path / "models")))

    registry = open_registry(str(tmp_path / "models"))
    registry.promote("credit", register(registry))
    emptied(tmp_path / "models")
    champions = started()
    champions.refresh()
    with pytest.raises(ModelNotReady):
        champions.live("credit")
    assert readiness(champions)["status"] == "unready"


def test_a_store_out_of_reach_at_the_start_is_not_ready_and_no_unknown_model(registry):
    Unreliable.broken = True
    champions = Champions(Unreliable(registry))
    champions.refresh()
    Unreliable.broken = False
    with pytest.raises(ModelNotReady):
        champions.live("credit")


def test_another_artifact_under_the_same_version_is_not_mistaken_for_the_old_one(registry):
    registry.promote("credit", register(registry))
    other = Other(registry)
    champions = Champions(other)
    champions.refresh()
    champion = registry.champion("credit")
    assert champion is not None
    other.answers = {"champion": msgspec.structs.replace(champion, sha256="0" * 64)}
    champions.refresh()
    assert "credit" in champions.faults
    assert "credit" in champions.lives


def test_only_wanted_models_are_loaded_and_a_missing_one_is_unready(registry):
    for name in ("credit", "iris"):
        registry.promote(name, register(registry, name=name))
    champions = Champions(registry, names=("credit", "loans"))
    champions.refresh()
    assert set(champions.lives) == {"credit"}
    with pytest.raises(ModelNotReady):
        champions.live("loans")
    with pytest.raises(ModelUnknown):
        champions.live("iris")
    assert readiness(champions)["status"] == "unready"


def test_a_model_that_is_followed_is_not_ready_before_it_is_looked_at(registry):
    champions = Champions(registry, names=("loans",))
    with pytest.raises(ModelNotReady):
        champions.live("loans")


def test_a_version_that_was_never_promoted_is_no_fault(registry):
    registry.promote("credit", register(registry))
    register(registry, name="later")
    champions = Champions(registry)
    champions.refresh()
    assert readiness(champions)["status"] == "ready"


def test_a_request_keeps_the_model_that_it_took(registry):
    first, second = register(registry, seed=1), register(registry, seed=2)
    registry.promote("credit", first)
    champions = Champions(registry)
    champions.refresh()
    live = champions.live("credit")
    before = live.predict(live.codec.encode_objects([ROW]))
    registry.promote("credit", second)
    champions.refresh()
    assert live.version == first
    assert live.predict(live.codec.encode_objects([ROW])) == before


def test_the_followers_thread_swaps_by_itself_and_stops(registry):
    first = register(registry)
    registry.promote("credit", first)
    swapped = threading.Event()
    champions = Champions(
        registry, poll_seconds=0.01, on_load=lambda *event: swapped.set() if loaded() else None
    )

    def loaded() -> bool:
        return bool(champions.lives) and champions.live("credit").version != first

    champions.start()
    try:
        registry.promote("credit", register(registry, seed=5))
        assert swapped.wait(10)
    finally:
        champions.stop()


def test_a_store_that_does_not_answer_is_not_waited_for_at_the_start(registry):
    registry.promote("credit", register(registry))
    asked = threading.Event()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            assert asked.wait(30)
            return getattr(registry, name)

    champions = Champions(Slow(), poll_seconds=0.01)
    champions.start(patience=0.05)
    try:
        assert not champions.ready
        assert champions.faults == {"registry": "the models are being loaded"}
        with pytest.raises(ModelNotReady, match="are being loaded"):
            champions.live("credit")
        asked.set()
        wait_until(lambda: champions.ready, "the champion")
        assert champions.faults == {}
        with pytest.raises(ModelUnknown):
            champions.live("another")
    finally:
        asked.set()
        champions.stop()


def test_a_store_that_vanishes_before_its_model_could_be_loaded_is_not_one_without(tmp_path):
    folder = tmp_path / "models"
    registry = open_registry(str(folder))
    registry.promote("credit", register(registry))
    stranger = open_registry(str(folder), key_folder=str(tmp_path / "others"))
    champions = Champions(stranger)
    champions.refresh()
    assert "not trusted" in champions.faults["credit"]
    folder.rename(tmp_path / "away")
    champions.refresh()
    assert "shows no models" in champions.faults["registry"]
    with pytest.raises(ModelNotReady):
        champions.live("credit")


def test_a_start_is_shorter_than_gunicorns_patience():
    assert START_SECONDS == 10


def test_a_signature_survives_the_artifact(registry):
    registry.promote("credit", register(registry))
    champions = Champions(registry)
    champions.refresh()
    kept = champions.live("credit").schema
    assert msgspec.json.encode(kept) == msgspec.json.encode(SIGNATURE)
