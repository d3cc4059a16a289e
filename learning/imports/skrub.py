"""Fitted pipelines of skrub, made over into scikit-learn's own parts: what skops can hold.

It runs where skrub is, and names none of its classes: a TableVectorizer of numbers and of
categories with few values, then scikit-learn's steps. What has no equal form is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from errors import ModelFileError
from learning.imports.example import Example
from tables.schema import Feature

# Steps of a column that leave a number, or the word of a category, as it is.
_PLAIN = frozenset(
    {
        "CleanNullStrings",
        "DropUninformative",
        "PassThrough",
        "ToCategorical",
        "ToFloat",
        "ToStr",
        "ShortReprDict",
    }
)


def answers_of(estimator: Any, example: Example) -> NDArray[np.float64]:
    """Return what a fitted pipeline itself answers for the example's rows `[n, k]`."""
    pandas = import_module("pandas")
    kinds = {feature.name: feature.kind for feature in example.features}
    names = [str(name) for name in _steps(estimator)[0].feature_names_in_]
    columns = {name: [row[name] for row in example.rows] for name in names}
    numbers = {n: np.array(v, np.float64) for n, v in columns.items() if kinds[n] == "number"}
    frame = pandas.DataFrame({**columns, **numbers})
    ask = getattr(estimator, "predict_proba", None) or estimator.predict
    return np.asarray(ask(frame), np.float64).reshape(len(frame), -1)


class Plain(NamedTuple):
    """The pipeline over codes and numbers, and the words of each column of categories.

    `missing` are the words that it takes for a missing one.
    """

    estimator: Any
    categories: dict[str, tuple[str, ...]]
    missing: tuple[str, ...]


def is_of_skrub(estimator: Any) -> bool:
    """Tell whether an estimator's first step is of skrub."""
    return _is_skrub(_steps(estimator)[0])


def plain_of(estimator: Any, names: Sequence[str]) -> Plain:
    """Return what answers the same as a fitted pipeline, for columns of these names.

    Raises ModelFileError for what has no equal form, naming the column and what reads it.
    """
    first, *others = _steps(estimator)
    if type(first).__name__ != "TableVectorizer":
        raise ModelFileError(f"skrub's {type(first).__name__} has no equal form here")
    for step in others:
        if _is_skrub(step):
            raise ModelFileError(
                f"skrub's {type(step).__name__} has no equal form here; StandardScaler has one"
            )
    _check_names([str(name) for name in first.feature_names_in_], names)
    encoders = _encoders(first)
    last = others[-1] if others else None
    categories = {n: _words(encoder) for n, encoder in encoders.items() if encoder is not None}
    if getattr(last, "_preprocessor", None) is not None:
        categories |= _own_categories(last, first)
    prepared = _prepared(first, encoders, categories, names)
    steps = [("prepare", prepared), *((f"step{i}", _nameless(s)) for i, s in enumerate(others))]
    return Plain(Pipeline(steps), categories, _missing(first))


def features_of(
    example: Example, categories: Mapping[str, Sequence[str]], missing: Sequence[str]
) -> tuple[Feature, ...]:
    """Return the example's features with the categories of those that have some.

    Raises ModelFileError for a column that the example has of another kind.
    """
    found = []
    for feature in example.features:
        words = categories.get(feature.name)
        if (words is not None) != (feature.kind == "text"):
            wanted, have = ("numbers", "text") if words is None else ("text", "numbers")
            raise ModelFileError(f"the model reads {wanted} in {feature.name}; the example: {have}")
        found.append(feature if words is None else _category(feature.name, words, missing))
    return tuple(found)


def _category(name: str, words: Sequence[str], missing: Sequence[str]) -> Feature:
    if not words or len(set(words)) != len(words):
        raise ModelFileError(f"column {name} has no categories")
    more = tuple(word for word in missing if word not in words)
    return Feature(name, "category", True, categories=tuple(words), missing=more, example=words[0])


def _steps(estimator: Any) -> list[Any]:
    return [step for _, step in getattr(estimator, "steps", [("", estimator)])]


def _is_skrub(step: Any) -> bool:
    return type(step).__module__.split(".")[0] == "skrub"


def _check_names(wanted: Sequence[str], names: Sequence[str]) -> None:
    if sorted(wanted) != sorted(names):
        raise ModelFileError(f"the model reads {', '.join(wanted)}; the example has other columns")


def _encoders(vectorizer: Any) -> dict[str, Any]:
    """Return the one-hot encoder of each column that is read, None where it passes as it is."""
    found: dict[str, Any] = {}
    for name, steps in vectorizer.all_processing_steps_.items():
        if not vectorizer.input_to_outputs_[name]:
            continue
        found[str(name)] = None
        for step in steps:
            if _is_foldable(step):
                found[str(name)] = step
            elif type(step).__name__ not in _PLAIN:
                raise ModelFileError(
                    f"column {name} is read by {type(step).__name__}, which has no equal form here"
                )
    return found


def _is_foldable(step: Any) -> bool:
    """Tell whether a step is an encoder of all categories, which passes over those never seen."""
    return (
        isinstance(step, OneHotEncoder)
        and step.handle_unknown == "ignore"
        and step.drop in (None, "first", "if_binary")
        and getattr(step, "infrequent_categories_", None) is None
    )


def _words(encoder: OneHotEncoder) -> tuple[str, ...]:
    (values,) = encoder.categories_
    return _strings(values)


def _own_categories(model: Any, vectorizer: Any) -> dict[str, tuple[str, ...]]:
    """Return the categories of the columns that scikit-learn's histogram boosting codes itself."""
    names = np.array(vectorizer.all_outputs_)[np.asarray(model.is_categorical_, bool)]
    encoder = model._preprocessor.named_transformers_["encoder"]
    return {str(n): _strings(v) for n, v in zip(names, encoder.categories_, strict=True)}


def _strings(values: Any) -> tuple[str, ...]:
    """Return the words among categories; the missing one, NaN or None, is none."""
    return tuple(value for value in values.tolist() if isinstance(value, str))


def _prepared(
    vectorizer: Any,
    encoders: Mapping[str, Any],
    categories: Mapping[str, tuple[str, ...]],
    names: Sequence[str],
) -> ColumnTransformer:
    """Return the columns as the next step reads them, fitted: coded ones first, as it has them."""
    coded = [name for name in encoders if name in categories and encoders[name] is None]
    order = [*coded, *(name for name in encoders if name not in coded)]
    steps = [
        (f"column{i}", _step(encoders[name], categories.get(name)), [names.index(name)])
        for i, name in enumerate(order)
    ]
    made = ColumnTransformer(steps, sparse_threshold=0.0).fit(_rows(names, categories))
    width = made.transform(_rows(names, categories)).shape[1]
    if width != len(vectorizer.all_outputs_):
        raise ModelFileError(f"the model makes {len(vectorizer.all_outputs_)} columns, not {width}")
    return made


def _step(encoder: OneHotEncoder | None, words: tuple[str, ...] | None) -> Any:
    """Return what reads a column: of codes NaN is missing, and one of none is never seen."""
    if words is None:
        return "passthrough"
    codes = np.arange(len(words), dtype=np.float32)
    if encoder is None:
        return OrdinalEncoder(
            categories=[codes],
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            dtype=np.float32,
        )
    if len(words) < len(encoder.categories_[0]):
        codes = np.append(codes, np.float32(np.nan))
    # One that is dropped looks like one never seen: zero in every column.
    dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[0]
    codes = codes if dropped is None else np.delete(codes, dropped)
    return OneHotEncoder(
        categories=[codes], handle_unknown="ignore", sparse_output=False, dtype=np.float32
    )


def _rows(names: Sequence[str], categories: Mapping[str, tuple[str, ...]]) -> NDArray[np.float32]:
    """Return rows in which every code of every column stands: what encoders are fitted on."""
    count = max([1, *map(len, categories.values())])
    columns = [np.arange(count) % max(1, len(categories.get(name, ()))) for name in names]
    return np.column_stack(columns).astype(np.float32)


def _nameless(step: Any) -> Any:
    """Return a step that is handed plain arrays, and codes that were coded before."""
    made = copy.deepcopy(step)
    vars(made).pop("feature_names_in_", None)
    if getattr(made, "_preprocessor", None) is not None:
        made._preprocessor = None
    return made


def _missing(vectorizer: Any) -> tuple[str, ...]:
    """Return the words that mean a missing value."""
    steps = (s for steps in vectorizer.all_processing_steps_.values() for s in steps)
    words = {word for step in steps for word in getattr(step, "null_strings_", ())}
    return tuple(sorted(word for word in words if word))
