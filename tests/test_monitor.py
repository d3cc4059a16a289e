"""What is asked of the log over HTTP: feedback, and how a model did, under a real gunicorn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import requests

import monitor
from serving.auth import new_key
from tests.servers import wait_until
from tests.service import CREDIT_ROW, build, serve

TOKEN, KEY = new_key("labels", ["feedback"])


def test_what_came_true_is_told_beside_the_hold_out(tmp_path: Path) -> None:
    store = tmp_path / "models"
    build(store, "--set", "n_estimators=10")
    settings = {"PREDICTION_LOG": str(tmp_path / "log"), "API_KEYS": KEY.entry()}
    rows = [CREDIT_ROW | {"income": income} for income in range(0, 400, 10)]
    with serve(store, WEB_CONCURRENCY="1", **settings) as service:

        def post(path: str, body: Any, **headers: str) -> Any:
            answer = requests.post(f"{service.url}{path}", json=body, headers=headers, timeout=60)
            answer.raise_for_status()
            return answer.json()

        said = post("/v0/predict", rows, **{"X-Inference-Id": "night"})["predictions"]
        # Every fifth answer was wrong.
        truths = [
            {"id": f"night.{i}", "truth": one["value"] is not (i % 5 == 0)}
            for i, one in enumerate(said)
        ]
        key = {"X-API-Key": TOKEN}
        wait_until(
            lambda: post("/v0/feedback", truths[:1], **key)["unknown"] == 0, "the log to have it"
        )
        found = post("/v0/feedback", [*truths, {"id": "nobody", "truth": True}], **key)
        assert found == {"accepted": 39, "repeated": 1, "unknown": 1}
        url = f"{service.url}/v0/models/credit/performance"
        told = requests.get(url, params={"days": 1}, timeout=60).json()
        assert (told["predictions"], told["with_truth"]) == (40, 40)
        accuracy = told["metrics"]["accuracy"]
        assert accuracy["value"] == 0.8
        assert accuracy["low"] < 0.8 < accuracy["high"]
        info = requests.get(f"{service.url}/v0/model_info", timeout=10).json()
        assert accuracy["holdout"] == info["metrics"]["accuracy"]
        for worker in service.workers():
            assert not {"sklearn", "pyarrow"} & _libraries(worker)


def _libraries(process: psutil.Process) -> set[str]:
    return {part for region in process.memory_maps() for part in region.path.split("/")}


def test_words_that_mean_nothing_are_answered_with_those_that_do(capsys) -> None:
    assert monitor.main(["nothing"]) == 2
    assert "monitor.py feedback" in capsys.readouterr().err
