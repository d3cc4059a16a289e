"""Small artifacts for the tests of persistence."""

from __future__ import annotations

from typing import Any

import msgspec

from persistence.artifact import Manifest, RuntimeInfo, pack
from persistence.registry import Registry
from persistence.seal import Signer, new_key, trust_in
from persistence.stores.memory import MemoryStore
from tables.schema import Feature, Schema, Target

SIGNATURE = Schema(
    (
        Feature("age", "integer", example=30),
        Feature("home", "category", categories=("own", "rent")),
    ),
    Target("approved", (False, True)),
)
MEMBERS = {
    "signature.json": msgspec.json.encode(SIGNATURE),
    "metrics.json": b'{"roc_auc":0.75}',
    "info.json": b'{"model_name":"RandomForestClassifier"}',
    "golden.json": b'{"rows":[],"probabilities":[]}',
    "model.onnx": bytes(range(256)) * 40,
    "estimator.skops": b"estimator",
}


def make_manifest(version: str = "v1", name: str = "credit", **other: Any) -> Manifest:
    """Return the manifest of a compiled model that needs no library."""
    return Manifest(
        name=name,
        version=version,
        created_at="2026-11-23T00:11:55Z",
        label="approved",
        classes=(False, True),
        runtime=RuntimeInfo("onnx", True, {"rows": 1000, "largest_difference": 1e-7}),
        **{"libraries": {"scikit-learn": "0.1.0"}, "training_rows": 800, **other},
    )


def make_artifact(
    version: str = "v1", name: str = "credit", signer: Signer | None = None, **other: Any
) -> bytes:
    """Return the bytes of an artifact."""
    return pack(make_manifest(version, name, **other), MEMBERS, signer)


def make_registry() -> Registry:
    """Return an empty registry in memory that signs and trusts its own key, as a service's does."""
    signer = new_key()
    return Registry(MemoryStore(), signer, trust_in(signer.public))
