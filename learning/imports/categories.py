"""The categories that a ready-made pipeline's own encoders were fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tables.schema import Feature

ENCODERS = ("OneHotEncoder", "OrdinalEncoder")


class Categories(NamedTuple):
    """A column's categories in the encoder's order; `closed` if it raises for any other.

    `imputed` says that an imputer before it fills in one of them where the category is missing.
    """

    values: tuple[str, ...]
    closed: bool
    imputed: bool = False


def with_categories(features: tuple[Feature, ...], estimator: Any) -> tuple[Feature, ...]:
    """Return the features, where texts that one encoder reads, and nothing else, are categories."""
    names = _names(estimator, features)
    read = list(_read(_first(estimator), names))
    times = Counter(name for name, _ in read)
    known = {name: found for name, found in read if found is not None and times[name] == 1}
    return tuple(_category(f, known[f.name]) if _fits(f, known) else f for f in features)


def _names(estimator: Any, features: tuple[Feature, ...]) -> list[str]:
    fitted = getattr(estimator, "feature_names_in_", None)
    return [f.name for f in features] if fitted is None else [str(name) for name in fitted]


def _fits(feature: Feature, known: dict[str, Categories]) -> bool:
    found = known.get(feature.name)
    if feature.kind != "text" or found is None:
        return False
    return found.imputed or not feature.nullable


def _category(feature: Feature, found: Categories) -> Feature:
    example = feature.example if feature.example in found.values else found.values[0]
    return Feature(
        feature.name,
        "category",
        found.imputed,
        categories=found.values,
        example=example,
        closed=found.closed,
    )


def _first(step: Any) -> Any:
    return next(_flat(step))


def _flat(step: Any) -> Iterator[Any]:
    """Yield the steps of a pipeline, and of those in it, in order."""
    if not getattr(step, "steps", None):
        yield step
        return
    for _, part in step.steps:
        yield from _flat(part)


def _read(step: Any, names: list[str]) -> Iterator[tuple[str, Categories | None]]:
    """Yield every column that a step reads, with its categories if the step encodes it."""
    if not hasattr(step, "transformers_"):
        yield from zip(names, _encoded(step) or [None] * len(names), strict=False)
        return
    for _, part, chosen in step.transformers_:
        columns = _chosen(chosen, names)
        found = _encoded(*_flat(part))
        yield from zip(columns, found or [None] * len(columns), strict=False)


def _encoded(step: Any, *others: Any) -> list[Categories | None] | None:
    """Return the categories of an encoder's columns, which may stand behind an imputer."""
    if others and _fills_words(step):
        found = _encoded(others[0])
        filled = zip(found or (), step.statistics_.tolist(), strict=False)
        return [one and _imputed(one, word) for one, word in filled] or None
    if type(step).__name__ not in ENCODERS or not hasattr(step, "categories_"):
        return None
    closed = step.handle_unknown == "error"
    return [_strings(values.tolist(), closed) for values in step.categories_]


def _fills_words(step: Any) -> bool:
    return (
        type(step).__name__ == "SimpleImputer"
        and step.missing_values != step.missing_values
        and not step.add_indicator
    )


def _imputed(found: Categories, word: Any) -> Categories | None:
    """Return categories whose missing ones are filled; None where the encoder refuses the word."""
    if not isinstance(word, str) or (found.closed and word not in found.values):
        return None
    return found._replace(imputed=True)


def _strings(values: list[Any], closed: bool) -> Categories | None:
    named = bool(values) and all(isinstance(value, str) for value in values)
    return Categories(tuple(values), closed) if named else None


def _chosen(chosen: Any, names: list[str]) -> list[str]:
    """Return the names of a transformer's columns; all, where they are not told in a known way."""
    if isinstance(chosen, str):
        return [chosen]
    try:
        listed = list(range(len(names)))[chosen] if isinstance(chosen, slice) else list(chosen)
        if listed and all(isinstance(one, bool) for one in listed):
            listed = [i for i, one in enumerate(listed) if one]
        return [one if isinstance(one, str) else names[int(one)] for one in listed]
    except (TypeError, ValueError, IndexError):
        return names
