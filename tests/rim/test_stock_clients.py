"""Clients that other languages and systems bring along, nothing changed: each gets its answer."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require
from tests.service import CREDIT_ROW, Service, build, serve

CLIENTS = Path(__file__).parent / "clients"
JAVA = "apt-get install default-jdk-headless"
GO = "apt-get install golang-go"
CURL = "apt-get install curl"
MOST = 1_000_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("stock") / "models"
    build(store, "--set", "n_estimators=5")
    with serve(store, WEB_CONCURRENCY="1", MAX_BODY_BYTES=str(MOST)) as running:
        yield running


@pytest.fixture
def bodies(tmp_path: Path) -> list[str]:
    """A row, a list of rows, a body that is far too large, and a row again."""
    row = json.dumps(CREDIT_ROW)
    texts = [row, f"[{row},{row}]", " " * 20 * MOST + row, row]
    for number, text in enumerate(texts):
        (tmp_path / str(number)).write_text(text)
    return [str(tmp_path / str(number)) for number in range(len(texts))]


def printed(*command: str, **environ: str) -> list[str]:
    home = os.environ | environ
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=home)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def check(answers: list[str]) -> None:
    """Each answer is a line: its status, and its document."""
    found = [line.split(" ", 1) for line in answers]
    assert [status for status, _ in found] == ["200", "200", "413", "200"]
    one, two, refused, again = (json.loads(document) for _, document in found)
    assert one["prediction"] == again["prediction"]
    assert two["predictions"] == [one["prediction"]] * 2
    assert refused["status"] == 413


def test_java(service: Service, bodies: list[str]) -> None:
    require(has_java(), "Java 17 with its compiler", JAVA)
    url = f"{service.url}/v0/predict"
    check(printed("java", str(CLIENTS / "Predict.java"), url, *bodies))


def has_java() -> bool:
    if shutil.which("java") is None:
        return False
    listed = subprocess.run(["java", "--list-modules"], capture_output=True, text=True)
    return "jdk.compiler@" in listed.stdout


def test_go(service: Service, bodies: list[str], tmp_path: Path) -> None:
    require(shutil.which("go") is not None, "Go", GO)
    kept = {"GOCACHE": str(tmp_path / "go"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    url = f"{service.url}/v0/predict"
    check(printed("go", "run", str(CLIENTS / "predict.go"), url, *bodies, **kept))


@pytest.mark.parametrize(
    "options",
    [(), ("--http2",), ("--http1.0",), ("-H", "Expect: 100-continue"), ("-H", "Expect:")],
    ids=["plain", "h2c", "1.0", "continue", "at once"],
)
def test_curl(service: Service, bodies: list[str], options: tuple[str, ...]) -> None:
    require(shutil.which("curl") is not None, "curl", CURL)
    asked = ("-sS", "-H", "Content-Type: application/json", "-w", " %{http_code}\n", *options)
    url = f"{service.url}/v0/predict"
    answers = []
    for body in bodies:
        lines = printed("curl", *asked, "--data-binary", f"@{body}", url)
        document, _, status = " ".join(line.strip() for line in lines).rpartition(" ")
        answers.append(f"{status} {document}")
    check(answers)


def test_pythons_own(service: Service, bodies: list[str]) -> None:
    answers = []
    for body in bodies:
        client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        with open(body, "rb") as file:
            headers = {"Content-Type": "application/json", "Content-Length": str(size_of(file))}
            client.request("POST", "/v0/predict", file, headers)
        answer = client.getresponse()
        answers.append(f"{answer.status} {answer.read().decode().strip()}")
        client.close()
    check(answers)


def size_of(file: Any) -> int:
    return os.fstat(file.fileno()).st_size
