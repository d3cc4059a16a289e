"""The estimators that `--estimator` names: each ranked family's, and the best of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from errors import RecipeError
from learning.families import ranked
from learning.recipe import Estimator, Recipe
from tables.schema import Schema
from tables.table import Table

AUTO = "auto"
DEFAULT = "forest"


@dataclass(frozen=True)
class Candidates:
    """Estimators of which `learning.training.choose` takes the one best in cross-validation."""

    estimators: Mapping[str, Estimator]
    seed: int


def auto(schema: Schema, seed: int) -> Candidates:
    """Return what each ranked family that reads the schema makes, as candidates."""
    readers = [family for family in ranked() if family.reads(schema)]
    return Candidates({family.name: family.make(schema, seed) for family in readers}, seed)


def estimators() -> dict[str, Callable[..., Estimator]]:
    """Return what makes the estimator of each name that a user may give."""
    return {**{family.name: family.make for family in ranked()}, AUTO: auto}


def ready_made(
    name: str,
    load: Callable[[], Table] | str | Path | IO[bytes],
    target: str,
    estimator: str = DEFAULT,
) -> Recipe:
    """Return the recipe for a table of which nothing else is known. Raises RecipeError."""
    makers = estimators()
    if estimator not in makers:
        raise RecipeError(f"there is no estimator of that name; there are {', '.join(makers)}")
    return Recipe(name, target, load, makers[estimator])
