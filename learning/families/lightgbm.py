"""LightGBM: gradient-boosted trees that split categories as they are, and stop by themselves."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from learning.booster_family import BoosterFamily
from learning.forms import lightgbm as form
from learning.forms.sources import Columned
from learning.forms.trees import Forest
from tables.schema import Schema

Rounds = Annotated[int, Meta(ge=1, le=5000)]
Rate = Annotated[float, Meta(gt=0, le=1)]
Leaves = Annotated[int, Meta(ge=2, le=1024)]


def lightgbm(
    schema: Schema,
    seed: int,
    *,
    rounds: Rounds = 1000,
    learning_rate: Rate = 0.05,
    num_leaves: Leaves = 15,
) -> Any:
    """Return LightGBM over the matrix as it is; `rounds` is the most there may be.

    Raises DependencyError when LightGBM cannot be loaded, RecipeError for a schema with
    text, which it does not read.
    """
    from learning import boosters

    boosters.lightgbm_library()
    return family.estimator(
        schema, rounds=rounds, learning_rate=learning_rate, size=num_leaves, seed=seed
    )


class LightGBMFamily(BoosterFamily):
    """LightGBM's models."""

    name = "lightgbm"
    library = "LightGBM"
    rank = 4
    trusted = frozenset(
        {"learning.boosters.LightGBMClassifier", "learning.boosters.LightGBMRegressor"}
    )
    make = staticmethod(lightgbm)

    def size(self, model: Any) -> dict[str, int]:
        """Return the number of trees, of which each class has its own."""
        return {"num_trees": len(form.read(model.text_).trees)}

    def fold(self, given: Columned, outputs: int) -> Forest:
        """Return the trees."""
        return form.forest(form.read(given.model.text_), given)


family = LightGBMFamily()
