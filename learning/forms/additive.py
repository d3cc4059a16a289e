"""Trees and a linear term that are added up, before one link: the form of the default learner."""

from __future__ import annotations

from typing import NamedTuple

from learning.forms.sources import Linear
from learning.forms.trees import Forest


class Term(NamedTuple):
    """A linear term: its sum, kept between `low` and `high`, times the weight of each output.

    All are `[outputs]`. Far from the rows that it was learnt from a weighted sum goes
    anywhere: it is kept near what it came to there.
    """

    linear: Linear
    weights: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Additive(NamedTuple):
    """A forest, its leaves weighted already, and a linear term, added up to scores.

    The forest's base and link are those of the whole.
    """

    forest: Forest
    term: Term | None = None
