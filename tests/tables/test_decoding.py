"""From encoded rows back to values."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from tables.batch import Batch
from tables.decoding import decoded, decoded_row
from tables.schema import Feature, Schema, Target


@pytest.mark.parametrize(
    ("feature", "code", "expected"),
    [
        (Feature("a", "number"), 1.5, 1.5),
        (Feature("a", "integer"), 2.0, 2),
        (Feature("a", "boolean"), 1.0, True),
        (Feature("a", "category", categories=("x", "y")), 1.0, "y"),
        (Feature("a", "category", categories=("x", "other"), other=True), 2.0, "(other)"),
        (Feature("a", "number", True), nan, None),
    ],
)
def test_a_value_is_as_a_client_would_send_it(feature, code, expected):
    assert decoded(feature, [code]) == expected


def test_a_row_has_its_features_in_order_texts_too():
    features = (Feature("t", "text"), Feature("n", "integer"))
    batch = Batch(np.array([[1.0], [2.0]], np.float32), (["one", "two"],))
    row = decoded_row(Schema(features, Target("y", (0, 1))), batch, 1)
    assert list(row.items()) == [("t", "two"), ("n", 2)]
