from __future__ import annotations

from learning.forms.trees import (
    AtMost,
    Forest,
    Is,
    Leaf,
    Split,
    every_test,
    leaves,
    pruned,
    thresholds,
)

LOW, HIGH, SAME = Leaf((0.1,), 3), Leaf((0.9,), 4), Leaf((0.1,), 5)


def test_a_split_between_equal_leaves_is_one_leaf() -> None:
    tree = Split(AtMost(0, 1.0), Split(AtMost(1, 2.0), LOW, SAME), HIGH)
    assert pruned(tree) == Split(AtMost(0, 1.0), Leaf((0.1,), 8), HIGH)


def test_a_category_that_is_known_is_not_asked_again() -> None:
    other = Leaf((0.5,))
    tree = Split(Is(0, 2), Split(Is(0, 2), LOW, HIGH), Split(Is(0, 2), LOW, other))
    assert pruned(tree) == Split(Is(0, 2), LOW, other)


def test_a_known_category_is_none_of_the_others() -> None:
    tree = Split(Is(0, 2), Split(Is(0, 1), HIGH, LOW), HIGH)
    assert pruned(tree) == Split(Is(0, 2), LOW, HIGH)


def test_another_feature_of_the_same_code_is_still_asked() -> None:
    tree = Split(Is(0, 2), Split(Is(1, 2), LOW, HIGH), LOW)
    assert pruned(tree) == tree


def test_a_missing_value_that_counts_as_a_code_is_kept_apart_from_it() -> None:
    # Yes to the first may be code 2 or a missing value: the second still decides.
    tree = Split(Is(0, 2, missing=True), Split(Is(0, None, True), LOW, HIGH), LOW)
    assert pruned(tree) == tree


def test_after_not_missing_a_missing_value_is_ruled_out() -> None:
    tree = Split(Is(0, None, True), LOW, Split(Is(0, None, True), LOW, HIGH))
    assert pruned(tree) == Split(Is(0, None, True), LOW, HIGH)


def test_leaves_tests_and_thresholds_are_those_of_all_trees() -> None:
    first = Split(AtMost(3, 1.5), LOW, Split(Is(1, 0), LOW, HIGH))
    second = Split(AtMost(3, 0.5), LOW, Split(AtMost(3, 1.5), LOW, HIGH))
    forest = Forest((first, second), columns=4, outputs=1)
    assert leaves(first) == 3
    assert sorted(map(str, every_test(forest))) == sorted(
        map(str, (AtMost(3, 1.5), Is(1, 0), AtMost(3, 0.5), AtMost(3, 1.5)))
    )
    assert thresholds(forest) == {3: [0.5, 1.5]}
