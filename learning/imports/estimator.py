"""Ready-made scikit-learn estimators: .skops files, and pickles that joblib reads.

A .skops file is audited before anything in it is made. A pickle runs code as it
is read: that happens only in a process of its own (`learning.imports.isolated`),
and what is kept of it is a compiled model, or what skops can hold.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from errors import ModelFileError
from learning.compile.compilation import Compiled, form_of
from learning.compile.compilation import compile as compile_model
from learning.explanation import Made, form_explanation, unexplained
from learning.forms.sources import CannotFold
from learning.imports.categories import with_categories
from learning.imports.example import Example
from learning.imports.frame import Framed, FramedQuantity, framed
from learning.imports.imported import Imported, class_of, encoded, first_rows, reproduce
from learning.prediction import Runtime
from learning.runtimes import load_runtime
from learning.runtimes.sklearn import SKOPS, SklearnRuntime, dump, trusted
from learning.trained import golden_of
from tables.batch import Batch
from tables.quantity import QUANTITY
from tables.schema import Feature, Schema, Target

# A compiled model works in float32, the estimator on the way in at least.
TOLERANCE = 1e-5
# Why a model's answers are not explained.
ITSELF = "the library that learnt the model answers itself"
CODED = "the model reads codes that its own pipeline made of the columns"


def import_skops(data: bytes, example: Example, target: str) -> Imported:
    """Return the estimator of a .skops file.

    Raises ModelFileError for types that are not trusted, and as `import_estimator` does.
    """
    return import_estimator(_audited(data), example, target, "a .skops file")


def _audited(data: bytes) -> Any:
    import skops.io

    try:
        foreign = set(skops.io.get_untrusted_types(data=data)) - trusted()
    except Exception as error:  # what is not such a file fails in any way
        raise ModelFileError(f"not a .skops file: {type(error).__name__}") from None
    if foreign:
        listed = ", ".join(sorted(foreign))
        raise ModelFileError(f"the file holds types that are not trusted: {listed}")
    return skops.io.loads(data, trusted=sorted(trusted()))


def import_coded(
    data: bytes,
    features: tuple[Feature, ...],
    example: Example,
    target: str,
    expected: NDArray[np.float64],
) -> Imported:
    """Return the estimator of codes and numbers that .skops bytes hold, compiled where it can be.

    `expected` are the outputs `[n, k]` for the example's rows that it must meet.
    Raises ModelFileError and EquivalenceError.
    """
    estimator = _audited(data)
    schema = Schema(features, _target(estimator, target))
    if schema.target.classes:
        _parts(estimator)[-1].classes_ = np.arange(len(schema.target.classes))
    batch = encoded(schema, example.rows)
    compiled = compile_model(estimator, schema, [batch])

    def why(runtime: Runtime, _: Batch) -> Made:
        return unexplained(CODED if runtime.compiled else ITSELF)

    return _imported(estimator, schema, compiled, example, expected, why)


def import_estimator(estimator: Any, example: Example, target: str, origin: str) -> Imported:
    """Return a fitted estimator, compiled where it can be.

    Raises ModelFileError when it is neither a classifier with probabilities nor a regressor,
    does not take the example's rows, or could be kept only as a pickle.
    """
    features = with_categories(example.features, estimator)
    schema = Schema(features, _target(estimator, target))
    wrapped = framed(estimator, schema)
    batch = encoded(schema, example.rows)
    expected = _ask(wrapped, batch)
    compiled = _compile(estimator, wrapped, schema, batch)

    def why(runtime: Runtime, batch: Batch) -> Made:
        return _why(estimator, wrapped, schema, runtime, batch)

    made = _imported(estimator, schema, compiled, example, expected, why)
    return made._replace(origin={"imported_from": origin})


def _imported(
    estimator: Any,
    schema: Schema,
    compiled: Compiled,
    example: Example,
    expected: Any,
    why: Callable[[Runtime, Batch], Made],
) -> Imported:
    name, batch = compiled.runtime_name, encoded(schema, example.rows)
    # Of quantities it is a share of the largest.
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    runtime, proof = reproduce(name, compiled.members, batch, expected, allowed)
    info = {
        "model_name": type(_parts(estimator)[-1]).__name__,
        "num_features": len(schema.features),
    }
    made = Imported(
        schema,
        name,
        compiled.members,
        *golden_of(example.rows, runtime.outputs(batch)),
        info,
        {},
        proof if compiled.parity else None,
        compiled.reason,
    )
    return made.explained(why(runtime, batch))


def _why(
    estimator: Any, wrapped: Framed | FramedQuantity, schema: Schema, runtime: Runtime, batch: Batch
) -> Made:
    if not runtime.compiled:
        return unexplained(ITSELF)
    try:
        form = form_of(_plain(estimator, wrapped.columns, schema), schema)
    except (CannotFold, ValueError, TypeError, KeyError) as error:
        return unexplained(str(error))
    return form_explanation(form, runtime, schema, batch, lambda most: first_rows(batch, most))


def answers_of(estimator: Any, example: Example, target: str) -> Any:
    """Return what an estimator answers for the example's rows `[n, k]`. Raises ModelFileError."""
    features = with_categories(example.features, estimator)
    schema = Schema(features, _target(estimator, target))
    return _ask(framed(estimator, schema), encoded(schema, example.rows))


def _target(estimator: Any, name: str) -> Target:
    """Return the target: classes, or of a fitted regressor a quantity. Raises ModelFileError."""
    if hasattr(estimator, "predict_proba") and hasattr(estimator, "classes_"):
        return Target(name, tuple(map(class_of, np.asarray(estimator.classes_).tolist())))
    if not _is_fitted_regressor(estimator):
        kind = type(estimator).__name__
        raise ModelFileError(
            f"{kind} is neither a fitted classifier with probabilities nor a fitted regressor"
        )
    return Target(name, task=QUANTITY)


def _is_fitted_regressor(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError):
        return False
    return bool(is_regressor(estimator))


def _ask(wrapped: Framed | FramedQuantity, batch: Batch) -> Any:
    try:
        outputs = SklearnRuntime(wrapped).outputs(batch)
    except (ValueError, TypeError, KeyError) as error:
        line = str(error).strip().splitlines()[0][:200]
        raise ModelFileError(f"the model does not take the example's rows: {line}") from None
    if len(outputs) != len(batch.matrix):
        raise ModelFileError("the model answers more than one quantity a row")
    return outputs


def _compile(
    estimator: Any, wrapped: Framed | FramedQuantity, schema: Schema, batch: Batch
) -> Compiled:
    """Return the estimator compiled, or held by skops as it is. Raises ModelFileError."""
    reason = "a model taken in is handed its texts as they are, which no compiled one takes"
    if not schema.texts:
        try:
            plain = _plain(estimator, wrapped.columns, schema)
            compiled = compile_model(plain, schema, [batch])
        except (ValueError, TypeError, KeyError) as error:
            reason = f"{type(error).__name__} on a plain matrix"
        else:
            members = {n: d for n, d in compiled.members.items() if not n.startswith("estimator.")}
            if compiled.parity is not None:
                return compiled._replace(members=members)
            reason = compiled.reason or reason
    kept = dump(wrapped)
    if SKOPS not in kept:
        raise ModelFileError(
            "skops cannot hold it, so that it could be served only as a pickle, which is not done; "
            f"it cannot be compiled either: {reason}"
        )
    return Compiled(load_runtime("sklearn", kept), kept, None, reason)


def _plain(estimator: Any, columns: tuple[str, ...], schema: Schema) -> Any:
    """Return a copy that takes the batch's matrix: no names of columns, classes by their places."""
    names = [feature.name for feature in schema.features]
    if list(columns) != names:
        raise ValueError("the columns are in another order")
    plain = copy.deepcopy(estimator)
    for part in _parts(plain):
        vars(part).pop("feature_names_in_", None)
        if hasattr(part, "transformers_"):
            part.transformers_ = [
                (name, step, _indices(chosen, names)) for name, step, chosen in part.transformers_
            ]
        if hasattr(part, "categories_"):
            _use_codes(part)
    if schema.target.classes:
        _parts(plain)[-1].classes_ = np.arange(len(schema.target.classes))
    return plain


def _use_codes(encoder: Any) -> None:
    """Let an encoder of words read codes; what it would refuse is refused before it is asked."""
    given = [values.tolist() for values in encoder.categories_]
    if not any(isinstance(value, str) for values in given for value in values):
        return
    if not hasattr(encoder, "drop_idx_"):
        raise ValueError(f"{type(encoder).__name__} of words")
    encoder.categories_ = [
        np.arange(len(values)) if isinstance(values[0], str) else np.array(values)
        for values in given
    ]
    encoder.handle_unknown = "ignore"


def _indices(chosen: Any, names: list[str]) -> Any:
    if isinstance(chosen, str):
        return [names.index(chosen)]
    listed = list(chosen) if isinstance(chosen, list | tuple | np.ndarray) else []
    if listed and all(isinstance(name, str) for name in listed):
        return [names.index(name) for name in listed]
    return chosen


def _parts(estimator: Any) -> list[Any]:
    """Return the estimator's parts that hold names of columns; the classifier comes last."""
    return list(_walk(estimator))


def _walk(part: Any) -> Iterator[Any]:
    if isinstance(part, str) or part is None:
        return
    for _, inner, *_ in getattr(part, "transformers_", []):
        yield from _walk(inner)
    if not hasattr(part, "steps"):
        yield part
        return
    # A pipeline finds its names and classes in its steps.
    for _, inner in part.steps:
        yield from _walk(inner)
