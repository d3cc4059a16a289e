"""Replay of a real service: a challenger answers what clients sent, before it takes over."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import requests

from serving.auth import new_key
from tests.servers import wait_until
from tests.service import CREDIT_ROW, build, serve

TOKEN, KEY = new_key("trainer", ["train", "feedback"])
HEADERS = {"X-API-Key": TOKEN}
FOREST = ("--set", "n_estimators=30")
# It knows next to nothing.
STUMP = ("--set", "n_estimators=1", "--set", "max_depth=1")


def rows(count: int) -> list[dict[str, Any]]:
    chance = random.Random(3)
    return [
        CREDIT_ROW
        | {
            "seniority": chance.randint(0, 30),
            "income": chance.randint(20, 400) if index % 4 else None,
            "amount": chance.randint(300, 3000),
            "job": chance.choice(["freelance", "fixed", "partime", "a pirate"]),
        }
        for index in range(count)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replayed")
    build(folder / "models", *FOREST)
    build(folder / "models", *STUMP, "--promote", "never")
    return folder


def test_a_shadow_answers_for_the_log_alone(folder: Path, tmp_path: Path) -> None:
    settings = {"PREDICTION_LOG": str(tmp_path / "log"), "SHADOW": "1", "WEB_CONCURRENCY": "1"}
    with serve(folder / "models", **settings) as service:
        requests.post(f"{service.url}/v0/predict", json=rows(50), timeout=10).raise_for_status()
        counted = 'mirante_shadow_rows_total{outcome="answered"} 50.0'

        def is_counted() -> bool:
            return counted in requests.get(f"{service.url}/metrics", timeout=10).text

        wait_until(is_counted, "the shadow's answers", 60)
        told = requests.get(f"{service.url}/v0/models/credit/performance", timeout=60).json()
        (shadow,) = told["shadows"]
        assert shadow["predictions"] == 50
        assert shadow["version"] != told["version"]


def test_a_challenger_answers_what_was_logged_and_is_kept_from_doing_harm(folder: Path) -> None:
    log, database = folder / "log", f"sqlite:///{folder}/jobs.db"
    settings = {"PREDICTION_LOG": str(log), "DATABASE_URL": database, "API_KEYS": KEY.entry()}
    with serve(folder / "models", TRAINING_WORKER="embedded", **settings) as service:

        def send(method: str, path: str, body: Any = None, **headers: str) -> Any:
            whole = HEADERS | headers
            url = f"{service.url}/v0{path}"
            return requests.request(method, url, json=body, headers=whole, timeout=60)

        listed = send("GET", "/models/credit/versions").json()["versions"]
        (stump,) = (each["version"] for each in listed if not each["champion"])
        (champion,) = (each["version"] for each in listed if each["champion"])
        path = f"/models/credit/versions/{stump}"
        assert send("GET", f"{path}/replay").status_code == 404
        assert send("POST", f"/models/credit/versions/{champion}/replay").status_code == 409

        sent = send("POST", "/predict", rows(600), **{"X-Inference-Id": "week"})
        answers = sent.json()["predictions"]
        truths = [{"id": f"week.{i}", "truth": each["value"]} for i, each in enumerate(answers)]

        def known() -> bool:
            counts = send("POST", "/feedback", truths).json()
            return bool(counts["unknown"] == 0 and counts["repeated"] == 600)

        wait_until(known, "the truths", 60)
        job = send("POST", f"{path}/replay", {"days": 2})
        assert job.status_code == 202
        address = job.headers["Location"].removeprefix("/v0")
        wait_until(lambda: send("GET", address).json()["state"] == "succeeded", "the replay", 90)
        events = send("GET", f"{address}/events", **{"Last-Event-ID": "0"})
        assert "succeeded" in events.text
        found = send("GET", f"{path}/replay").json()
        assert found == {**send("GET", address).json()["replay"], **found}
        assert (found["champion"], found["challenger"]) == (champion, stump)
        assert (found["rows"], found["skipped"]["rows"]) == (600, 0)
        assert 0 < found["changed"]["rows"] < 600
        assert found["slices"][0]["rows"] >= 30
        truth = found["truth"]
        assert truth["rows"] == 600
        assert truth["challenger_log_loss"] > truth["champion_log_loss"]
        assert (found["counts"], found["worse"]) == (True, True)

        refused = send("POST", f"{path}/promote", {"promote": "if_better"})
        assert refused.status_code == 409
        assert "worse" in refused.text
        said = build(folder / "models", *STUMP, "--seed", "1", **settings)
        assert "replayed rows" in said
        forced = send("POST", f"{path}/promote")
        assert (forced.status_code, forced.json()["version"]) == (200, stump)
        back = send("POST", f"/models/credit/versions/{champion}/promote", {"promote": "if_better"})
        assert back.status_code == 200
        assert "better" in back.json()["reason"]
