"""XGBoost: gradient-boosted trees that split categories as they are, and stop by themselves."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from learning.booster_family import BoosterFamily
from learning.forms import xgboost as form
from learning.forms.sources import Columned
from learning.forms.trees import Forest
from tables.schema import UNKNOWN, Schema

Rounds = Annotated[int, Meta(ge=1, le=5000)]
Rate = Annotated[float, Meta(gt=0, le=1)]
Depth = Annotated[int, Meta(ge=1, le=12)]


def xgboost(
    schema: Schema,
    seed: int,
    *,
    rounds: Rounds = 1000,
    learning_rate: Rate = 0.05,
    max_depth: Depth = 4,
) -> Any:
    """Return XGBoost over the matrix as it is; `rounds` is the most there may be.

    Raises DependencyError when XGBoost cannot be loaded, RecipeError for a schema with
    text, which it does not read.
    """
    from learning import boosters

    boosters.xgboost_library()
    return family.estimator(
        schema, rounds=rounds, learning_rate=learning_rate, size=max_depth, seed=seed
    )


class XGBoostFamily(BoosterFamily):
    """XGBoost's models."""

    name = "xgboost"
    library = "XGBoost"
    rank = 5
    trusted = frozenset(
        {"learning.boosters.XGBoostClassifier", "learning.boosters.XGBoostRegressor"}
    )
    make = staticmethod(xgboost)

    def size(self, model: Any) -> dict[str, int]:
        """Return the number of trees, of which each class has its own."""
        return {"num_trees": len(form.trees_of(form.read(model.text_.encode())))}

    def fold(self, given: Columned, outputs: int) -> Forest:
        """Return the trees."""
        return form.forest(form.read(given.model.text_.encode()), given, int(UNKNOWN))


family = XGBoostFamily()
