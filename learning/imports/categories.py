"""The categories that a ready-made pipeline's own encoders were fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tables.schema import Feature

ENCODERS = ("OneHotEncoder", "OrdinalEncoder")


class Categories(NamedTuple):
    """A column's categories in the encoder's order; `closed` if it raises for any other."""

    values: tuple[str, ...]
    closed: bool


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
    return feature.kind == "text" and found is not None and not feature.nullable


def _category(feature: Feature, found: Categories) -> Feature:
    example = feature.example if feature.example in found.values else found.values[0]
    return Feature(
        feature.name, "category", categories=found.values, example=example, closed=found.closed
    )


def _first(step: Any) -> Any:
    while getattr(step, "steps", None):
        step = step.steps[0][1]
    return step


def _read(step: Any, names: list[str]) -> Iterator[tuple[str, Categories | None]]:
    """Yield every column that a step reads, with its categories if the step encodes it."""
    if not hasattr(step, "transformers_"):
        yield from zip(names, _encoded(step) or [None] * len(names), strict=False)
        return
    for _, part, chosen in step.transformers_:
        columns = _chosen(chosen, names)
        found = _encoded(_first(part))
        yield from zip(columns, found or [None] * len(columns), strict=False)


def _encoded(step: Any) -> list[Categories | None] | None:
    if type(step).__name__ not in ENCODERS or not hasattr(step, "categories_"):
        return None
    closed = step.handle_unknown == "error"
    return [_strings(values.tolist(), closed) for values in step.categories_]


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
