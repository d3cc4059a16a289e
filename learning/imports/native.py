"""Models in their own library's files, such as .cbm, which the family of that ending reads.

A model whose trees have a neutral form is compiled; another is answered for by its library.
"""

from __future__ import annotations

import numpy as np

from errors import EquivalenceError, ModelFileError
from learning.compile.compilation import compile_forest
from learning.compile.equivalence import probes, prove
from learning.explanation import Made, form_explanation, unexplained
from learning.family import Family, Foreign
from learning.forms.trees import thresholds
from learning.imports.example import Example
from learning.imports.imported import Imported, class_of, encoded, first_rows, reproduce
from learning.prediction import Outputs, Runtime
from learning.runtimes import load_runtime
from learning.tasks import task_of
from learning.trained import golden_of
from tables.batch import Batch, joined
from tables.quantity import QUANTITY
from tables.schema import Schema, Target

TOLERANCE = 1e-6


def import_native(family: Family, data: bytes, example: Example, target: str) -> Imported:
    """Return the model of a family's own file: compiled where it can be, else as it is.

    One without classes is of a quantity. Raises ModelFileError for a model that reads other
    columns, DependencyError when the family's library is not installed.
    """
    foreign = family.read_file(data, example.features, example.words)
    if len(foreign.classes) == 1:
        raise ModelFileError("the model knows a single class")
    classes = tuple(class_of(value) for value in foreign.classes)
    label = Target(target, classes) if classes else Target(target, task=QUANTITY)
    schema = Schema(foreign.features, label)
    batch = encoded(schema, example.rows)
    name, members, _ = foreign.native
    own = load_runtime(name, members)
    expected = own.outputs(batch)
    reason = foreign.reason
    if foreign.forest is not None:
        try:
            name, members = _compiled(foreign, own, schema, batch, expected)
        except EquivalenceError as error:
            reason = str(error)
    runtime, proof = reproduce(name, members, batch, expected, _allowed(expected))
    info = {
        **foreign.info,
        "num_features": len(schema.features),
        "feature_importances": _importances(foreign),
    }
    golden = golden_of(example.rows, runtime.outputs(batch))
    origin = {"imported_from": f"a {family.ending} file"}
    made = Imported(schema, name, members, *golden, info, origin, proof, reason)
    return made.explained(_why(foreign, runtime, schema, batch))


def _why(foreign: Foreign, runtime: Runtime, schema: Schema, batch: Batch) -> Made:
    if foreign.forest is None or not runtime.compiled:
        return unexplained(foreign.reason or foreign.native.reason)
    near = joined((batch, probes(batch, schema, thresholds(foreign.forest), seed=0)))
    return form_explanation(
        foreign.forest, runtime, schema, batch, lambda most: first_rows(near, most)
    )


def _compiled(
    foreign: Foreign, own: Runtime, schema: Schema, batch: Batch, expected: Outputs
) -> tuple[str, dict[str, bytes]]:
    """Return the trees as a runtime's name and members. Raises EquivalenceError."""
    assert foreign.forest is not None
    compiled = compile_forest(foreign.forest)
    tried, _ = reproduce(
        compiled.runtime_name, compiled.members, batch, expected, _allowed(expected)
    )
    near = probes(batch, schema, compiled.thresholds, seed=0)
    prove(own.outputs, tried, [near], task_of(schema.target).difference)
    return compiled.runtime_name, compiled.members


def _allowed(expected: Outputs) -> float:
    """Return the difference that is none: of quantities a share of the largest."""
    return TOLERANCE * max(1.0, float(np.abs(expected).max()))


def _importances(foreign: Foreign) -> dict[str, float]:
    total = foreign.importances.sum() or 1.0
    shares = np.asarray(foreign.importances / total).tolist()
    named = {f.name: share for f, share in zip(foreign.features, shares, strict=True)}
    return dict(sorted(named.items(), key=lambda pair: (-pair[1], pair[0])))
