"""Splits of prepared columns as splits of raw features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from learning.forms.sources import CannotFold, Columned, Indicator, Number, Word
from learning.forms.splits import Branch, link, only, sklearn_tree, split
from learning.forms.trees import AtMost, Is, Leaf, Node, Split

BELOW, ABOVE = Leaf((0.0,)), Leaf((1.0,))


def columned(*sources: Any, nullable: frozenset[int] = frozenset()) -> Columned:
    return Columned(None, list(sources), len(sources), nullable)


def of(source: Any, threshold: float, missing_below: bool = False, **more: Any) -> Node:
    return split(columned(source, **more), Branch(0, threshold, missing_below, BELOW, ABOVE))


@pytest.mark.parametrize(
    ("source", "nullable", "missing"),
    [
        (Number(0, fill=2.0), True, True),  # what is missing is 2, which is at most 3
        (Number(0, fill=4.0), True, False),
        (Number(0), True, True),  # as the library says of the branch
        (Number(0), False, None),
    ],
)
def test_what_is_missing_goes_where_its_stand_in_would(
    source: Number, nullable: bool, missing: bool | None
) -> None:
    found = of(source, 3.0, True, nullable=frozenset({0} if nullable else ()))
    assert found == Split(AtMost(0, 3.0, missing), BELOW, ABOVE)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.5, Split(Is(0, 2), ABOVE, BELOW)),
        (0.0, Split(Is(0, 2), ABOVE, BELOW)),
        (1.0, BELOW),
        (-0.1, ABOVE),
    ],
)
def test_an_indicator_is_a_test_or_none_at_all(threshold: float, expected: Node) -> None:
    assert of(Indicator(Is(0, 2)), threshold) == expected


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (Number(0, scale=2.0), "scaled columns"),
        (Indicator(Is(0, 1), shift=1.0), "scaled columns"),
        (Word(0, None, 0), "words"),
    ],
)
def test_what_is_no_raw_feature_cannot_fold(source: Any, why: str) -> None:
    with pytest.raises(CannotFold, match=why):
        of(source, 0.5)


def test_a_tree_of_scikit_learn_has_its_leaves_and_counts() -> None:
    fitted = DecisionTreeClassifier(max_depth=1).fit([[0.0], [1.0], [2.0]], [0, 0, 1])
    shares = lambda value: tuple(np.ravel(value).tolist())  # noqa: E731
    found = sklearn_tree(columned(Number(0)), fitted.tree_, shares)
    leaves = Leaf((1.0, 0.0), 2.0), Leaf((0.0, 1.0), 1.0)
    assert found == Split(AtMost(0, 1.5, None), *leaves, 3.0)


def test_boosted_leaves_are_of_one_output_and_count_at_the_rate() -> None:
    assert only(1, 3, rate=0.5)(np.array([[4.0]])) == (0.0, 2.0, 0.0)
    assert (link(1), link(3)) == ("logistic", "softmax")
