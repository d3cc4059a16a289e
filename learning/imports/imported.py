"""What every import comes to: all that an artifact keeps of a model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from errors import EquivalenceError, ModelFileError
from learning.explanation import Made
from learning.prediction import Outputs, Runtime
from learning.runtimes import load_runtime
from tables.batch import Batch
from tables.rows import RowCodec
from tables.schema import Class, Schema

# More classes than this, or more features, are a damaged file rather than a model.
MOST_COLUMNS = 10_000


class Imported(NamedTuple):
    """A model that was taken in.

    `members` are the runtime's bytes. `rows` and their `probabilities` `[n, k]`
    are what the loaded model must answer for ever. `parity` is the proof that
    the runtime answers as the model did where it came from; `reason` says why
    it is not compiled. `info` is what model_info shows; `origin` goes into the manifest.
    """

    schema: Schema
    runtime_name: str
    members: dict[str, bytes]
    rows: list[dict[str, Any]]
    probabilities: list[list[float]]
    info: dict[str, Any]
    origin: dict[str, Any]
    parity: dict[str, float] | None = None
    reason: str | None = None
    metrics: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def explained(self, why: Made) -> Imported:
        """Return the model with what explains its answers, or the reason why nothing does."""
        members, info = {**self.members, **why.members}, {**self.info, **why.info}
        return self._replace(members=members, info=info)


def encoded(schema: Schema, rows: list[dict[str, Any]]) -> Batch:
    """Return rows as a batch, as serving would encode them. Raises RowsError."""
    return RowCodec(schema).encode_objects(rows)


def first_rows(batch: Batch, most: int) -> Batch:
    """Return a batch, or the first rows of one that has more."""
    return Batch(batch.matrix[:most], tuple(column[:most] for column in batch.texts))


def reproduce(
    name: str, members: dict[str, bytes], batch: Batch, expected: Outputs, tolerance: float
) -> tuple[Runtime, dict[str, float]]:
    """Return the runtime and the proof that it answers `batch` as `expected` `[n, k]` says.

    Raises EquivalenceError when a probability differs by more than `tolerance`.
    """
    runtime = load_runtime(name, members)
    answered = runtime.outputs(batch)
    if answered.shape != expected.shape:
        raise EquivalenceError(
            f"the model answers {answered.shape[1]} probabilities a row, not {expected.shape[1]}"
        )
    differences = np.abs(answered - expected).max(axis=1)
    worst = int(differences.argmax())
    if not differences[worst] <= tolerance:
        raise EquivalenceError(
            f"row {worst + 1} of those that came with the model is answered "
            f"{differences[worst]:.1e} away from the answer that came with it; "
            f"{tolerance:.0e} is allowed"
        )
    proof = {"rows": len(expected), "largest_difference": float(differences[worst])}
    return runtime, proof


def classes_of(names: list[str]) -> tuple[Class, ...]:
    """Return classes by their names, in the names' order: booleans and integers where all are such.

    Raises ModelFileError for fewer than two, or two of a name.
    """
    if len(set(names)) != len(names) or len(names) < 2:
        raise ModelFileError("expected two classes or more, each of another name")
    if {name.lower() for name in names} == {"true", "false"}:
        return tuple(name.lower() == "true" for name in names)
    try:
        numbers = [int(name) for name in names]
    except ValueError:
        return tuple(names)
    return tuple(numbers) if [str(n) for n in numbers] == names else tuple(names)


def class_of(value: Any) -> Class:
    """Return a model's own class as a label has it. Raises ModelFileError."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int | str):
        return value
    raise ModelFileError("the classes are not booleans, integers or strings")
