"""The runtime that asks the estimator itself: exact by definition, and slow for one row.

Only a model that could not be compiled is served by it; importing this module
imports nothing of scikit-learn, loading an estimator does.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any
from zipfile import ZIP_DEFLATED

import numpy as np
from numpy.typing import NDArray

from errors import ArtifactDamaged
from learning.families import families
from learning.prediction import Outputs
from tables.batch import Batch

SKOPS = "estimator.skops"
JOBLIB = "estimator.joblib"

# What skops does not trust by itself and estimators are made of, beside what their
# families name: scikit-learn's or this project's, none of it with an effect beyond its own state.
_TRUSTED = frozenset(
    {
        "learning.imports.frame.Framed",
        "learning.imports.frame.FramedQuantity",
        "learning.runtimes.analysis.Analyser",
        "numpy.dtype",
        "recipes.tweets.frequencies.ClassFrequencies",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    }
)


@cache
def trusted() -> frozenset[str]:
    """Return the types that skops may make, by their full names."""
    return _TRUSTED.union(*(family.trusted for family in families()))


def estimator_input(batch: Batch) -> NDArray[Any]:
    """Return what the pipelines read: the matrix, or with texts an object array, texts last."""
    if not batch.texts:
        return batch.matrix
    rows, width = batch.matrix.shape
    table = np.empty((rows, width + len(batch.texts)), dtype=object)
    table[:, :width] = batch.matrix
    for index, column in enumerate(batch.texts):
        table[:, width + index] = column
    return table


def dump(estimator: Any) -> dict[str, bytes]:
    """Return the member that keeps the estimator: by skops where it can hold it, else joblib."""
    data = _by_skops(estimator)
    return {SKOPS: data} if data is not None else {JOBLIB: _by_joblib(estimator)}


def _by_skops(estimator: Any) -> bytes | None:
    import skops.io

    _use_plain_indices(estimator)
    try:
        data: bytes = skops.io.dumps(estimator, compression=ZIP_DEFLATED, compresslevel=3)
        if set(skops.io.get_untrusted_types(data=data)) <= trusted():
            skops.io.loads(data, trusted=sorted(trusted()))
            return data
    except Exception:  # whatever it cannot hold, joblib does
        return None
    return None


def _use_plain_indices(step: Any) -> None:
    """Turn the indices of vectorizers' words from numpy's integers into Python's.

    They mean the same; skops makes a member of each of numpy's, which takes a
    millisecond and a hundred bytes for every word.
    """
    for _, part, *_ in [*getattr(step, "steps", []), *getattr(step, "transformers_", [])]:
        _use_plain_indices(part)
    if hasattr(step, "vocabulary_"):
        step.vocabulary_ = {word: int(index) for word, index in step.vocabulary_.items()}


def _by_joblib(estimator: Any) -> bytes:
    import joblib

    buffer = io.BytesIO()
    joblib.dump(estimator, buffer, compress=3)
    return buffer.getvalue()


def load_estimator(members: Mapping[str, bytes]) -> Any:
    """Return the estimator that `dump` kept.

    The members were verified against the artifact's manifest before. A joblib
    member runs code as it is read: it is no safer than who wrote the artifact.
    Raises ArtifactDamaged when there is none, or skops finds a type not trusted.
    """
    if SKOPS in members:
        return _from_skops(members[SKOPS])
    if JOBLIB in members:
        import joblib

        return joblib.load(io.BytesIO(members[JOBLIB]))
    raise ArtifactDamaged(f"the artifact holds neither {SKOPS} nor {JOBLIB}")


def _from_skops(data: bytes) -> Any:
    import skops.io

    foreign = set(skops.io.get_untrusted_types(data=data)) - trusted()
    if foreign:
        raise ArtifactDamaged(f"{SKOPS} holds types that are not trusted: {sorted(foreign)}")
    return skops.io.loads(data, trusted=sorted(trusted()))


def load(members: Mapping[str, bytes]) -> SklearnRuntime:
    """Return the runtime of an artifact's members."""
    return SklearnRuntime(load_estimator(members))


class SklearnRuntime:
    """A fitted estimator, set to one job: threads for one row cost more than the row."""

    name = "sklearn"
    compiled = False
    quick = False

    def __init__(self, estimator: Any) -> None:
        jobs = [k for k in estimator.get_params() if k.split("__")[-1] == "n_jobs"]
        self.estimator = estimator.set_params(**dict.fromkeys(jobs, 1))

    def outputs(self, batch: Batch) -> Outputs:
        """Return the probabilities `[n, k]`, or the predictions `[n, 1]` of what has none."""
        likely = hasattr(self.estimator, "predict_proba")
        if not len(batch.matrix):
            return np.empty((0, len(self.estimator.classes_) if likely else 1))
        rows = estimator_input(batch)
        outputs: Outputs
        if likely:
            outputs = self.estimator.predict_proba(rows)
        else:
            outputs = np.asarray(self.estimator.predict(rows), dtype=np.float64).reshape(-1, 1)
        return outputs
