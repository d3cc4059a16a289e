"""What a reader of the quality page has set: a threshold, costs, a feature, another version."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

THRESHOLD, COST_FP, COST_FN = "threshold", "cost_fp", "cost_fn"
FEATURE, BESIDE = "feature", "beside"
MOST_COST = 1e9
# Letters of a name: no feature that is called by its own name has more.
MOST_LETTERS = 80


class Choices(NamedTuple):
    """The settings; `refused` names those that were given and cannot be used."""

    threshold: float = 0.5
    cost_fp: float = 1.0
    cost_fn: float = 1.0
    feature: str = ""
    beside: str = ""
    refused: tuple[str, ...] = ()


def choices_of(query: Mapping[str, str]) -> Choices:
    """Return what the query of an address sets."""
    found: dict[str, float] = {}
    refused = []
    for name, most in ((THRESHOLD, 1.0), (COST_FP, MOST_COST), (COST_FN, MOST_COST)):
        if not query.get(name, "").strip():
            continue
        value = _number(query[name])
        if value is None or not 0 <= value <= most:
            refused.append(name)
        else:
            found[name] = value
    feature, beside = (query.get(name, "")[:MOST_LETTERS] for name in (FEATURE, BESIDE))
    return Choices(**found, feature=feature, beside=beside, refused=tuple(refused))


def _number(text: str) -> float | None:
    """Return a number as people write it, with a point or a comma."""
    try:
        value = float(text.strip()[:40].replace(",", "."))
    except ValueError:
        return None
    return value if isfinite(value) else None
