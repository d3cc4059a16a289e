"""The versions of a model: which answers, how good each is, two compared; promote, roll back."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from persistence.registry import VersionInfo
from serving.pages.about import about
from serving.pages.index import measured
from serving.pages.language import Catalogue
from serving.pages.page import Page, Visit
from serving.pages.version_summaries import Summary

# Artifacts of so many versions are read for one page; older ones follow on the next.
MOST_SHOWN = 20
# What is compared, in this order; a metric that neither version has is left out.
METRICS = (
    "log_loss",
    "roc_auc",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "brier_score",
    "expected_calibration_error",
    "base_rate_log_loss",
    "rmse",
    "mae",
    "median_absolute_error",
    "r2",
)
# Metrics in the unit of the target; all others are between 0 and about 1.
IN_UNITS = frozenset({"rmse", "mae", "median_absolute_error"})
MEGABYTE = 1e6


class Row(NamedTuple):
    """A version as a row of the list; one that cannot be read is not `readable`."""

    version: str
    state: str
    made: str
    quality: str
    size: str
    promote: str
    readable: bool


class Compared(NamedTuple):
    """One line of a comparison: what it is, and of each version what it is there."""

    what: str
    first: str
    second: str


def rows_of(visit: Visit, shown: list[VersionInfo]) -> list[Row]:
    """Return a row a version. Raises StoreUnavailable."""
    return [_row(visit, info) for info in shown]


def compared(first: Summary, second: Summary, words: Catalogue) -> list[Compared]:
    """Return what two versions say of themselves, side by side."""
    sides = first, second
    lines = [
        Compared(words(f"compared_{what}"), *(_said(side, what, words) for side in sides))
        for what in ("estimator", "runtime", "rows", "features")
    ]
    for name in METRICS:
        values = [side.metrics.get(name) for side in sides]
        if any(value is not None for value in values):
            told = [figure(name, value, words) for value in values]
            lines.append(Compared(words(f"compared_{name}"), *told))
    return lines


def figure(name: str, value: float | None, words: Catalogue) -> str:
    """Return a metric as it stands in a column of figures."""
    if value is None:
        return "–"
    return words.number(float(value)) if name in IN_UNITS else words.fixed(value, 4)


def _context(visit: Visit) -> dict[str, Any]:
    every = list(reversed(visit.place.registry.versions(visit.name)))
    start = next((i for i, one in enumerate(every) if one.version == visit.query.get("from")), 0)
    shown, left = every[start : start + MOST_SHOWN], every[start + MOST_SHOWN :]
    alias = visit.place.registry.champion(visit.name)
    known = {info.version for info in every}
    pair = _pair(visit, shown, known)
    return {
        "about": about(visit),
        "name": visit.name,
        "path": visit.path,
        "rows": rows_of(visit, shown),
        "older": left[0].version if left else "",
        "names": [info.version for info in every],
        "pair": pair,
        "lines": _compare(visit, pair),
        "serial": alias.serial if alias else 0,
        "rollback": f"/v0/models/{quote(visit.name)}/rollback",
        "can_roll_back": bool(alias and alias.previous),
    }


def _pair(visit: Visit, shown: list[VersionInfo], known: set[str]) -> tuple[str, str] | None:
    """Return which two are compared: those asked for, else the champion and the newest other."""
    asked = visit.query.get("a", ""), visit.query.get("b", "")
    if set(asked) <= known:
        return asked
    champion = visit.live.version
    others = [info.version for info in shown if info.version != champion]
    return (champion, others[0]) if others else None


def _compare(visit: Visit, pair: tuple[str, str] | None) -> list[Compared]:
    found = [visit.summaries.of(visit.name, version) for version in pair or ()]
    if len(found) < 2 or found[0] is None or found[1] is None:
        return []
    return compared(found[0], found[1], visit.words)


def _row(visit: Visit, info: VersionInfo) -> Row:
    words, summary = visit.words, visit.summaries.of(visit.name, info.version)
    state = "champion" if info.champion else "challenger" if info.challenger else ""
    address = f"/v0/models/{quote(visit.name)}/versions/{quote(info.version)}/promote"
    return Row(
        info.version,
        words(f"version_{state}") if state else "",
        (info.created_at or "").replace("T", " ").removesuffix("Z"),
        measured(summary.schema.target, summary.metrics, words)
        if summary
        else words("not_readable"),
        f"{words.fixed(info.size / MEGABYTE, 2)} MB",
        "" if info.champion or summary is None else address,
        summary is not None,
    )


def _quality(summary: Summary | None, words: Catalogue) -> str:
    if summary is None:
        return words("not_readable")
    return measured(summary.schema.target, summary.metrics, words)


def _rows(number: int, words: Catalogue) -> str:
    return words.number(number) if number else "–"


def _said(summary: Summary, what: str, words: Catalogue) -> str:
    said = {
        "estimator": lambda: str(summary.info.get("model_name", "–")),
        "runtime": lambda: summary.manifest.runtime.name,
        # A model made elsewhere does not say how many.
        "rows": lambda: _rows(summary.manifest.training_rows, words),
        "features": lambda: words.number(len(summary.schema.features)),
    }
    return said[what]()


PAGE = Page("/models/<name>/versions", "versions.html", _context, "versions")
