"""Drift of a real service: what clients send, the worker looks at, and the route tells."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import requests

from serving.auth import new_key
from tests.servers import wait_until
from tests.service import CREDIT_ROW, Service, build, serve

TOKEN, KEY = new_key("labels", ["feedback"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched") / "models"
    build(folder, "--set", "n_estimators=10")
    return folder


def drift(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{service.url}/v0/models/credit/drift", timeout=10).json()
    return found


def test_a_field_that_clients_leave_out_is_told(store: Path, tmp_path: Path) -> None:
    log, database = tmp_path / "log", f"sqlite:///{tmp_path}/jobs.db"
    settings = {"PREDICTION_LOG": str(log), "DRIFT_SECONDS": "2", "DATABASE_URL": database}
    chance = random.Random(0)
    with serve(store, TRAINING_WORKER="embedded", **settings) as service:
        assert drift(service)["said"][0].startswith("no report yet")
        for _ in range(5):
            rows = [CREDIT_ROW | {"age": chance.randint(20, 70)} for _ in range(100)]
            for row in rows[:40]:
                row["income"] = None
            answer = requests.post(f"{service.url}/v0/predict", json=rows, timeout=10)
            answer.raise_for_status()
        # Rows are waited for ten seconds before they are looked at.
        wait_until(lambda: drift(service).get("rows") == 500, "the report", 60)
        found = drift(service)
        assert "income is missing in 40 % of rows" in " ".join(found["said"])
        assert found["alarm"] is True
        assert {"inputs", "score", "harm"} <= set(found)
        metrics = requests.get(f"{service.url}/metrics", timeout=10).text
        assert 'mirante_drift_alarm{column="income",model="credit"' in metrics


def test_truths_that_clients_send_say_whether_it_hurts(store: Path, tmp_path: Path) -> None:
    log, database = tmp_path / "log", f"sqlite:///{tmp_path}/jobs.db"
    settings = {"PREDICTION_LOG": str(log), "DRIFT_SECONDS": "2", "DATABASE_URL": database}
    settings["API_KEYS"] = KEY.entry()
    chance = random.Random(1)
    rows = [CREDIT_ROW | {"income": chance.randint(40, 400)} for _ in range(400)]
    with serve(store, TRAINING_WORKER="embedded", **settings) as service:
        named = {"X-Inference-Id": "night"}
        url = f"{service.url}/v0/predict"
        said = requests.post(url, json=rows, headers=named, timeout=10).json()["predictions"]
        # The outcomes are the other way round.
        truths = [{"id": f"night.{i}", "truth": not row["value"]} for i, row in enumerate(said)]

        def send(some: list[dict[str, Any]]) -> dict[str, int]:
            sent = requests.post(
                f"{service.url}/v0/feedback", json=some, headers={"X-API-Key": TOKEN}, timeout=60
            )
            found: dict[str, int] = sent.json()
            return found

        wait_until(lambda: send(truths[:1])["unknown"] == 0, "the log to have it")
        assert send(truths)["accepted"] == 399
        wait_until(lambda: drift(service).get("labelled") == 400, "the labels", 90)
        found = drift(service)
        assert found["harm"]["measured"]["alarm"] is True
        assert found["harm"]["measured"]["rows"] == 400
        assert any("measured" in line for line in found["said"])
