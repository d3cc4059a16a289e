"""The clients as people run them, each against the service under its own server."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import require
from tests.servers import free_port, wait_until
from tests.service import ROOT, Service, build, environment, serve


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clients") / "models"
    build(folder, "--recipe", "iris")
    return folder


@pytest.fixture(scope="module")
def service(store: Path) -> Iterator[Service]:
    with serve(store, WEB_CONCURRENCY="1", DEFAULT_MODEL="iris") as running:
        yield running


def run(client: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "clients" / client, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_tritons_client_is_answered_in_json_and_in_binary(service):
    done = run("oip_client.py", "--address", f"127.0.0.1:{service.port}")
    assert done.returncode == 0, done.stderr
    health, inputs, *answers = done.stdout.splitlines()
    assert health == "True True True"
    assert "petal_width" in inputs
    assert answers[0] == "1 ['setosa', 'virginica']"
    assert answers[2] == "1 [b'setosa', b'virginica']"
    assert answers[1] == answers[3]


def test_boto3_invokes_a_model_as_an_endpoint(service):
    done = run("sagemaker_client.py", "--url", service.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('trace=1 {"predictions":[{"predicted_label":"setosa"')


def test_a_client_of_loans_is_told_when_there_are_none(service):
    done = run("loans_client.py", "--url", service.url)
    assert (done.returncode, done.stdout[:3]) == (1, "404")


def test_loans_are_answered(tmp_path):
    catboost = importlib.util.find_spec("catboost") is not None
    require(catboost, "catboost", "pip install -r requirements-catboost.txt")
    store = tmp_path / "models"
    build(store, "--recipe", "loans", "--set", "iterations=20")
    with serve(store, WEB_CONCURRENCY="1", DEFAULT_MODEL="loans") as running:
        done = run("loans_client.py", "--url", running.url)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r'200 {"default_proba":[0-9.e-]+}\n', done.stdout)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """`make cert` and `make api-start`: the address, the certificate, what was written."""
    require(shutil.which("make") is not None, "make", "apt-get install make")
    folder = tmp_path_factory.mktemp("tls")
    port, log = free_port(), folder / "log"
    pair = [f"CERT={folder}/server.crt", f"KEY={folder}/server.key"]
    made = subprocess.run(["make", "cert", *pair], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["make", "api-start", *pair, f"API_PORT={port}"],
            cwd=ROOT,
            env=environment(folder / "models", API_KEYS_FILE=str(folder / "api_keys")),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    certificate, url = folder / "server.crt", f"https://localhost:{port}"
    try:
        wait_until(lambda: is_up(url, certificate, process, log), f"{url} ({log})", patience=90)
        yield url, certificate, log
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def is_up(url: str, certificate: Path, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return requests.get(f"{url}/readyz", verify=str(certificate), timeout=5).ok
    except requests.ConnectionError:
        return False


def test_tweets_are_answered_over_tls_to_whoever_has_the_token(tls):
    url, certificate, log = tls
    where = re.search(r"with every scope: in (\S+)", log.read_text())
    assert where is not None, "a service on a desk says where its key is when it starts"
    token = (ROOT / where[1]).read_text().strip()
    given = ("--url", url, "--cert", str(certificate))
    done = run("tweets_client.py", *given, "--token", token)
    assert done.stdout == '200 {"1":"Positive","2":"Negative"}\n', done.stderr
    wrong = run("tweets_client.py", *given, "--token", "mirante_wrong")
    assert wrong.returncode == 1
    assert wrong.stdout.startswith('404 {"error":404')
    assert "mirante_wrong" not in log.read_text()


def test_the_key_is_its_owners_and_make_cert_overwrites_nothing(tls):
    _, certificate, _ = tls
    key = certificate.with_suffix(".key")
    assert key.stat().st_mode & 0o077 == 0
    before = key.read_bytes()
    pair = [f"CERT={certificate}", f"KEY={key}"]
    assert subprocess.run(["make", "cert", *pair], cwd=ROOT, capture_output=True).returncode != 0
    assert key.read_bytes() == before


def test_api_start_without_a_certificate_says_what_to_do(tmp_path):
    require(shutil.which("make") is not None, "make", "apt-get install make")
    words = ["make", "api-start", f"CERT={tmp_path}/none", f"KEY={tmp_path}/none"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "make cert" in done.stderr
