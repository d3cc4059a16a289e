"""SageMaker's `train` and `serve`, run in a folder laid out as the platform does it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.servers import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "bin"
HEADER = "Sepal.Length,Petal.Length,Species"


def table(rows: int, seed: int) -> str:
    """Return rows of two species that anybody can tell apart."""
    chance = random.Random(seed)
    lines = [HEADER]
    for index in range(rows):
        species, centre = (("setosa", 1.5), ("virginica", 5.5))[index % 2]
        lines.append(f"{centre + 3.5:.1f},{chance.gauss(centre, 0.4):.2f},{species}")
    return "\n".join(lines) + "\n"


def lay_out(folder: Path, hyperparameters: Any, **files: str) -> Path:
    """Lay a training's folder out as the platform does."""
    (folder / "input/config").mkdir(parents=True)
    (folder / "input/config/hyperparameters.json").write_text(json.dumps(hyperparameters))
    for name in ("model", "output"):
        (folder / name).mkdir()
    if files:
        (folder / "input/data/training").mkdir(parents=True)
    for name, text in files.items():
        (folder / f"input/data/training/{name}.csv").write_text(text)
    return folder


def environment(folder: Path, **settings: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {"HOME": os.environ.get("HOME", "/"), "PATH": path}
    return home | {"SAGEMAKER_PREFIX": str(folder)} | settings


def run_train(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "train"],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def run_serve(folder: Path, **settings: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `serve` until the block ends; gives its address and process."""
    port = free_port()
    settings = {"SAGEMAKER_BIND_TO_PORT": str(port), "WEB_CONCURRENCY": "1"} | settings
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [BIN / "serve"], env=environment(folder, **settings), stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: is_well(url, process, log), "the container to be well")
        yield url, process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def is_well(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return requests.get(f"{url}/ping", timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(
        tmp_path_factory.mktemp("opt") / "ml",
        # As the SDK sends them: all strings, some in quotes of their own, and its own beside them.
        {
            "target": '"Species"',
            "estimator": "logistic",
            "name": "flowers",
            "sagemaker_region": '"eu-west-1"',
        },
        a=table(60, 1),
        b="\ufeff" + table(61, 2).rstrip("\n"),
    )
    done = run_train(folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def hosted(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in another container, through the archive that the platform makes of it."""
    archive = trained / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(trained / "model", ".")
    folder = tmp_path_factory.mktemp("host") / "ml"
    with tarfile.open(archive) as packed:
        # The oldest 3.11 have no filters, and newer ones warn without.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        packed.extractall(folder / "model", **safe)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def container(hosted: Path) -> Iterator[str]:
    with run_serve(hosted) as (url, _):
        yield url


def test_train_leaves_the_model_and_no_private_key(trained):
    left = {path.name for path in (trained / "model").rglob("*") if path.is_file()}
    assert "champion.json" in left
    assert "trusted" in left
    assert not any(path.suffix == ".pem" for path in (trained / "model").rglob("*"))
    assert not (trained / "output/failure").exists()


def test_every_file_of_the_channel_is_learnt_from(container):
    info = requests.get(f"{container}/v0/model_info", timeout=10).json()
    assert info["name"] == "flowers"
    assert 90 < info["training_rows"] < 121


def test_the_model_answers_invocations(container):
    started = time.monotonic()
    ping = requests.get(f"{container}/ping", timeout=2)
    assert (ping.status_code, ping.content) == (200, b"")
    assert time.monotonic() - started < 2
    columns = {"Sepal.Length": [5.0, 9.0], "Petal.Length": [1.5, 5.5]}
    answer = requests.post(f"{container}/invocations", json=columns, timeout=10)
    labels = [one["predicted_label"] for one in answer.json()["predictions"]]
    assert labels == ["setosa", "virginica"]
    batch = requests.post(
        f"{container}/invocations",
        data="5.0,1.5\n9.0,5.5\n",
        headers={"Content-Type": "text/csv", "Accept": "text/csv"},
        timeout=10,
    )
    assert [line.split(",")[0] for line in batch.text.splitlines()] == labels


def test_a_sigterm_ends_it_in_time_and_in_order(hosted):
    with run_serve(hosted) as (_, process):
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert time.monotonic() - started < 30


def test_a_container_of_many_models_loads_them_by_name(hosted, tmp_path):
    folder = tmp_path / "ml"
    (folder / "models/0a1b").mkdir(parents=True)
    (folder / "models/0a1b/model").symlink_to(hosted / "model")
    row = {"Sepal.Length": 5.0, "Petal.Length": 1.5}
    with run_serve(folder, SAGEMAKER_MULTI_MODEL="true") as (url, _):
        invoke = f"{url}/models/0a1b/invoke"
        assert requests.post(invoke, json=row, timeout=10).status_code == 404
        wanted = {"model_name": "0a1b", "url": "/opt/ml/models/0a1b/model"}
        assert requests.post(f"{url}/models", json=wanted, timeout=10).status_code == 200
        assert requests.post(f"{url}/models", json=wanted, timeout=10).status_code == 409
        answer = requests.post(invoke, json=row, timeout=10).json()
        assert answer["predictions"][0]["predicted_label"] == "setosa"
        listed = requests.get(f"{url}/models", timeout=10).json()["models"]
        assert [one["modelName"] for one in listed] == ["0a1b"]
        listed = requests.get(f"{url}/models/0a1b", timeout=10).json()
        assert listed == {"modelName": "0a1b", "modelUrl": f"{folder}/models/0a1b/model"}
        assert requests.delete(f"{url}/models/0a1b", timeout=10).status_code == 200
        assert requests.post(invoke, json=row, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("hyperparameters", "files", "said"),
    [
        ({"target": "Colour"}, {"a": table(20, 1)}, "Colour"),
        ({}, {"a": table(20, 1)}, "expected recipe, or target"),
        ({"recipe": "nothing"}, {}, "no recipe of that name"),
        ({"target": "Species", "depth": "3"}, {"a": table(20, 1)}, "depth"),
        ({"target": "Species"}, {"a": table(20, 1), "b": "x,y\n1,2\n"}, "another header"),
        (["recipe"], {}, "expected an object"),
    ],
)
def test_what_cannot_be_trained_is_told_where_the_platform_reads_it(
    tmp_path, hyperparameters, files, said
):
    folder = lay_out(tmp_path / "ml", hyperparameters, **files)
    assert run_train(folder).returncode != 0
    failure = (folder / "output/failure").read_text()
    assert said in failure
    assert len(failure.splitlines()) == 1


def test_a_training_that_is_stopped_ends_with_what_it_started(tmp_path):
    folder = lay_out(tmp_path / "ml", {"recipe": "credit", "n_estimators": "5000"})
    process = subprocess.Popen(
        [BIN / "train"], env=environment(folder), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    process.stderr.readline()
    children = psutil.Process(process.pid).children()
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    process.stderr.close()
    assert children
    assert not psutil.wait_procs(children, timeout=10)[1]
    assert not list((folder / "model").iterdir())


def test_serve_without_a_model_says_so_and_ends(tmp_path):
    done = subprocess.run(
        [BIN / "serve"], env=environment(tmp_path), capture_output=True, text=True, timeout=30
    )
    assert done.returncode != 0
    assert "holds 0 models" in done.stderr
