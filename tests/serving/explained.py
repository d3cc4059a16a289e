"""Live models that explain their answers, and rows of theirs that were not learnt from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from serving.champions import Live
from tables.rows import RowCodec
from tests.learning.trainings import trained
from tests.serving.factory import make_live


def live_of(target: str = "stays", estimator: str = "auto") -> Live:
    """Return a live model named credit."""
    found = trained(estimator, target)
    schema = found.holdout.schema
    made = replace(make_live("credit", schema=schema), info=dict(found.made.info))
    return replace(made, runtime=found.runtime, codec=RowCodec(schema), explainer=found.explainer)


def rows_of(target: str = "stays", estimator: str = "auto") -> list[dict[str, Any]]:
    """Return three rows."""
    return trained(estimator, target).holdout.objects([0, 1, 2])
