"""Shapley values of a leaf: what each condition on its path contributes, by which of them hold.

Let p say which conditions hold for the row, and q which hold for who stands in for the features
that are left out, a row drawn from those learnt from. The leaf's value counts where each of its
conditions holds by one or the other, and the Shapley value of condition j is

    (p_j - q_j) * integral over t from 0 to 1 of prod over i != j of (t p_i + (1 - t) q_i)

(the multilinear extension: Owen, Multilinear Extensions of Games, Management Science 18, 1972).
Where p and q are 0 or 1 the integral is a! b! / (a + b + 1)!, for the a conditions that hold by
p alone and the b that hold by q alone, and 0 where one holds by neither. Path-dependent, each
condition of q holds with the share of training rows that came by, whatever the others do
(Lundberg, Erion and Lee, Consistent Individualized Feature Attribution for Tree Ensembles, 2018).
That a table of all patterns of a short path is small: Nadel and Wettenstein, From Decision Trees
to Boolean Logic (WOODELF), 2026.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@cache
def weights(count: int) -> Doubles:
    """Return the Shapley values `[q, p, j]` of a leaf of value 1 with `count` conditions.

    Bit j of a pattern says whether condition j holds.
    """
    bits = patterns(count)
    by_row, by_other = bits[np.newaxis], bits[:, np.newaxis]
    first, second = by_row > by_other, by_other > by_row
    a, b, size = first.sum(axis=2), second.sum(axis=2), alone(count)
    gain, loss = size[a, b][:, :, np.newaxis], size[b, a][:, :, np.newaxis]
    met = (by_row | by_other).all(axis=2, keepdims=True)
    return np.asarray((first * gain - second * loss) * met)


def patterns(count: int) -> NDArray[np.bool_]:
    """Return which conditions hold in each pattern `[2 ** count, count]`."""
    numbers = np.arange(1 << count)[:, np.newaxis]
    return (numbers >> np.arange(count) & 1).astype(bool)


def chances(rates: Doubles) -> Doubles:
    """Return how likely each pattern is `[L, 2 ** m]`, given how likely each condition `[L, m]`."""
    bits = patterns(rates.shape[1])
    each = np.where(bits, rates[:, np.newaxis, :], 1.0 - rates[:, np.newaxis, :])
    return np.asarray(each.prod(axis=2))


def tables(values: Doubles, chance: Doubles) -> Doubles:
    """Return the Shapley values `[L, m, 2 ** m]` of leaves, by condition and the row's pattern.

    `values` are the leaves' `[L]`, `chance` how likely each pattern of the others is.
    """
    size = chance.shape[1]
    count = size.bit_length() - 1
    flat = chance @ weights(count).reshape(size, size * count)
    found = flat.reshape(-1, size, count).transpose(0, 2, 1) * values[:, np.newaxis, np.newaxis]
    return np.ascontiguousarray(found)


def nodes(most: int) -> tuple[Doubles, Doubles]:
    """Return points of 0 to 1 and their weights (Gauss-Legendre).

    With them the integral is exact for leaves of up to `most` conditions.
    """
    at, weight = np.polynomial.legendre.leggauss(max(1, (most + 1) // 2))
    return (at + 1.0) / 2.0, weight / 2.0


def alone(most: int) -> Doubles:
    """Return what a condition that holds by one side alone counts for `[a, b]`.

    `a` conditions hold by its side alone, it among them, and `b` by the other's, up to `most`:
    (a - 1)! b! / (a + b)!, and 0 where `a` is 0.
    """
    counts = range(most + 1)
    return np.array([[1 / (a * comb(a + b, a)) if a else 0.0 for b in counts] for a in counts])
