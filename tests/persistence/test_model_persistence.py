"""read_model and write_model: a real model goes in and answers the same when it comes back."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from errors import ArtifactUntrusted, Conflict, ModelUnknown, RowsError, VersionUnknown
from learning.runtimes import sklearn as by_estimator
from learning.trained import Golden, TrainedModel
from persistence.libraries import installed_version
from persistence.model_persistence import read_model, write_model
from persistence.registry import Registry
from persistence.seal import PrivateKey, trust_in
from persistence.stores.memory import MemoryStore
from tables.schema import Feature, Schema, Target

SIGNATURE = Schema(
    (
        Feature("size", "number", example=1.0),
        Feature("home", "category", categories=("own", "rent"), example="own"),
    ),
    Target("approved", (False, True)),
)
ROWS = [{"size": 0.5, "home": "rent"}, {"size": 9.5, "home": "own"}]
MOMENT = datetime(2026, 11, 23, 0, 11, 55, tzinfo=UTC)


@pytest.fixture
def registry(signer: PrivateKey) -> Registry:
    """A registry of signed models."""
    return Registry(MemoryStore(), signer, trust_in(signer.public))


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    """A forest that approves large sizes."""
    matrix = np.array([[n % 10, n % 2] for n in range(100)], dtype=np.float32)
    forest = RandomForestClassifier(5, random_state=0)
    return forest.fit(matrix, matrix[:, 0] > 4)


def _write(registry: Registry, forest: RandomForestClassifier, name: str = "credit") -> str:
    model = TrainedModel(
        schema=SIGNATURE,
        runtime_name="sklearn",
        compiled=False,
        reason="a test",
        members=by_estimator.dump(forest),
        metrics={"roc_auc": 1.0},
        info={"model_name": "RandomForestClassifier"},
        golden=Golden(ROWS, [[0.0, 1.0], [1.0, 0.0]]),
        training_rows=80,
        protocols=("v0",),
        origin={"recipe": "credit"},
    )
    return write_model(registry, name, model, MOMENT)


def test_what_is_written_is_read_and_answers_the_same(
    registry: Registry, forest: RandomForestClassifier
) -> None:
    version = _write(registry, forest)
    model = read_model("credit", registry, version)
    matrix = np.array([[0.5, 1], [9.5, 0]], dtype=np.float32)
    assert np.array_equal(model.outputs(ROWS), forest.predict_proba(matrix))
    first, second = model.predict(ROWS)
    assert (first.value, second.value) == (False, True)
    assert second.probability == second.probabilities["true"] == model.outputs(ROWS)[1, 1]
    assert list(second.probabilities) == ["false", "true"]


def test_a_model_tells_of_itself(registry: Registry, forest: RandomForestClassifier) -> None:
    version = _write(registry, forest)
    model = read_model("credit", registry, version)
    assert (model.name, model.version) == ("credit", version)
    assert version.startswith("20261123t001155z-")
    assert model.metrics == {"roc_auc": 1.0}
    assert model.info == {"model_name": "RandomForestClassifier"}
    assert model.schema == SIGNATURE
    manifest = model.artifact.manifest
    assert manifest.created_at == "2026-11-23T00:11:55Z"
    assert manifest.libraries["scikit-learn"] == installed_version("scikit-learn")
    assert manifest.needs == ("scikit-learn", "numpy", "skops")
    assert (manifest.protocols, manifest.extra, manifest.training_rows) == (
        ("v0",),
        {"recipe": "credit"},
        80,
    )


def test_what_is_written_becomes_the_challenger_and_no_more(
    registry: Registry, forest: RandomForestClassifier
) -> None:
    version = _write(registry, forest)
    challenger = registry.challenger("credit")
    assert challenger is not None
    assert challenger.version == version
    with pytest.raises(ModelUnknown, match="champion"):
        read_model("credit", registry)
    registry.promote("credit", version)
    assert read_model("credit", registry).version == version


def test_what_is_not_there_is_said_so(registry: Registry, forest: RandomForestClassifier) -> None:
    _write(registry, forest)
    with pytest.raises(VersionUnknown):
        read_model("credit", registry, "v9")
    with pytest.raises(ModelUnknown):
        read_model("loans", registry)


def test_rows_are_checked(registry: Registry, forest: RandomForestClassifier) -> None:
    model = read_model("credit", registry, _write(registry, forest))
    with pytest.raises(RowsError):
        model.predict([{"size": "large", "home": "own"}])


def test_an_unsigned_estimator_is_not_loaded(forest: RandomForestClassifier) -> None:
    registry = Registry(MemoryStore())
    version = _write(registry, forest)
    with pytest.raises(ArtifactUntrusted, match=r"estimator\.\w+ can run code"):
        read_model("credit", registry, version)


def test_a_conflict_of_versions_is_passed_on(
    registry: Registry, forest: RandomForestClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.registry.secrets.token_hex", lambda n: "0" * 2 * n)
    _write(registry, forest)
    with pytest.raises(Conflict):
        _write(registry, forest)
