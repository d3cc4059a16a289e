"""The credit recipe: its forest, its aliases, and how well it does."""

from __future__ import annotations

import pytest

from build_model import build_model
from persistence.model_persistence import read_model
from recipes.credit import recipe
from tables.dataset import read_dataset
from tests.persistence.artifacts import make_registry


@pytest.fixture(scope="module")
def built():
    registry = make_registry()
    return build_model(recipe, registry=registry), read_model("credit", registry)


def test_it_is_a_forest_of_200_trees_of_depth_10_and_compiled(built):
    found, model = built
    assert found.model.info["model_name"] == "RandomForestClassifier"
    assert found.model.info["num_trees"] == 200
    assert found.model.info["max_depth"] == 10
    assert found.model.info["num_features"] == 13
    assert model.runtime.compiled
    assert found.model.parity is not None
    assert found.model.parity["largest_difference"] < 1e-5


def test_it_does_well_on_its_hold_out(built):
    found, _ = built
    assert found.model.metrics["roc_auc"] > 0.8
    assert found.model.metrics["log_loss"] < 0.47
    assert found.model.metrics["accuracy"] > 0.76


def test_what_pages_draw_of_it_is_below_200_kb(built):
    _, model = built
    drawn = ["curves.json", "quality.json", "histograms.json", "rows.json", "training.profile"]
    assert sum(len(model.artifact.members[name]) for name in drawn) < 200_000


def test_every_alias_leads_to_a_category():
    dataset = read_dataset(recipe.table(), recipe.target, recipe.aliases)
    features = {feature.name: feature for feature in dataset.schema.features}
    for name, aliases in recipe.aliases.items():
        assert features[name].aliases == aliases
    assert {feature.kind for feature in features.values()} == {"integer", "category", "boolean"}
    assert dataset.schema.target.classes == (False, True)
    assert dataset.notes == ()


def test_a_row_in_portuguese_is_answered_as_the_same_row_in_english(built):
    _, model = built
    row = model.schema.example
    english = row | {"job": "freelance", "home": "rent", "marital": "widow", "records": "no"}
    portuguese = row | {
        "job": "freelancer",
        "home": "aluguel",
        "marital": "viuvo",
        "records": False,
    }
    assert model.predict([english]) == model.predict([portuguese])
    assert model.predict([english]) != model.predict([english | {"job": "fixo", "home": "pais"}])
