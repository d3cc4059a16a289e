"""read_model and write_model: the face of persistence that scripts and notebooks use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from errors import ArtifactDamaged
from learning.families import families
from learning.prediction import Outputs, Runtime
from learning.runtimes import load_runtime
from learning.tasks import task_of
from learning.trained import TrainedModel
from persistence.artifact import Artifact, Manifest, RuntimeInfo, pack
from persistence.libraries import needs_of, versions_of
from persistence.registry import Registry
from tables.rows import RowCodec
from tables.schema import Schema

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


# The largest difference between a golden answer and the loaded model's, of quantities in
# the largest of them; the same bound as the equivalence check has.
GOLDEN_TOLERANCE = 1e-5


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

    def outputs(self, rows: list[dict[str, Any]]) -> Outputs:
        """Return the runtime's outputs `[n, width]`: of classes their probabilities.

        Raises RowsError.
        """
        return self.runtime.outputs(self.codec.encode_objects(rows))

    def predict(self, rows: list[dict[str, Any]]) -> list[Any]:
        """Return what is predicted for each row, a dict by feature name; raises RowsError.

        Each is a tuple with its `value` first, as the model's task has it: of
        classes with the value's `probability`, and the `probabilities` of all by name.
        """
        target = self.schema.target
        return task_of(target).predicted(self.outputs(rows), target)


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


def load_proven(artifact: Artifact) -> Model:
    """Make a model of a verified artifact that answers its golden rows as in training.

    Raises ArtifactDamaged when it does not, and the other ArtifactErrors.
    """
    model, golden = load_model(artifact), artifact.document("golden.json")
    expected = np.asarray(golden["probabilities"], dtype=np.float64)
    answered = model.outputs(golden["rows"])
    if expected.shape != answered.shape:
        raise ArtifactDamaged(f"{model.name} {model.version}: golden answers have another shape")
    largest = float(np.abs(expected - answered).max(initial=0.0))
    if not largest <= GOLDEN_TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0.0))):
        raise ArtifactDamaged(
            f"{model.name} {model.version}: a golden row is answered {largest:.1e} away from "
            f"what it was in training; {GOLDEN_TOLERANCE:.0e} is allowed"
        )
    return model


def write_model(
    registry: Registry, name: str, model: TrainedModel, moment: datetime | None = None
) -> str:
    """Pack a model, sign it if the registry has a signer, register it, return its version.

    It becomes the challenger; to serve it, promote it. Raises Conflict,
    StoreUnavailable, AccessError.
    """
    moment = moment or datetime.now(UTC)
    own = [library for family in families() for library in family.libraries]
    manifest = Manifest(
        name=name,
        version=registry.new_version(name, moment),
        created_at=moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        label=model.schema.target.name,
        classes=model.schema.target.classes,
        runtime=RuntimeInfo(model.runtime_name, model.compiled, model.parity, model.reason),
        libraries=versions_of((*LIBRARIES, *own)),
        needs=needs_of(model.runtime_name, model.members),
        protocols=model.protocols,
        training_rows=model.training_rows,
        extra=dict(model.origin),
    )
    documents = {
        "signature.json": model.schema,
        "metrics.json": model.metrics,
        "info.json": model.info,
        "golden.json": {"rows": model.golden.rows, "probabilities": model.golden.outputs},
    }
    # Not sorted: importances stand in descending order.
    encoded = {n: msgspec.json.encode(d) for n, d in documents.items()}
    data = pack(manifest, {**model.members, **encoded}, registry.signer)
    return registry.register(name, data)
