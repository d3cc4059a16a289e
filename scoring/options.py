"""What is asked of a scoring: plain values, which go to other processes as they are."""

from __future__ import annotations

import msgspec


class Options(msgspec.Struct, frozen=True):
    """Which columns a table gets, and what becomes of its bad rows.

    `probabilities` adds those of all classes, `interval` (above 0 and below 1) the ends of a
    quantity's interval, `contributions` what each feature contributes; `prefix` stands before
    the names of all of them. `strict` ends a scoring at the first bad row, and counts
    categories never seen as bad.
    """

    probabilities: bool = True
    interval: float | None = None
    contributions: bool = False
    prefix: str = ""
    strict: bool = False
