"""The estimators that `--estimator` names: the default learner, and each ranked family's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from errors import RecipeError
from learning.families import find_family, ranked
from learning.recipe import Estimator, Recipe
from tables.table import Table

AUTO = "auto"
DEFAULT = AUTO
# The family that `auto` is.
LEARNER = "additive"


@dataclass(frozen=True)
class Candidates:
    """Estimators of which `learning.training.choose` takes the one best in cross-validation."""

    estimators: Mapping[str, Estimator]
    seed: int


def estimators() -> dict[str, Callable[..., Estimator]]:
    """Return what makes the estimator of each name that a user may give, the default first."""
    named = {family.name: family.make for family in ranked()}
    return {AUTO: find_family(LEARNER).make, **named}


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
