"""Ranks: where each new row stands among the training's and those that came before it.

Under exchangeability, which says that traffic is as training was, these conformal p-values
are independent and uniform, however few rows there were in training: Vovk, Gammerman and
Shafer, Algorithmic Learning in a Random World (2005), chapter 7; within strata (Mondrian
taxonomies) chapter 4. That is why traffic joins the rows that the next is ranked among.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Integers = NDArray[np.intp]


def ranks(
    groups: Integers, bag: Doubles, uniform: Doubles, strata: Integers | None = None
) -> tuple[Doubles, Doubles]:
    """Return the smoothed rank of each row, from 0 to 1 `[..., n]`, and the bag with all rows.

    `groups` `[..., n]` are the rows' in order of arrival, `bag` `[..., strata, groups]`
    counts the rows before them, and `uniform` `[..., n]` breaks ties by chance. A row
    is ranked by its group among the rows of its stratum, the only one unless given.
    """
    width = bag.shape[-1]
    first = np.zeros_like(groups) if strata is None else strata * width
    flat = bag.reshape(*bag.shape[:-2], -1)
    places = groups + first
    size = flat.shape[-1]
    # Rows before each one whose place is lower than 0, 1, ... up to all places.
    passed = (places[..., None] < np.arange(size + 1)).astype(np.int32)
    came = np.cumsum(passed, axis=-2, dtype=np.int32) - passed
    before = np.concatenate([np.zeros((*flat.shape[:-1], 1)), np.cumsum(flat, axis=-1)], axis=-1)

    def lower(than: Integers) -> Doubles:
        earlier = np.take_along_axis(came, than[..., None], -1)[..., 0]
        found: Doubles = np.take_along_axis(before, than, -1) + earlier
        return found

    start, less = lower(first), lower(places)
    equal, total = lower(places + 1) - less, lower(first + width) - start
    found = (less - start + uniform * (equal + 1)) / (total + 1)
    return found, bag + counts_of(places, size).reshape(bag.shape)


def counts_of(places: Integers, size: int) -> Doubles:
    """Return how often each place from 0 up to `size` is among the last axis `[..., size]`."""
    lanes = places.reshape(-1, places.shape[-1])
    offset = np.arange(len(lanes))[:, None] * size
    found = np.bincount((lanes + offset).ravel(), minlength=len(lanes) * size)
    return found.reshape(*places.shape[:-1], size).astype(np.float64)
