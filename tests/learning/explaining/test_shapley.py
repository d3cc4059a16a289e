"""Shapley values of a leaf: against the definition, over every subset of conditions."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from learning.explaining.shapley import chances, nodes, patterns, tables


def by_definition(value: float, rates: list[float], holds: list[bool], j: int) -> float:
    """The mean gain of condition j over all orders: Shapley 1953."""
    count, others = len(rates), [i for i in range(len(rates)) if i != j]

    def worth(inside: set[int]) -> float:
        factors = [holds[i] if i in inside else rates[i] for i in range(count)]
        return value * float(np.prod(factors))

    total = 0.0
    for size in range(count):
        weight = factorial(size) * factorial(count - 1 - size) / factorial(count)
        for chosen in combinations(others, size):
            total += weight * (worth({*chosen, j}) - worth(set(chosen)))
    return float(total)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_table_has_what_the_definition_gives_for_every_pattern(count):
    rates = np.random.default_rng(count).random((3, count))
    values = np.array([2.0, -1.0, 0.5])
    made = tables(values, chances(rates))
    assert made.shape == (3, count, 2**count)
    for leaf, value in enumerate(values):
        for index, holds in enumerate(patterns(count).tolist()):
            expected = [by_definition(value, rates[leaf], holds, j) for j in range(count)]
            np.testing.assert_allclose(made[leaf, :, index], expected, atol=1e-12)


def test_chances_of_all_patterns_are_1():
    rates = np.array([[0.25, 0.5], [0.0, 1.0]])
    found = chances(rates)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found[0], [0.375, 0.125, 0.375, 0.125])
    np.testing.assert_allclose(found[1], [0.0, 0.0, 1.0, 0.0])


@pytest.mark.parametrize("most", [1, 2, 7, 10])
def test_the_points_integrate_the_product_of_all_other_conditions_exactly(most):
    at, weight = nodes(most)
    degree = most - 1
    assert (weight * at**degree).sum() == pytest.approx(1 / (degree + 1), rel=1e-12)
