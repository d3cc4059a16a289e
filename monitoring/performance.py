"""Performance: the metrics of what was answered, on what came true of it.

PyArrow and scikit-learn are used here: a web process never imports this module.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from learning.task import Task
from learning.tasks import task_of
from monitoring.reading import OUTPUTS, SHADOWS, LogReader, outputs_of, shadowed
from monitoring.truths import matched, target_of
from tables.schema import Target

# Of more rows with a truth the newest count.
MOST_ROWS = 200_000
# An interval is that of so many samples with replacement, each of so many rows at most. For a
# standard error these are enough (Efron and Tibshirani, chapter 6), and somebody waits.
RESAMPLES = 50
SAMPLE_ROWS = 2_000
# So many standard errors either way a metric is within, nineteen times of twenty.
WIDTH = 1.96
SEED = 0
# No interval of these goes beyond 0 and 1.
SHARES = {"roc_auc", "accuracy", "balanced_accuracy", "f1", "expected_calibration_error"}
COLUMNS = ("id", "version", *OUTPUTS, *SHADOWS)

Doubles = NDArray[np.float64]


class Judged(NamedTuple):
    """Rows of one version whose truth is known: outputs `[n, width]` and values `[n]`."""

    target: Target
    outputs: Doubles
    values: NDArray[Any]


class Tally:
    """What a version answered: how many rows, how many of them with a truth, and which."""

    def __init__(self) -> None:
        self.predictions = 0
        self.unusable = 0
        self.target: Target | None = None
        self._parts: list[tuple[Doubles, Doubles]] = []

    def add(self, table: pa.Table, truths: pa.Table) -> None:
        """Add logged rows of this version."""
        self.predictions += len(table)
        self.target = target_of(table)
        known = matched(table, truths)
        self.unusable += known.unusable
        if len(known.rows):
            self._parts.append((outputs_of(table.take(known.rows)), known.values))

    @property
    def judged(self) -> Judged | None:
        """The newest rows with a truth, None where there is none."""
        if self.target is None or not self.with_truth:
            return None
        outputs = np.concatenate([part[0] for part in self._parts])[-MOST_ROWS:]
        values = np.concatenate([part[1] for part in self._parts])[-MOST_ROWS:]
        return Judged(self.target, outputs, values.astype(int) if self.target.classes else values)

    @property
    def with_truth(self) -> int:
        """How many rows have a truth that the target can have."""
        return sum(len(values) for _, values in self._parts)


class Tallies(NamedTuple):
    """By version what was answered to callers, and in their shadow."""

    answers: dict[str, Tally]
    shadows: dict[str, Tally]


def tally(
    reader: LogReader, truths: pa.Table, model: str, start: datetime, end: datetime
) -> Tallies:
    """Return what each version of a model answered between two moments.

    `truths` are `monitoring.truths.read` since the start. Raises StoreUnavailable.
    """
    found = Tallies({}, {})
    for table in reader.tables(model, start, end, COLUMNS):
        _add(found.answers, table, truths)
        _add(found.shadows, shadowed(table), truths)
    return found


def _add(found: dict[str, Tally], table: pa.Table | None, truths: pa.Table) -> None:
    for version, part in _by_version(table) if table is not None else ():
        found.setdefault(version, Tally()).add(part, truths)


def _by_version(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    versions = pc.unique(table["version"]).to_pylist()
    for version in versions:
        yield version, table.filter(pc.equal(table["version"].cast(pa.string()), version))


def performance(found: Tallies, version: str, holdout: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a version does, JSON-ready, and in short how others did, and shadows.

    `holdout` are the version's metrics on its hold-out. A metric that these rows do not
    have (of one class alone, say) is absent.
    """
    own = found.answers.get(version, Tally())
    others = {other: tally for other, tally in found.answers.items() if other != version}
    return {
        "version": version,
        **_counts(own),
        "metrics": with_intervals(own.judged, holdout),
        "other_versions": _in_short(others),
        "shadows": _in_short(found.shadows),
    }


def _in_short(found: Mapping[str, Tally]) -> list[dict[str, Any]]:
    return [
        {"version": version, **_counts(tally), "metrics": metrics_of(tally.judged)}
        for version, tally in sorted(found.items())
    ]


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "predictions": tally.predictions,
        "with_truth": tally.with_truth,
        "unusable_truths": tally.unusable,
    }


def metrics_of(judged: Judged | None) -> dict[str, float]:
    """Return the task's metrics that are numbers, and can be told of these rows."""
    if judged is None:
        return {}
    task = task_of(judged.target)
    from sklearn import config_context

    # What was logged is finite; to look again costs as much as the metrics.
    known = config_context(assume_finite=True, skip_parameter_validation=True)
    with known, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of rows of one class
        return _numbers(task, judged)


def _numbers(task: Task, judged: Judged) -> dict[str, float]:
    try:
        found = task.metrics(judged.outputs, judged.values, judged.target)
    except ValueError:
        return {}
    numbers = {name: value for name, value in found.items() if isinstance(value, float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def with_intervals(judged: Judged | None, holdout: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each metric with its interval, and what it was on the hold-out.

    The interval is the normal one of the bootstrap's standard error (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993), of subsamples and scaled by the root of their size where
    there are more rows (Politis, Romano and Wolf, Subsampling, 1999).
    """
    values = metrics_of(judged)
    if judged is None:
        return {}
    resampled = list(_resampled(judged))
    found: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        found[name] = {"value": value, **_interval(name, value, judged, resampled)}
        if isinstance(holdout.get(name), float | int):
            found[name]["holdout"] = holdout[name]
    return found


def _resampled(judged: Judged) -> Iterator[dict[str, float]]:
    chance = np.random.default_rng(SEED)
    rows = len(judged.values)
    for _ in range(RESAMPLES):
        chosen = chance.integers(0, rows, min(rows, SAMPLE_ROWS))
        part = judged._replace(outputs=judged.outputs[chosen], values=judged.values[chosen])
        yield metrics_of(part)


def _interval(
    name: str, value: float, judged: Judged, resampled: list[dict[str, float]]
) -> dict[str, float]:
    known = np.array([each[name] for each in resampled if name in each])
    if len(known) < RESAMPLES // 2 or len(judged.values) < 2:
        return {}
    rows = len(judged.values)
    scale = math.sqrt(min(rows, SAMPLE_ROWS) / rows)
    apart = WIDTH * scale * float(known.std(ddof=1))
    low, high = value - apart, value + apart
    if name in SHARES:
        low, high = max(low, 0.0), min(high, 1.0)
    return {"low": low, "high": high}
