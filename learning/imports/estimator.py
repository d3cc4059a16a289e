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
from tables.schema import UNKNOWN, Feature, Schema, Target

# A compiled model works in float32, the estimator on the way in at least.
TOLERANCE = 1e-5
# Why a model's answers are not explained.
ITSELF = "the library that learnt the model answers itself"
CODED = "the model reads codes that its own pipeline made of the columns"


def import_skops(data: bytes, example: Example, target: str) -> Imported:
    """Return the estimator of a .skops file.

    Raises ModelFileError for types that are not trusted, and as `import_estimator` does.
    """
    return import_estimator(audited(data), example, target, "a .skops file")


def audited(data: bytes) -> Any:
    """Return what .skops bytes hold. Raises ModelFileError for types that are not trusted."""
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
    estimator = audited(data)
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
    plain = coded(estimator, columns, schema)
    if schema.target.classes:
        _parts(plain)[-1].classes_ = np.arange(len(schema.target.classes))
    return plain


def coded(estimator: Any, columns: tuple[str, ...], schema: Schema) -> Any:
    """Return a copy whose steps read codes, and columns by their places.

    Raises ValueError for what cannot be made over.
    """
    names = [feature.name for feature in schema.features]
    if list(columns) != names:
        raise ValueError("the columns are in another order")
    made = copy.deepcopy(estimator)
    for part in _parts(made):
        vars(part).pop("feature_names_in_", None)
        if hasattr(part, "transformers_"):
            _use_words(part, schema)
            part.transformers_ = [
                (name, step, _indices(chosen, names)) for name, step, chosen in part.transformers_
            ]
    for part in _parts(made):
        if hasattr(part, "categories_"):
            _use_codes(part)
    return made


def _use_words(chosen: Any, schema: Schema) -> None:
    """Let imputers of words fill in codes."""
    by_name = {f.name: f.categories for f in schema.features if f.kind == "category"}
    names = [feature.name for feature in schema.features]
    for _, step, columns in chosen.transformers_:
        read = _indices(columns, names)
        for part in _parts(step):
            words = getattr(part, "statistics_", None)
            if words is None or not any(isinstance(word, str) for word in words.tolist()):
                continue
            known = [by_name.get(names[i], ()) for i in read]
            part.statistics_ = np.array(
                [_code(word, its) for word, its in zip(words.tolist(), known, strict=True)]
            )
            part.fill_value, part._fit_dtype = None, part.statistics_.dtype


def _code(word: Any, categories: tuple[str, ...]) -> float:
    """Return the code of a word; of one that no encoder knows, that of none."""
    return float(categories.index(word)) if word in categories else UNKNOWN


def _use_codes(encoder: Any) -> None:
    """Let an encoder of words read codes; what it would refuse is refused before it is asked."""
    given = [values.tolist() for values in encoder.categories_]
    if not any(isinstance(value, str) for values in given for value in values):
        return
    if not hasattr(encoder, "drop_idx_"):
        _use_ordinals(encoder)
        return
    encoder.categories_ = [
        np.arange(len(values)) if isinstance(values[0], str) else np.array(values)
        for values in given
    ]
    encoder.handle_unknown = "ignore"


def _use_ordinals(encoder: Any) -> None:
    """Let an encoder of ordinals read codes, which are the ordinals. Raises ValueError."""
    kind = type(encoder).__name__
    known = (encoder.handle_unknown, getattr(encoder, "unknown_value", None))
    if kind != "OrdinalEncoder" or known not in (("error", None), ("use_encoded_value", UNKNOWN)):
        raise ValueError(f"{kind} of words, whose unseen ones are not {UNKNOWN:g}")
    if not all(isinstance(word, str) for values in encoder.categories_ for word in values.tolist()):
        raise ValueError(f"{kind} of words and others")
    encoder.categories_ = [np.arange(float(len(values))) for values in encoder.categories_]
    encoder.handle_unknown, encoder.unknown_value = "use_encoded_value", UNKNOWN


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
