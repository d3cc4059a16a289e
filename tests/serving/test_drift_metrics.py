"""Drift as gauges: what the last reports say, read once a minute, with or without a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from errors import StoreUnavailable
from learning.tasks import task_of
from monitoring.drift_report import report, without_profile
from serving.drift_metrics import SECONDS, DriftMetrics
from serving.metrics import Metrics
from tests.monitoring.watched import NOW, drawn, make_watch, see
from tests.serving.factory import SIGNATURE


def made(missing: float) -> dict[str, Any]:
    watch = make_watch()
    state = see(watch, drawn(1000, 2, missing=missing), labelled=400)
    return report("credit", watch, SIGNATURE, task_of(SIGNATURE.target), state, NOW)


class Reports:
    """Reports that a test changes, and how often they were read."""

    def __init__(self, found: dict[str, Any] | None) -> None:
        self.found, self.times, self.now = found, 0, 0.0
        self.metrics = DriftMetrics(lambda: ["credit"], self.read, lambda: self.now)

    def read(self, name: str) -> dict[str, Any] | None:
        """Return the report."""
        self.times += 1
        return self.found


@pytest.mark.parametrize("shared", [False, True])
def test_what_a_report_says_is_shown(shared: bool, tmp_path: Path) -> None:
    metrics = Metrics(str(tmp_path) if shared else "")
    metrics.attach(Reports(made(0.4)).metrics)
    lines = metrics.exposition().decode().splitlines()
    labels = 'column="income",model="credit",question="inputs",version="v1"'
    assert f"mirante_drift_alarm{{{labels}}} 1.0" in lines
    assert f"mirante_drift_alarm{{{labels.replace('income', 'age')}}} 0.0" in lines
    assert 'mirante_drift_rows{model="credit",version="v1"} 1000.0' in lines
    assert 'mirante_drift_labelled_rows{model="credit",version="v1"} 400.0' in lines
    shown = dict(line.rsplit(" ", 1) for line in lines if line.startswith("mirante_drift"))
    assert 0.35 < float(shown[f"mirante_drift_missing_share{{{labels}}}"]) < 0.45
    measured = 'kind="measured",model="credit",version="v1"'
    assert float(shown[f"mirante_drift_loss{{{measured}}}"]) > 0
    assert float(shown[f"mirante_drift_holdout_loss{{{measured}}}"]) > 0


def test_reports_are_read_once_a_minute() -> None:
    reports = Reports(made(0.02))
    for reports.now in (0.0, 1.0, SECONDS - 1):
        assert list(reports.metrics.collect())
    assert reports.times == 1
    reports.now = SECONDS
    list(reports.metrics.collect())
    assert reports.times == 2


def test_no_report_and_one_without_a_profile_are_no_fault() -> None:
    assert list(Reports(None).metrics.collect()) == []
    families = list(Reports(without_profile("credit", "v1", NOW)).metrics.collect())
    assert [family.name for family in families] == ["mirante_drift_looked_at_seconds"]
    assert families[0].samples[0].value == NOW.timestamp()


def test_metrics_are_answered_when_the_log_is_away() -> None:
    reports = Reports(made(0.02))
    before = list(reports.metrics.collect())

    def away(name: str) -> None:
        raise StoreUnavailable("away")

    reports.metrics._read = away
    reports.now = 2 * SECONDS
    assert [f.name for f in reports.metrics.collect()] == [f.name for f in before]


def test_attaching_reads_nothing() -> None:
    reports = Reports(made(0.02))
    Metrics().attach(reports.metrics)
    assert reports.times == 0
