"""Forests of ranger by hand: what each kind of split means. Real ones are in tests/clients."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from errors import EquivalenceError, ModelFileError
from learning.forms.trees import single
from learning.imports.imported import encoded
from learning.imports.r import import_r
from learning.runtimes import load_runtime

LEFT, RIGHT = [1.0, 0.0], [0.0, 1.0]


def document(value: float, kind: str = "number", **model: Any) -> dict[str, Any]:
    """A forest of one tree, of one split: at most `value` is class a."""
    levels = ["lo", "mid", "hi"]
    column: dict[str, Any] = {"name": "x", "kind": kind}
    column |= {"levels": levels} if kind in ("factor", "ordered") else {"range": [0, 3]}
    values: list[Any] = levels if "levels" in column else [0, 1, 2, 3]
    tree = {
        "left": [1, 0, 0],
        "right": [2, 0, 0],
        "variable": [0, 0, 0],
        "value": [value, 0, 0],
        "shares": [[], LEFT, RIGHT],
    }
    return {
        "format": 1,
        "label": "y",
        "classes": ["a", "b"],
        "columns": [column],
        "model": {"kind": "ranger", "version": "0.14.1", "trees": [tree], **model},
        "rows": {"x": values},
        "predictions": [],
        "made_with": "R",
    }


def answered(given: dict[str, Any], left: list[bool], rows: list[Any]) -> list[float]:
    """The probability of class b for rows, once the document's own rows are met."""
    given["predictions"] = [LEFT if goes else RIGHT for goes in left]
    made = import_r(msgspec.json.encode(given))
    batch = encoded(made.schema, [{"x": value} for value in rows])
    return load_runtime(made.runtime_name, made.members).outputs(batch)[:, 1].tolist()


def test_numbers_at_most_the_value_go_left() -> None:
    probabilities = answered(document(1.0), [True, True, False, False], [0.99, 1.0, 1.01])
    assert probabilities == [0.0, 0.0, 1.0]


def test_levels_are_compared_by_their_code() -> None:
    for kind in ("factor", "ordered"):
        probabilities = answered(document(1.5, kind), [True, False, False], ["lo", "hi", "none"])
        assert probabilities == [0.0, 1.0, 0.0]


def test_a_level_never_seen_comes_last_where_ranger_reordered_them() -> None:
    given = document(1.5, "factor", reordered=["x"])
    assert answered(given, [True, False, False], ["lo", "hi", "none"]) == [0.0, 1.0, 1.0]


def test_levels_whose_bit_is_set_go_right_in_partition_mode() -> None:
    given = document(0b101, "factor", partitioned=["x"])
    probabilities = answered(given, [False, True, False], ["lo", "mid", "hi", "none"])
    assert probabilities == [1.0, 0.0, 1.0, 0.0]


def test_classes_are_sorted_whatever_rs_order_was() -> None:
    given = document(1.0)
    given["classes"] = ["yes", "no"]
    given["predictions"] = [LEFT, LEFT, RIGHT, RIGHT]
    made = import_r(msgspec.json.encode(given))
    assert made.schema.target.classes == ("no", "yes")
    assert np.round(made.probabilities).tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize(
    ("midpoint", "goes_left"), [((1.7 + 1.9) / 2, False), ((4.8 + 5.0) / 2, True)]
)
def test_a_midpoint_that_is_nearly_a_datum_splits_as_in_r(midpoint: float, goes_left: bool) -> None:
    datum = round(midpoint, 1)
    assert np.float32(midpoint) == np.float32(datum)
    assert (datum <= midpoint) is goes_left
    assert bool(np.float32(datum) <= np.float32(single(midpoint))) is goes_left


def test_a_prediction_that_is_not_met_refuses_the_forest() -> None:
    with pytest.raises(EquivalenceError, match=r"row 2 .* 1e-06 is allowed"):
        answered(document(1.0), [True, False, False, False], [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "this release reads format 1"),
        ({"classes": ["a", "a"]}, "each of another name"),
        ({"label": "x"}, "is one of the columns"),
        ({"rows": {"x": [1]}}, "expected 4 values of column x"),
        ({"columns": [{"name": "x", "kind": "factor"}]}, "factor without levels"),
        ({"columns": [{"name": "x", "kind": "date"}]}, "not a model exported"),
    ],
)
def test_a_document_that_does_not_hang_together_is_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        answered(document(1.0) | change, [True, True, False, False], [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left": [0, 0, 0], "right": [2, 0, 0]}, "child or a column that is not there"),
        ({"left": [3, 0, 0]}, "child or a column that is not there"),
        ({"variable": [1, 0, 0]}, "child or a column that is not there"),
        ({"value": [1.0]}, "as many nodes in every list"),
        ({"shares": [[], LEFT, [1.0]]}, "a share for every class"),
    ],
)
def test_a_tree_that_does_not_hang_together_is_refused(
    change: dict[str, Any], message: str
) -> None:
    given = document(1.0)
    given["model"]["trees"][0] |= change
    with pytest.raises(ModelFileError, match=message):
        answered(given, [True, True, False, False], [])


def test_more_levels_than_a_bit_mask_holds_are_refused() -> None:
    given = document(1.0, "factor", partitioned=["x"])
    given["columns"][0]["levels"] = [f"level {n}" for n in range(54)]
    given["rows"] = {"x": given["columns"][0]["levels"][:4]}
    with pytest.raises(ModelFileError, match="more than 53 levels"):
        answered(given, [True] * 4, [])


def deep(levels: int) -> dict[str, Any]:
    """Return a document of one tree whose last leaf lies under so many splits."""
    given = document(1.0)
    leaves = range(levels, 2 * levels + 1)
    ends = [0] * (levels + 1)
    tree = {
        "left": [*leaves[:-1], *ends],
        "right": [*range(1, levels), leaves[-1], *ends],
        "variable": [0] * levels + ends,
        "value": [i / levels for i in range(levels)] + ends,
        "shares": [[]] * levels + [LEFT] * levels + [RIGHT],
    }
    given["model"]["trees"] = [tree]
    return given


def test_a_tree_has_two_hundred_levels_at_most() -> None:
    assert answered(deep(200), [True, False, False, False], [0, 3]) == [0.0, 1.0]
    with pytest.raises(ModelFileError, match="at most 200 levels"):
        answered(deep(201), [True, False, False, False], [0])
