"""The first page: every model with its target, its quality in one number, its age and health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from serving.champions import Live
from serving.pages.about import age_of, target_of
from serving.pages.language import Catalogue
from serving.pages.page import Page, Visit
from tables.schema import Target


class Row(NamedTuple):
    """A model as a row of the list; one that cannot be loaded has a fault alone."""

    name: str
    path: str
    target: str = ""
    quality: str = ""
    age: str = ""
    default: bool = False
    fault: str = ""


def rows_of(visit: Visit) -> list[Row]:
    """Return a row for each model that is live, or should be."""
    champions, words = visit.place.champions, visit.words
    lives, faults = champions.lives, champions.faults
    return [
        _row(lives[name], words, visit.place.default_model, faults.get(name, ""))
        if name in lives
        else Row(name, "", fault=faults[name])
        for name in sorted(lives.keys() | faults.keys())
    ]


def quality_of(live: Live, words: Catalogue) -> str:
    """Return how good a model is in one number of its hold-out; nothing where it has none."""
    return measured(live.schema.target, live.metrics, words)


def measured(target: Target, metrics: Mapping[str, Any], words: Catalogue) -> str:
    """Return the one number of some metrics, named; nothing where they have none.

    Two classes: ROC AUC. More: accuracy. A quantity: R².
    """
    name = "r2" if not target.classes else "roc_auc" if len(target.classes) == 2 else "accuracy"
    value = metrics.get(name)
    return f"{words(f'metric_{name}')} {words.fixed(value, 3)}" if value is not None else ""


def _row(live: Live, words: Catalogue, default: str, fault: str) -> Row:
    return Row(
        live.name,
        f"/models/{quote(live.name)}",
        target_of(live, words),
        quality_of(live, words),
        age_of(live, words),
        live.name == default,
        fault,
    )


def _context(visit: Visit) -> dict[str, Any]:
    return {"rows": rows_of(visit)}


PAGE = Page("/", "index.html", _context, "models")
