"""LightGBM: gradient-boosted trees that split categories as they are, and stop by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from numpy.typing import NDArray

from errors import RecipeError
from learning.family import Family
from learning.forms import lightgbm as form
from learning.forms.sources import Columned
from learning.forms.trees import Forest
from learning.preparation import pipeline
from learning.progress import Progress
from tables.schema import Schema
from tables.split import Fold

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
    if schema.texts:
        raise RecipeError(f"LightGBM reads no text, and {schema.texts[0].name} is text")
    kind = boosters.LightGBMClassifier if schema.target.classes else boosters.LightGBMRegressor
    model = kind(
        categories=[i for i, column in enumerate(schema.numeric) if column.kind == "category"],
        rounds=rounds,
        learning_rate=learning_rate,
        size=num_leaves,
        seed=seed,
    )
    return pipeline("passthrough", model)


class LightGBMFamily(Family):
    """LightGBM's models."""

    name = "lightgbm"
    rank = 4
    folds = 5
    trusted = frozenset(
        {"learning.boosters.LightGBMClassifier", "learning.boosters.LightGBMRegressor"}
    )
    make = staticmethod(lightgbm)

    def classes(self) -> tuple[type, ...]:
        """Return this project's own classes."""
        from learning.boosters import LightGBMClassifier, LightGBMRegressor

        return (LightGBMClassifier, LightGBMRegressor)

    def reads(self, schema: Schema) -> bool:
        """Tell whether there is no text."""
        return not schema.texts

    def fit_folded(
        self, model: Any, rows: Any, target: NDArray[Any], folds: Sequence[Fold], progress: Progress
    ) -> None:
        """Fit, the last fold's rows held out to choose the rounds."""
        model.learn(rows, target, folds[-1] if folds else None, progress)

    def size(self, model: Any) -> dict[str, int]:
        """Return the number of trees, of which each class has its own."""
        return {"num_trees": len(form.read(model.text_).trees)}

    def fold(self, given: Columned, outputs: int) -> Forest:
        """Return the trees."""
        return form.forest(form.read(given.model.text_), given)


family = LightGBMFamily()
