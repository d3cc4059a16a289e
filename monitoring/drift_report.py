"""The report of a watch, JSON-ready: are inputs other, is the score other, does it hurt?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from learning.task import Task
from monitoring.drift import LEAST_ROWS, Distance, Lane, distances
from monitoring.drift_state import DAYS, State, Sums, standing, sums_of
from monitoring.drift_watch import EXPECTED, LABELS, LOSS, SCORE, Watch
from monitoring.drift_words import of_column, of_loss
from monitoring.harm import Estimate, expected_auc, expected_loss, measured_loss
from monitoring.subject import INPUT
from tables.schema import Schema
from tables.sketch import MISSING, Counts, NumberSketch

NO_PROFILE = "no training profile: the model was imported, or learnt by an older release"
QUIET = "nothing is other than in training"


def report(
    name: str, watch: Watch, schema: Schema, task: Task, state: State, now: datetime
) -> dict[str, Any]:
    """Return what a watch over a model's version has found, with its words under `said`."""
    sums = sums_of(state)
    writer = _Writer(watch, schema, state, sums, now)
    inputs = writer.columns(watch.inputs)
    scores = writer.columns(watch.scores)
    harm = _harm(watch, task, sums, writer)
    said = [*inputs["said"], *scores["said"], *harm["said"]]
    if sums.rows < LEAST_ROWS:
        said = [f"{sums.rows} rows in {DAYS} days: from {LEAST_ROWS} on something is said"]
    return {
        "name": name,
        "version": state.version,
        "looked_at": moment(now.timestamp()),
        "since": moment(state.began),
        "days": DAYS,
        "rows": sums.rows,
        "labelled": sums.labelled,
        "said": said or [QUIET],
        "alarm": any(part["alarm"] for part in (inputs, scores, harm)),
        "inputs": inputs,
        "score": scores,
        "harm": harm,
    }


def without_profile(name: str, version: str, now: datetime) -> dict[str, Any]:
    """Return the report of a model whose artifact has no training profile."""
    looked = moment(now.timestamp())
    return {"name": name, "version": version, "looked_at": looked, "said": [NO_PROFILE]}


def moment(seconds: float) -> str:
    """Return a time in ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Writer:
    """Writes the parts of one report."""

    def __init__(
        self, watch: Watch, schema: Schema, state: State, sums: Sums, now: datetime
    ) -> None:
        self._features = {feature.name: feature for feature in schema.features}
        self._sums = sums
        self._evidence = watch.evidence(state.courses)
        self._alarms = state.alarms
        self._standing = standing(state.alarms, now)

    def columns(self, lanes: list[Lane]) -> dict[str, Any]:
        """Return what is found of some columns, those that are most other first."""
        found = distances(lanes, self._sums.counts)
        written = [self._column(lane, found.get(lane.name)) for lane in lanes]
        # Those whose alarm stands, then those that are other, the furthest first.
        written.sort(key=lambda one: (not one["alarm"], not one.get("other"), -_distance(one)))
        said = [line for one in written for line in one["said"]]
        alarm = any(one["alarm"] for one in written)
        return {"alarm": alarm, "said": said, "columns": written}

    def tests(self, *names: str) -> dict[str, Any]:
        """Return how the tests of these names stand, those that there are."""
        known = [name for name in names if name in self._evidence]
        alarms = [when for name in known for when in self._alarms.get(name, [])]
        found: dict[str, Any] = {
            "alarm": any(name in self._standing for name in known),
            "evidence": max((self._evidence[name] for name in known), default=0.0),
        }
        return {**found, "alarms": [moment(when) for when in sorted(set(alarms))]}

    def _column(self, lane: Lane, distance: Distance | None) -> dict[str, Any]:
        name = lane.name.removeprefix(INPUT)
        document = {"name": name, **self.tests(lane.name), "said": []}
        counts = self._sums.counts.get(lane.name)
        if counts is None:
            return {**document, "rows": 0}
        document |= _shares(lane, counts)
        if distance is not None:
            document |= _distances(distance)
        if document["alarm"] or document.get("other"):
            said = of_column(name, self._features.get(name), lane.sketch, counts)
            document["said"] = said or [f"{name} is distributed otherwise than in training"]
        return document


def _distance(document: Mapping[str, Any]) -> float:
    return float(document.get("distance", 0.0))


def _distances(found: Distance) -> dict[str, Any]:
    return {
        "distance": found.distance,
        "by_chance": found.by_chance,
        "p": found.p,
        "p_corrected": found.corrected,
        "other": found.is_other,
    }


def _shares(lane: Lane, counts: Counts) -> dict[str, Any]:
    """Return how many rows a column has, and what share is missing or outside training's values."""
    rows, then = max(int(counts.sum()), 1), lane.sketch.totals
    outside = "out_of_range" if isinstance(lane.sketch, NumberSketch) else "unseen"

    def shares(cells: list[int]) -> dict[str, float]:
        now = float(counts[cells].sum() / rows)
        return {"now": now, "training": float(then[cells].sum() / max(int(then.sum()), 1))}

    return {
        "rows": int(counts.sum()),
        "missing": shares([MISSING]),
        outside: shares(list(lane.sketch.outside)),
    }


def _harm(watch: Watch, task: Task, sums: Sums, writer: _Writer) -> dict[str, Any]:
    document: dict[str, Any] = {"loss": task.loss_name, "said": []}
    answers, counts = watch.profile.answers, sums.counts.get(SCORE)
    expected = {**writer.tests(EXPECTED)}
    if watch.known is None:
        expected["reason"] = "what a quantity loses shows when it comes true, not before"
    elif counts is not None and counts.sum() >= LEAST_ROWS:
        found = expected_loss(counts, answers, watch.known)
        expected |= _estimate(found) | _aucs(watch, counts)
        if found.is_worse or expected["alarm"]:
            document["said"] += [of_loss("expected", task.loss_name, found)]
    measured = {**writer.tests(LABELS, LOSS), "rows": sums.labelled}
    if sums.labelled >= LEAST_ROWS:
        found = measured_loss(sums.loss, sums.deviation, sums.labelled, answers)
        measured |= _estimate(found)
        if found.is_worse or measured["alarm"]:
            document["said"] += [of_loss("measured", task.loss_name, found)]
    alarm = expected["alarm"] or measured["alarm"]
    return {"alarm": alarm, **document, "expected": expected, "measured": measured}


def _estimate(found: Estimate) -> dict[str, Any]:
    return {
        "value": found.value,
        "holdout": found.holdout,
        "difference": list(found.interval),
        "rows": found.rows,
    }


def _aucs(watch: Watch, counts: Counts) -> dict[str, Any]:
    """Return the ROC AUC to expect, of two classes."""
    if watch.known is None or len(watch.target.classes) != 2:
        return {}
    now = expected_auc(counts, watch.known)
    then = expected_auc(watch.profile.answers.score.totals, watch.known)
    return {} if now is None or then is None else {"roc_auc": {"now": now, "holdout": then}}
