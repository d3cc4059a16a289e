"""Rows of the hold-out that pages may show: those most wrong, and typical ones."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ArtifactDamaged
from learning.shown_rows import (
    MEMBER,
    MOST_LETTERS,
    MOST_ROWS,
    dump,
    load,
    shortened,
    shown_rows_of,
)
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Feature, Schema, Target

LONG = "a" * 10_000


def dataset(rows: int = 60, features: int = 2) -> Dataset:
    matrix = np.arange(rows * features, dtype=np.float32).reshape(rows, features)
    columns = tuple(Feature(f"x{i}", "number") for i in range(features))
    schema = Schema((*columns, Feature("said", "text")), Target("y", ("no", "yes")))
    return Dataset(schema, Batch(matrix, ([LONG] * rows,)), np.arange(rows) % 2)


def test_the_most_wrong_come_first_and_typical_ones_are_others() -> None:
    held = dataset()
    right = np.full(60, 0.8)
    right[[7, 30]] = 0.01, 0.1
    outputs = np.where(np.eye(2)[held.target] == 1, right[:, None], 1 - right[:, None])
    found = shown_rows_of(held, outputs)
    assert len(found.wrong) == len(found.typical) == MOST_ROWS
    assert found.wrong[0].cells[:2] == (14, 15)
    assert found.wrong[0].truth == "yes"
    assert found.wrong[0].loss == pytest.approx(-np.log(0.01), rel=1e-5)
    assert found.wrong[1].cells[0] == 60
    assert found.typical[0].loss == pytest.approx(-np.log(0.8), rel=1e-5)
    assert not set(found.typical) & set(found.wrong)
    fields = found.wrong[0].fields(held.schema)
    assert fields["x0"] == 14
    assert len(fields["said"]) == MOST_LETTERS + 1


def test_wide_tables_show_fewer_rows_and_bounded_bytes() -> None:
    held = dataset(rows=30, features=5000)
    data = dump(shown_rows_of(held, np.full((30, 2), 0.5)))[MEMBER]
    assert len(data) < 200_000
    assert len(load({MEMBER: data}).wrong) == 1  # type: ignore[union-attr]


def test_of_a_quantity_the_truth_is_a_number() -> None:
    held = dataset()
    schema = Schema(held.schema.features, Target("y", task="regression"))
    held = Dataset(schema, held.batch, np.linspace(0, 1, 60))
    assert shown_rows_of(held, np.zeros((60, 1))).wrong[0].truth == 1.0


def test_rows_that_may_not_be_shown_are_not_kept() -> None:
    assert dump(None) == {}
    assert load({}) is None
    with pytest.raises(ArtifactDamaged, match=MEMBER):
        load({MEMBER: b"{}"})


def test_a_long_text_ends_with_a_sign() -> None:
    assert shortened("abcdef", 3) == "abc…"
    assert shortened("abc", 3) == "abc"
    assert shortened(12345, 3) == 12345
