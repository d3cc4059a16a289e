"""What was learnt from a table, whole or in parts: an estimator, and the rows that tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from learning.training import Choice
from tables.dataset import Dataset


class Learnt(NamedTuple):
    """A fitted estimator, and what it was chosen among.

    `train` are rows that it has learnt from, all `rows` or a sample of them, `holdout` the rows
    that were held out as `held` says; `dataset` has the schema and the notes. `table_rows` are
    those of the table, `digest` is that of what was learnt, and `seen` the artifact's member
    that keeps which rows these were.
    """

    estimator: Any
    choice: Choice
    dataset: Dataset
    train: Dataset
    holdout: Dataset
    held: dict[str, Any]
    rows: int
    table_rows: int
    digest: str
    seen: Mapping[str, bytes]
