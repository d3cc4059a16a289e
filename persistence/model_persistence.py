"""read_model and write_model: the face of persistence that scripts and notebooks use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from learning.families import families
from learning.prediction import Probabilities, Runtime
from learning.runtimes import load_runtime
from persistence.artifact import Artifact, Manifest, RuntimeInfo, pack
from persistence.libraries import needs_of, versions_of
from persistence.registry import Registry, new_version
from tables.rows import RowCodec
from tables.schema import Class, Schema

# What a model's making may depend on, beside its family's libraries; the manifest lists
# those that are installed.
LIBRARIES = (
    "python",
    "numpy",
    "scikit-learn",
    "onnxruntime",
    "skl2onnx",
    "onnx",
    "skops",
    "joblib",
    "snowballstemmer",
)


class Predicted(NamedTuple):
    """The class predicted for one row, its probability, and those of all classes by name."""

    value: Class
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Model:
    """A model that was read back: it predicts, and tells of itself."""

    artifact: Artifact
    schema: Schema
    codec: RowCodec
    runtime: Runtime

    @property
    def name(self) -> str:
        """The model's name."""
        return self.artifact.manifest.name

    @property
    def version(self) -> str:
        """The version's id."""
        return self.artifact.manifest.version

    @property
    def info(self) -> dict[str, Any]:
        """What the model tells of itself: its estimator, importances, parameters."""
        return dict(self.artifact.document("info.json"))

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics on the hold-out."""
        return dict(self.artifact.document("metrics.json"))

    def probabilities(self, rows: list[dict[str, Any]]) -> Probabilities:
        """Return the probabilities `[n, k]` of the label's classes; raises RowsError."""
        return self.runtime.probabilities(self.codec.encode_objects(rows))

    def predict(self, rows: list[dict[str, Any]]) -> list[Predicted]:
        """Return what is predicted for each row, a dict by feature name; raises RowsError."""
        return [self._predicted(row) for row in self.probabilities(rows).tolist()]

    def _predicted(self, probabilities: list[float]) -> Predicted:
        label = self.schema.label
        winner = probabilities.index(max(probabilities))
        named = dict(zip(label.keys, probabilities, strict=True))
        return Predicted(label.classes[winner], probabilities[winner], named)


def read_model(name: str, registry: Registry, version: str | None = None) -> Model:
    """Return a version of a model, its champion if none is named.

    Raises ModelUnknown, VersionUnknown, StoreUnavailable and the ArtifactErrors.
    """
    if version is None:
        return load_model(registry.read_champion(name)[1])
    return load_model(registry.read(name, version))


def load_model(artifact: Artifact) -> Model:
    """Make a model of a verified artifact; raises the ArtifactErrors."""
    schema = artifact.schema
    runtime = load_runtime(artifact.manifest.runtime.name, artifact.members)
    return Model(artifact, schema, RowCodec(schema), runtime)


def write_model(
    registry: Registry,
    *,
    name: str,
    schema: Schema,
    runtime: RuntimeInfo,
    members: Mapping[str, bytes],
    metrics: Mapping[str, Any],
    info: Mapping[str, Any],
    golden: Mapping[str, Any],
    training_rows: int,
    protocols: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
    moment: datetime | None = None,
) -> str:
    """Pack a model, sign it if the registry has a signer, register it, return its version.

    `members` are the runtime's bytes and the estimator's. `golden` holds `rows`
    (objects) and their `probabilities`. It becomes the challenger; to serve
    it, promote it. Raises Conflict, StoreUnavailable, AccessError.
    """
    moment = moment or datetime.now(UTC)
    own = [library for family in families() for library in family.libraries]
    manifest = Manifest(
        name=name,
        version=new_version(moment),
        created_at=moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        label=schema.label.name,
        classes=schema.label.classes,
        runtime=runtime,
        libraries=versions_of((*LIBRARIES, *own)),
        needs=needs_of(runtime.name, members),
        protocols=tuple(protocols),
        training_rows=training_rows,
        extra=dict(extra or {}),
    )
    documents = {
        "signature.json": schema,
        "metrics.json": metrics,
        "info.json": info,
        "golden.json": golden,
    }
    # Not sorted: importances stand in descending order.
    encoded = {n: msgspec.json.encode(d) for n, d in documents.items()}
    data = pack(manifest, {**members, **encoded}, registry.signer)
    return registry.register(name, data)
