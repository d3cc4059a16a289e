from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.response_latency import made_up, rows, summarise
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target
from tests.servers import free_port
from tests.service import build, serve

SIGNATURE = Schema(
    (
        Feature("age", "integer", minimum=18, maximum=20, example=19),
        Feature("income", "number", nullable=True, minimum=0.5, maximum=1.5, example=1.0),
        Feature("home", "category", categories=("owner", "rent"), example="rent"),
        Feature("records", "boolean", example=False),
        Feature("text", "text", example="a tweet"),
    ),
    Target("approved", (False, True)),
)


def as_document(schema: Schema) -> dict[str, object]:
    import msgspec

    document: dict[str, object] = msgspec.to_builtins(schema)
    return document


def test_rows_made_up_fit_the_signature_and_differ() -> None:
    made = list(rows(as_document(SIGNATURE), 50, seed=0))
    assert len(RowCodec(SIGNATURE).encode_objects(made).matrix) == 50
    assert {row["age"] for row in made} == {18, 19, 20}
    assert all(0.5 <= row["income"] <= 1.5 for row in made)
    assert {row["home"] for row in made} == {"owner", "rent"}
    assert made == list(rows(as_document(SIGNATURE), 50, seed=0))


def test_a_feature_of_which_little_is_known_gets_its_example() -> None:
    unknown = {"features": [{"name": "age", "kind": "integer", "example": 7}]}
    import random

    assert made_up(unknown, random.Random(0)) == {"age": 7}


def test_the_summary_is_in_milliseconds() -> None:
    found = summarise([i / 1000 for i in range(100, 0, -1)])
    assert found == pytest.approx((51, 96, 100))
    assert summarise([0.002]) == pytest.approx((2, 2, 2))


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/response_latency.py", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)


def test_the_script_measures_a_running_service(tmp_path: Path, root: Path) -> None:
    build(tmp_path / "models", "--recipe", "iris")
    with serve(tmp_path / "models", WEB_CONCURRENCY="1") as service:
        done = run(root, "--url", service.url, "--model", "iris", "--requests", "30")
        unknown = run(root, "--url", service.url, "--model", "none")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("30 requests, one after the other\n")
    figures = [float(f) for f in re.findall(r"([\d.]+) ms", done.stdout)]
    assert len(figures) == 3
    assert 0 < figures[0] <= figures[1] <= figures[2]
    assert "/30 [" in done.stderr  # the bar
    assert unknown.returncode == 1
    assert "/v0/models/none/model_info answers 404" in unknown.stderr


def test_the_script_says_that_nobody_answers(root: Path) -> None:
    done = run(root, "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert re.fullmatch(r"response_latency: .*Connection refused\n", done.stderr)
