"""What `--estimator` names."""

from __future__ import annotations

import pytest

from errors import RecipeError
from learning.additive.targets import AdditiveClassifier
from learning.estimators import DEFAULT, estimators
from learning.families.boosting import boosting
from tables.dataset import read_dataset
from tests.learning.tables import mixed_table

MIXED = read_dataset(mixed_table(), "stays")


def test_boosting_reads_no_text():
    with pytest.raises(RecipeError, match="comment is text"):
        boosting(MIXED.schema, 0)


def test_the_default_reads_everything():
    assert DEFAULT == "auto"
    assert isinstance(estimators()[DEFAULT](MIXED.schema, 0), AdditiveClassifier)
