"""The iris recipe: three species from four lengths."""

from __future__ import annotations

import pytest

from build_model import build_model
from persistence.model_persistence import read_model
from recipes.iris import recipe
from tests.persistence.artifacts import make_registry


def test_it_tells_the_three_species_apart():
    registry = make_registry()
    built = build_model(recipe, registry=registry)
    assert built.model.info["model_name"] == "LogisticRegression"
    assert built.metrics["roc_auc"] > 0.97
    model = read_model("iris", registry)
    assert model.schema.target.classes == ("setosa", "versicolor", "virginica")
    names = [feature.name for feature in model.schema.features]
    assert names == ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    (found,) = model.predict([dict(zip(names, (5.1, 3.5, 1.4, 0.2), strict=True))])
    assert found.value == "setosa"
    (named,) = model.predict(
        [{"Sepal.Length": 5.1, "Sepal.Width": 3.5, "Petal.Length": 1.4, "Petal.Width": 0.2}]
    )
    assert named == found
    assert sum(found.probabilities.values()) == pytest.approx(1)
