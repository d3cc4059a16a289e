"""Fisher's irises: which of three species is it? By logistic regression."""

from __future__ import annotations

from learning.families.logistic import logistic
from learning.recipe import Recipe
from tables.table import Table

# Centimetres, in the order of scikit-learn's columns.
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
# What R's copy of the table calls them, and what scikit-learn's does.
NAMES = {
    name: (name.title().replace("_", "."), f"{name.replace('_', ' ')} (cm)") for name in FEATURES
}


def load() -> Table:
    """Return scikit-learn's copy of the table: 150 flowers, with their species by name."""
    from sklearn.datasets import load_iris

    iris = load_iris()
    columns = dict(zip(FEATURES, iris.data.T.tolist(), strict=True))
    species = [str(iris.target_names[index]) for index in iris.target]
    return Table({**columns, "species": species})


recipe = Recipe(
    name="iris",
    target="species",
    load=load,
    estimator=logistic,
    field_aliases=NAMES,
    show_rows=True,
)
