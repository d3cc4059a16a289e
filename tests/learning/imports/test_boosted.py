from __future__ import annotations

import numpy as np
import pytest

from errors import ModelFileError
from learning.forms.trees import AtMost, Forest, Leaf, Split
from learning.imports import boosted
from learning.imports.boosted import Boosted, Coded, Column, import_boosted
from learning.imports.example import Example
from tables.schema import Feature

COLUMNS = (
    Column("x", -1.5, 2.5),
    Column("size", words=(2, 3, 5), codes=True),
    Column("colour", words=("blue", "red"), codes=True, closed=True),
)


def test_a_column_s_kind_is_what_its_values_are_in_a_row() -> None:
    assert [column.kind for column in COLUMNS] == ["number", "integer", "words"]
    assert Column("new", words=(False, True), codes=True).kind == "boolean"
    assert Column("code", 0, 9, codes=True).kind == "integer"


def test_sets_of_codes_become_sets_of_values_and_back() -> None:
    sets = Coded(COLUMNS)
    # The codes 0 and 2 of the sizes are 2 and 5; words are their codes.
    assert sets.index(1, 0b101) == 3
    assert sets.index(2, 0b10) == 4
    assert list(sets.sets) == [(1, 0b100100, False), (2, 0b10, False)]
    matrix = np.array([[0.1, 5, 1], [np.nan, 4, -1], [1e-8, np.nan, np.nan]], np.float32)
    codes = sets.codes(matrix)
    np.testing.assert_array_equal(codes, [[0.1, 2, 1], [np.nan, -1, -1], [1e-8, np.nan, np.nan]])


def test_categories_that_are_no_codes_are_refused() -> None:
    for words in ((0.5, 1.5), (-1, 2)):
        with pytest.raises(ModelFileError, match="not all whole ones from 0 on"):
            Coded((Column("x", words=words, codes=True),)).index(0, 0b11)


def model(columns: tuple[Column, ...] = COLUMNS) -> Boosted:
    sets = Coded(columns)
    inside = Split(AtMost(0, 0.5, True), Leaf((3.0,)), Leaf((5.0,)))
    tree = Split(AtMost(sets.index(2, 0b10), 0.5), inside, Leaf((7.0,)))
    forest = Forest((tree,), sets.width, 1, "identity", (100.0,))
    return Boosted("lightgbm", b"", "a test", columns, sets, forest, np.array([3.0, 0.0, 1.0]))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed that could be asked."""
    monkeypatch.setattr(boosted, "find_spec", lambda name: None)


def test_a_quantity_is_imported_without_an_example() -> None:
    made = import_boosted(model(), None, "price")
    assert (made.schema.target.task, made.schema.target.classes) == ("regression", ())
    assert made.schema.imputes is True
    assert made.schema.features[2].closed
    assert {value for (value,) in made.probabilities} <= {103.0, 105.0, 107.0}
    assert made.info["feature_importances"] == {"x": 0.75, "colour": 0.25, "size": 0.0}
    assert all(-1.5 <= row["x"] <= 2.5 and row["size"] in (2, 3, 5) for row in made.rows)
    assert made.origin == {"imported_from": "a test", "proven_by": "the file's trees"}


def test_columns_without_names_are_the_example_s_in_its_order() -> None:
    columns = tuple(column._replace(name="") for column in COLUMNS)
    with pytest.raises(ModelFileError, match="does not name its columns"):
        import_boosted(model(columns), None, "price")
    features = (
        Feature("a", "number", example=1.0),
        Feature("b", "number", example=2.0),
        Feature("c", "text", example="red"),
    )
    example = Example(features, [{"a": 0.0, "b": 2.0, "c": "red"}], None)
    made = import_boosted(model(columns), example, "price")
    assert [(f.name, f.kind) for f in made.schema.features] == [
        ("a", "number"), ("b", "integer"), ("c", "category"),
    ]  # fmt: skip
    assert made.probabilities == [[107.0]]
