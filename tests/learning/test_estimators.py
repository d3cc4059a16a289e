"""What `--estimator` names, and what `auto` tries."""

from __future__ import annotations

import pytest

from errors import RecipeError
from learning.estimators import Candidates, auto
from learning.families.boosting import boosting
from tables.dataset import read_dataset
from tests.learning.tables import mixed_table, without

MIXED = read_dataset(mixed_table(), "stays")
PLAIN = read_dataset(without(mixed_table(), "comment"), "stays")


def test_boosting_reads_no_text_and_auto_leaves_it_out():
    with pytest.raises(RecipeError, match="comment is text"):
        boosting(MIXED.schema, 0)
    assert list(auto(MIXED.schema, 0).estimators) == ["forest", "logistic"]
    assert list(auto(PLAIN.schema, 0).estimators) == ["forest", "boosting", "logistic"]
    assert isinstance(auto(PLAIN.schema, 0), Candidates)
