"""Random forests and their kin: trees whose shares of classes are averaged."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta
from numpy.typing import NDArray

from learning.family import Family, fit_in_steps
from learning.forms.sources import CannotFold, Columned
from learning.forms.splits import only, sklearn_tree
from learning.forms.trees import Forest
from learning.preparation import pipeline, prepare
from learning.progress import Progress
from tables.schema import Schema

Trees = Annotated[int, Meta(ge=1, le=2000)]
Depth = Annotated[int, Meta(ge=1, le=64)] | None
Leaf = Annotated[int, Meta(ge=1, le=10_000)]

# Trees draw columns by chance: among thousands of words they would hardly see the other features.
MOST_WORDS = 200


def forest(
    schema: Schema,
    seed: int,
    *,
    n_estimators: Trees = 200,
    max_depth: Depth = 10,
    min_samples_leaf: Leaf = 2,
) -> Any:
    """Return a random forest behind one-hot columns and median imputation."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if schema.target.classes else RandomForestRegressor
    model = kind(
        n_estimators=n_estimators,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        random_state=seed,
    )
    return pipeline(prepare(schema, words=MOST_WORDS), model)


class ForestFamily(Family):
    """Forests; single trees and extremely randomized ones are only imported."""

    name = "forest"
    rank = 1
    trusted = frozenset({"sklearn.tree._tree.Tree"})
    make = staticmethod(forest)

    def classes(self) -> tuple[type, ...]:
        """Return scikit-learn's classes."""
        from sklearn import ensemble, tree

        return (
            ensemble.RandomForestClassifier,
            ensemble.ExtraTreesClassifier,
            tree.DecisionTreeClassifier,
            ensemble.RandomForestRegressor,
        )

    def fit(self, model: Any, rows: Any, target: NDArray[Any], progress: Progress) -> None:
        """Fit a forest some trees at a time, by all processors."""
        if hasattr(model, "warm_start"):
            fit_in_steps(model, "n_estimators", rows, target, progress)
        else:
            super().fit(model, rows, target, progress)

    def fold(self, given: Columned, outputs: int) -> Forest:
        """Return the trees; of two classes, the share of the second."""
        model = given.model
        if not hasattr(model, "classes_"):
            return _quantity(given)
        if list(model.classes_) != list(range(outputs)):
            raise CannotFold(f"{type(model).__name__} was not fitted on all classes")
        first = 1 if outputs == 2 else 0
        trees = tuple(
            sklearn_tree(given, one.tree_, lambda value: tuple(value[0, first:].tolist()))
            for one in getattr(model, "estimators_", None) or [model]
        )
        return Forest(trees, given.columns, outputs - first)


def _quantity(given: Columned) -> Forest:
    """Return the trees of a quantity, each with its share of the mean."""
    trees = given.model.estimators_
    values = only(0, 1, 1 / len(trees))
    made = tuple(sklearn_tree(given, one.tree_, values) for one in trees)
    return Forest(made, given.columns, 1, "identity", (0.0,))


family = ForestFamily()
