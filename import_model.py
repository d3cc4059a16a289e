"""A model made elsewhere, imported as a version like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from errors import ModelFileError
from learning.families import file_families
from learning.family import Family
from learning.imports.example import Example, read_example
from learning.imports.imported import Imported
from learning.imports.recognition import check_file, check_version
from learning.recipe import check_name
from learning.runtimes import load_runtime
from learning.tasks import task_of
from learning.trained import Golden, TrainedModel
from persistence import promotion
from persistence.model_persistence import write_model
from persistence.registry import Registry
from policy import DEFAULT_PROMOTION, Promotion
from tables.rows import RowCodec

# What the label is called when nobody says.
TARGET = "label"
# Fewer rows with a label make no metrics.
FEWEST_ROWS = 20
NOT_HELD_OUT = "on the example's rows, on which the model may have been fitted"


@dataclass(frozen=True)
class Import:
    """What an import made: the version, and whether it is the champion now."""

    name: str
    version: str
    model: Imported
    promoted: bool

    def as_json(self) -> str:
        """Return what became of it as one JSON object."""
        document = {
            **self.model.metrics,
            "model": {"name": self.name, "version": self.version, "promoted": self.promoted},
            "features": {f.name: f.kind for f in self.model.schema.features},
            "info": {**self.model.info, **self.model.origin},
            "runtime": _trained(self.model).runtime,
        }
        return msgspec.json.format(msgspec.json.encode(document)).decode()

    def report(self) -> str:
        """Return some lines that say what became of it."""
        target = self.model.schema.target
        command = f"python build_model.py --name {self.name} --promote-version {self.version}"
        proof, reason = self.model.parity, self.model.reason
        agrees = f", off by {proof['largest_difference']:.0e} at most" if proof else f": {reason}"
        lines = [
            f"{self.name} {self.version}, {self.model.origin['imported_from']}",
            "",
            f"label       {task_of(target).describe(target)}",
            f"runtime     {self.model.runtime_name}{agrees}",
            f"champion    {'yes' if self.promoted else f'no; to promote it: {command}'}",
            "",
            *(f"{feature.name}  {feature.kind}" for feature in self.model.schema.features),
        ]
        return "\n".join(lines)


def import_model(
    file: str | Path,
    *,
    registry: Registry,
    name: str,
    schema: str | Path | None = None,
    target: str = TARGET,
    trusted: bool = False,
    protocols: tuple[str, ...] = (),
    promote: Promotion = DEFAULT_PROMOTION,
) -> Import:
    """Import a model's file and register it.

    What kind of file it is, its ending says: .json (written by a script of
    clients/r), .cbm, .onnx, .skops, .joblib or .pkl. All but the first need
    `schema`, an example row (.json) or table (.csv). A pickle is read only if
    `trusted`, and by another process. Nothing can be compared: under
    `if_better` it becomes the champion only where there is none.
    Raises ModelFileError, DatasetError, DependencyError, EquivalenceError, AccessError.
    """
    check_name(name)
    champion = registry.champion(name)
    model = read_model_file(Path(file), schema, target, trusted)
    version = write_model(registry, name, _trained(model, protocols))
    promoted = promote == "always" or (promote == "if_better" and champion is None)
    if promoted:
        promotion.promote(registry, name, version, champion.serial if champion else 0)
    return Import(name, version, model, promoted)


def read_model_file(
    file: Path, schema: str | Path | None, target: str, trusted: bool = False
) -> Imported:
    """Return the model of a file, with its metrics if the schema is a table with labels."""
    check_file(file)
    if file.suffix == ".json":
        from learning.imports.r import import_r

        return import_r(_bytes(file))
    readers = _readers()
    if file.suffix not in readers:
        raise ModelFileError(f"expected a file ending in .json, {', '.join(readers)}")
    if schema is None:
        raise ModelFileError(f"a {file.suffix} file needs --schema: an example row or table")
    if file.suffix in (".pkl", ".joblib") and not trusted:
        raise ModelFileError(
            f"a {file.suffix} file can do anything when it is read; if you know who made it, "
            "say --i-trust-this-file"
        )
    example = read_example(schema, target)
    model = readers[file.suffix](file, example, target)
    return model._replace(metrics=metrics_of(model, example))


def metrics_of(model: Imported, example: Example) -> dict[str, Any]:
    """Return the metrics on the example's rows; none where they have too few labels."""
    target = model.schema.target
    indices = {key.lower(): index for index, key in enumerate(target.keys)}
    found = [indices.get((value or "").strip().lower()) for value in example.labels or ()]
    if len(found) < FEWEST_ROWS or set(found) != set(indices.values()):
        return {}
    runtime = load_runtime(model.runtime_name, model.members)
    batch = RowCodec(model.schema).encode_objects(example.rows)
    metrics = task_of(target).metrics(runtime.outputs(batch), np.array(found, np.intp), target)
    return {**metrics, "notes": [NOT_HELD_OUT]}


def _trained(model: Imported, protocols: tuple[str, ...] = ()) -> TrainedModel:
    return TrainedModel(
        schema=model.schema,
        runtime_name=model.runtime_name,
        compiled=model.runtime_name != "sklearn",
        members=model.members,
        golden=Golden(model.rows, model.probabilities),
        metrics=model.metrics,
        info={**model.info, **model.origin},
        origin=model.origin,
        parity=model.parity,
        reason=model.reason,
        protocols=protocols,
    )


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read {file}: {error.strerror}") from None


def _native(family: Family, file: Path, example: Example, target: str) -> Imported:
    from learning.imports.native import import_native

    return import_native(family, _bytes(file), example, target)


def _onnx(file: Path, example: Example, target: str) -> Imported:
    from learning.imports.onnx import import_onnx

    return import_onnx(_bytes(file), example, target)


def _skops(file: Path, example: Example, target: str) -> Imported:
    from learning.imports.estimator import import_skops

    return import_skops(_bytes(file), example, target)


def _pickle(file: Path, example: Example, target: str) -> Imported:
    from learning.imports.isolated import import_pickle

    check_version(_bytes(file))
    return import_pickle(file, example, target)


def _readers() -> dict[str, Callable[[Path, Example, str], Imported]]:
    """Return what reads a file, by its ending: a family's own files, then those of others."""
    own = {ending: partial(_native, family) for ending, family in file_families().items()}
    return {**own, **_READERS}


_READERS: dict[str, Callable[[Path, Example, str], Imported]] = {
    ".onnx": _onnx,
    ".skops": _skops,
    ".joblib": _pickle,
    ".pkl": _pickle,
}


def endings() -> tuple[str, ...]:
    """Return the endings of files that can be imported."""
    return (".json", *_readers())
