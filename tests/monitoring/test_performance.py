from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from learning.tasks import task_of
from monitoring import performance as module
from monitoring.performance import SHARES, Judged, metrics_of, performance, tally, with_intervals
from monitoring.reading import LogReader
from monitoring.shadow import Shadow
from tables.schema import Schema, Target
from tests.monitoring.samples import Logged, make_logged
from tests.serving.factory import ROW, SIGNATURE, ask, make_live

YES = Target("approved", (False, True))


def table_of(truths: dict[str, str]) -> pa.Table:
    return pa.table({"id": list(truths), "truth": list(truths.values())})


def judged(rows: int, seed: int = 1) -> Judged:
    """Rows whose probability is what it says."""
    chance = np.random.default_rng(seed)
    likely = chance.uniform(0.05, 0.95, rows)
    outputs = np.column_stack([1 - likely, likely])
    return Judged(YES, outputs, (chance.uniform(size=rows) < likely).astype(int))


def tallied(logged: Logged, truths: dict[str, str]):
    now = datetime.now(UTC)
    reader = LogReader(logged.archive, logged.spool)
    span = now - timedelta(hours=1), now + timedelta(hours=1)
    return tally(reader, table_of(truths), "credit", *span)


def test_metrics_are_the_task_s_on_the_rows_that_came_true(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    rows = [ROW | {"age": age} for age in range(-200, 200, 10)]
    ask(logged.service, "/v0/predict", rows, x_inference_id="a")
    ask(logged.service, "/v0/predict", rows)
    logged.log.close()
    truths = {f"a.{i}": "true" if i > 20 else "false" for i in range(40)}
    truths |= {"a.0": "nonsense", "a.1": "yes", "nobody": "true"}
    found = tallied(logged, truths)
    version = make_live().version
    said = performance(found, version, {"roc_auc": 0.75, "calibration": []})
    assert (said["predictions"], said["with_truth"], said["unusable_truths"]) == (80, 39, 1)
    ages = np.arange(-200, 200, 10)[1:]
    score = 1 / (1 + np.exp(-ages / 100))
    outputs = np.round(np.column_stack([1 - score, score]), 7)
    values = np.array([1, *(int(i > 20) for i in range(2, 40))])
    expected = task_of(YES).metrics(outputs, values, YES)
    for name in ("roc_auc", "log_loss", "accuracy"):
        assert said["metrics"][name]["value"] == pytest.approx(expected[name], abs=1e-5)
    auc = said["metrics"]["roc_auc"]
    assert auc["low"] < auc["value"] <= auc["high"] + 1e-9
    assert auc["holdout"] == 0.75
    assert "holdout" not in said["metrics"]["log_loss"]
    assert said["other_versions"] == []


def test_versions_are_told_apart_and_without_rows_there_is_nothing(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", [ROW] * 2, x_inference_id="a")
    logged.log.close()
    said = performance(tallied(logged, {"a.0": "true"}), "another", {})
    assert (said["predictions"], said["with_truth"], said["metrics"]) == (0, 0, {})
    (other,) = said["other_versions"]
    assert (other["version"], other["predictions"], other["with_truth"]) == (
        make_live().version,
        2,
        1,
    )
    assert other["metrics"]["accuracy"] == 1.0
    assert "roc_auc" not in other["metrics"]  # of one class there is none


def test_quantities_are_judged_by_their_own_metrics() -> None:
    chance = np.random.default_rng(3)
    truth = chance.normal(size=500)
    target = Target("price", (), "regression")
    rows = Judged(target, (truth + 0.5 * chance.normal(size=500)).reshape(-1, 1), truth)
    found = with_intervals(rows, {"rmse": 0.4})
    assert found["rmse"]["low"] < 0.5 < found["rmse"]["high"]
    assert found["rmse"]["holdout"] == 0.4
    assert {"mae", "r2"} <= found.keys()


def brier_score(judged: Judged) -> dict[str, float]:
    """Return the one metric that this file can count by itself."""
    return {"brier_score": float(np.mean((judged.outputs[:, 1] - judged.values) ** 2))}


def test_an_interval_has_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESAMPLES", 40)
    monkeypatch.setattr(module, "metrics_of", brier_score)  # the others take their time
    true_brier = float(np.mean([p * (1 - p) for p in np.linspace(0.05, 0.95, 1001)]))
    hits = 0
    for seed in range(60):
        found = with_intervals(judged(300, seed), {})["brier_score"]
        hits += found["low"] <= true_brier <= found["high"]
    assert hits >= 50  # of 57 expected, by forty resamples somewhat fewer


def test_an_interval_of_a_share_ends_at_1(monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_intervals(judged(12, 3), {})
    assert all(0 <= found[n]["low"] <= found[n]["high"] <= 1 for n in SHARES & found.keys())
    monkeypatch.setattr(module, "SHARES", set())
    assert with_intervals(judged(12, 3), {})["roc_auc"]["high"] > 1


def test_the_interval_of_many_rows_is_narrower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "metrics_of", brier_score)
    whole = with_intervals(judged(2000), {})["brier_score"]
    monkeypatch.setattr(module, "SAMPLE_ROWS", 500)
    scaled = with_intervals(judged(2000), {})["brier_score"]
    few = with_intervals(judged(500), {})["brier_score"]

    def width(found: dict[str, float]) -> float:
        return found["high"] - found["low"]

    assert width(scaled) == pytest.approx(width(whole), rel=0.35)
    assert width(few) > 1.5 * width(scaled)
    assert with_intervals(judged(2000), {})["brier_score"] == scaled  # the seed stands


def test_one_row_has_metrics_and_no_interval() -> None:
    assert "low" not in with_intervals(judged(1), {})["log_loss"]
    assert metrics_of(None) == {}


def test_a_logged_quantity_is_read_back(tmp_path: Path) -> None:
    target = Target("price", task="regression")
    logged = make_logged(tmp_path, Schema(SIGNATURE.features, target))
    live = logged.service.champions.live("credit")
    live.runtime.outputs = lambda batch: batch.matrix[:, :1].astype(float)  # type: ignore[method-assign]
    ask(logged.service, "/v0/predict", [ROW | {"age": i} for i in range(10)], x_inference_id="q")
    logged.log.close()
    found = tallied(logged, {f"q.{i}": str(i + 1.0) for i in range(10)})
    said = performance(found, live.version, {})
    assert said["metrics"]["mae"]["value"] == pytest.approx(1.0)


def test_what_a_challenger_answered_in_the_shadow_is_told_apart(tmp_path: Path) -> None:
    other = make_live(version="v2")
    shadow = Shadow(lambda name: other, lambda outcome, rows: None)
    logged = make_logged(tmp_path, shadow=shadow)
    ask(logged.service, "/v0/predict", [ROW] * 3, x_inference_id="a")
    logged.log.close()
    found = tallied(logged, {"a.0": "true", "a.1": "false"})
    said = performance(found, make_live().version, {})
    assert (said["predictions"], said["other_versions"]) == (3, [])
    (one,) = said["shadows"]
    assert (one["version"], one["predictions"], one["with_truth"]) == ("v2", 3, 2)
    assert one["metrics"]["log_loss"] == said["metrics"]["log_loss"]["value"]
