"""A model made elsewhere, imported as a version like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from errors import ModelFileError
from learning.families import find_family
from learning.imports.example import Example, read_example
from learning.imports.imported import Imported, class_of, classes_of
from learning.imports.mlflow import Folder, folder_of, read_folder
from learning.imports.recognition import Kind, check_skrub, check_version, holds_booster, recognised
from learning.recipe import check_name
from learning.runtimes import load_runtime
from learning.tasks import task_of
from learning.trained import Golden, TrainedModel
from persistence import promotion
from persistence.model_persistence import write_model
from persistence.registry import Registry
from policy import DEFAULT_PROMOTION, Promotion
from tables.cells import kind_of, read_values
from tables.rows import RowCodec
from tables.schema import Class, Target

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
    classes: Sequence[str] = (),
    made_by: str = "",
) -> Import:
    """Import a model's file and register it.

    It may be an MLflow folder, whose own example and signature are then read. What kind of
    file it is, its content says, and else its ending: LightGBM's model
    text, XGBoost's JSON or UBJ, .cbm, .onnx, .skops, a pickle, or JSON of a script of
    clients/r. All but the last need `schema`, an example row (.json) or table (.csv),
    LightGBM's and XGBoost's only where the file does not name the columns. `classes` are
    the target's in the model's order,
    for a file that does not name them. A pickle is read only if
    `trusted`, and by another process; `made_by` names the scikit-learn of an older one,
    such as scikit-learn==1.2.2, which is then installed to read it. Nothing can be compared: under
    `if_better` it becomes the champion only where there is none.
    Raises ModelFileError, DatasetError, DependencyError, EquivalenceError, AccessError.
    """
    check_name(name)
    champion = registry.champion(name)
    given = Given(schema, target, trusted, classes_of(list(classes)) if classes else (), made_by)
    model = read_model_file(Path(file), given)
    version = write_model(registry, name, _trained(model, protocols))
    promoted = promote == "always" or (promote == "if_better" and champion is None)
    if promoted:
        promotion.promote(registry, name, version, champion.serial if champion else 0)
    return Import(name, version, model, promoted)


@dataclass(frozen=True)
class Given:
    """What a user says beside a file: see `import_model`."""

    schema: str | Path | None
    target: str = TARGET
    trusted: bool = False
    classes: tuple[Class, ...] = ()
    made_by: str = ""


def read_model_file(file: Path, given: Given) -> Imported:
    """Return the model of a file, with its metrics if the schema is a table with labels."""
    folder = folder_of(file)
    if folder is not None:
        return _of_folder(read_folder(folder, given.target), given)
    return _of_file(file, given)


def _of_folder(folder: Folder, given: Given) -> Imported:
    """Return the model of an MLflow folder, with its own example where the user gives none."""
    made = _of_file(folder.file, given, folder.example)
    origin = f"an MLflow folder ({folder.flavour}): {made.origin['imported_from']}"
    told = {"imported_from": origin, "made_with": folder.made_with}
    return made._replace(origin={**made.origin, **told})


def _of_file(file: Path, given: Given, own: Example | None = None) -> Imported:
    """Return the model of a file; `own` is the example that came with it."""
    kind, data = recognised(file)
    if kind == "r":
        from learning.imports.r import import_r

        return import_r(data)
    if kind == "skops" and holds_booster(data):
        # Of these skops' own audit knows nothing: they are as a pickle.
        kind = "pickle"
    if given.made_by and kind != "pickle":
        raise ModelFileError("--with is for pickles")
    if kind == "pickle" and not given.trusted:
        raise ModelFileError(
            "a pickle, or a booster held by skops, can do anything when it is read; "
            "if you know who made it, say --i-trust-this-file"
        )
    example = own if given.schema is None else read_example(given.schema, given.target)
    model = _read(kind, data, example, given)
    return model if example is None else model._replace(metrics=metrics_of(model, example))


def _read(kind: Kind, data: bytes, example: Example | None, given: Given) -> Imported:
    if kind == "lightgbm" or kind == "xgboost":
        return _boosted(kind, data, example, given)
    if kind == "pickle":
        return _pickle(data, example, given)
    return _READERS[kind](data, _needed(example, given), given.target)


def _needed(example: Example | None, given: Given) -> Example:
    """Return the example, and check that nothing else is said. Raises ModelFileError."""
    if example is None:
        raise ModelFileError("such a file needs --schema: an example row or table")
    if given.classes:
        raise ModelFileError("--classes is for files that do not name their classes")
    return example


def metrics_of(model: Imported, example: Example) -> dict[str, Any]:
    """Return the metrics on the example's rows; none where they have too few labels."""
    target = model.schema.target
    found = (_codes if target.classes else _numbers)(target, example.labels or ())
    if found is None or len(found) < FEWEST_ROWS:
        return {}
    runtime = load_runtime(model.runtime_name, model.members)
    batch = RowCodec(model.schema).encode_objects(example.rows)
    metrics = task_of(target).metrics(runtime.outputs(batch), np.array(found), target)
    return {**metrics, "notes": [NOT_HELD_OUT]}


def _codes(target: Target, labels: Sequence[str | None]) -> list[int] | None:
    """Return the index of each label's class; None unless each row has one, each class a row."""
    indices = {key.lower(): index for index, key in enumerate(target.keys)}
    found = [indices.get((label or "").strip().lower()) for label in labels]
    known = [index for index in found if index is not None]
    return known if len(known) == len(found) and set(known) == set(indices.values()) else None


def _numbers(target: Target, labels: Sequence[str | None]) -> list[float] | None:
    """Return the label's quantity in each row; None unless each has one."""
    cells = list(labels)
    if kind_of(Counter(cell for cell in cells if cell is not None)) not in ("number", "integer"):
        return None
    found = read_values(cells, "number")
    return None if None in found else found


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


def _boosted(
    kind: Literal["lightgbm", "xgboost"], data: bytes, example: Example | None, given: Given
) -> Imported:
    from learning.imports.lightgbm import import_lightgbm
    from learning.imports.xgboost import import_xgboost

    read = import_lightgbm if kind == "lightgbm" else import_xgboost
    return read(data, example, given.target, given.classes)


def _catboost(data: bytes, example: Example, target: str) -> Imported:
    from learning.imports.native import import_native

    return import_native(find_family("catboost"), data, example, target)


def _onnx(data: bytes, example: Example, target: str) -> Imported:
    from learning.imports.onnx import import_onnx

    return import_onnx(data, example, target)


def _skops(data: bytes, example: Example, target: str) -> Imported:
    from learning.imports.estimator import import_skops

    return import_skops(data, example, target)


def _pickle(data: bytes, example: Example | None, given: Given) -> Imported:
    from learning.imports.isolated import (
        Handed,
        HandedPipeline,
        HandedPlain,
        import_handed,
        import_plain,
        read_pickle,
    )

    if given.made_by:
        from learning.imports.versions import import_with

        return import_with(given.made_by, data, _needed(example, given), given.target)
    check_version(data)
    check_skrub(data)
    handed = read_pickle(data, example, given.target)
    if isinstance(handed, Handed):
        return import_handed(handed, _needed(example, given), given.target)
    if isinstance(handed, HandedPlain):
        return import_plain(handed, _needed(example, given), given.target)
    named = given.classes or tuple(map(class_of, handed.classes))
    form = "a .skops file" if data.startswith(b"PK") else "a pickle"
    if isinstance(handed, HandedPipeline):
        from learning.imports.prepared import import_prepared

        rows = _needed(example, replace(given, classes=()))
        made = import_prepared(handed, rows, given.target, named)
        kept = {"imported_from": f"{form} of a pipeline with {handed.library}"}
        return made._replace(origin={**made.origin, **kept})
    made = _boosted(handed.library, handed.model, example, replace(given, classes=named))
    kept = {"imported_from": f"{form} of {handed.library}", "read_in": handed.confined}
    return made._replace(origin={**made.origin, **kept})


_READERS: dict[Kind, Callable[[bytes, Example, str], Imported]] = {
    "catboost": _catboost,
    "onnx": _onnx,
    "skops": _skops,
}
