"""What the families of boosting libraries share."""

from __future__ import annotations

import pytest

from errors import RecipeError
from learning.boosters import LightGBMClassifier, LightGBMRegressor
from learning.families.lightgbm import family
from learning.tasks import read_target
from tables.dataset import read_dataset
from tests.learning.tables import mixed_table, without


def test_the_target_decides_the_estimator_and_codes_are_categories():
    table = without(mixed_table(), "comment")
    for target, kind in (("stays", LightGBMClassifier), ("age", LightGBMRegressor)):
        schema = read_dataset(table, target, read_target=read_target(None)).schema
        made = family.estimator(schema, rounds=7)[-1]
        assert type(made) is kind
        assert made.rounds == 7
        assert [schema.numeric[i].name for i in made.categories][:1] == ["plan"]


def test_text_is_refused_by_name():
    schema = read_dataset(mixed_table(), "stays").schema
    assert not family.reads(schema)
    with pytest.raises(RecipeError, match="LightGBM reads no text, and comment is text"):
        family.estimator(schema)
