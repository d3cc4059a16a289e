"""Digests of encoded rows: equal for equal rows, in every process and on every machine."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from tables.batch import Batch

Digests = NDArray[np.uint64]

# The multipliers of SplitMix64: Steele, Lea and Flood, Fast Splittable Pseudorandom
# Number Generators (OOPSLA 2014).
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
GAMMA = np.uint64(0x9E3779B97F4A7C15)
# Every missing value is this one, whatever bits a library gave it.
MISSING = np.uint32(0x7FC00000)


def row_digests(batch: Batch) -> Digests:
    """Return a digest of 64 bits for each row, its texts among what is digested.

    A column at a time: of a million rows no copy is made.
    """
    digests = np.zeros(len(batch.matrix), dtype=np.uint64)
    for column in batch.matrix.T:
        _mix(digests, _bits(column))
    for texts in batch.texts:
        _mix(digests, text_digests(texts))
    return digests


def text_digests(texts: list[str]) -> Digests:
    """Return a digest of 64 bits for each text."""
    found = b"".join(
        blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts
    )
    return np.frombuffer(found, dtype="<u8").astype(np.uint64)


def mixed(numbers: Digests) -> Digests:
    """Return numbers mixed, each into one of 64 bits that looks drawn by chance."""
    found = np.zeros(len(numbers), dtype=np.uint64)
    _mix(found, numbers)
    return found


def _bits(column: NDArray[np.float32]) -> NDArray[np.uint32]:
    # 0.0 and -0.0 are equal, and adding 0 makes them the same.
    bits: NDArray[np.uint32] = (column + np.float32(0)).view(np.uint32)
    bits[np.isnan(column)] = MISSING
    return bits


def _mix(digests: Digests, values: NDArray[np.uint32] | Digests) -> None:
    digests += GAMMA
    digests ^= values
    digests ^= digests >> np.uint64(30)
    digests *= FIRST
    digests ^= digests >> np.uint64(27)
    digests *= SECOND
    digests ^= digests >> np.uint64(31)
