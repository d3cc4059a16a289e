"""The gRPC process, as it is started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import grpc_process
from build_model import build_model
from config import read_config
from errors import ConfigError, DependencyError
from persistence.opening import open_registry
from recipes import find_recipe
from tests.collector import collecting
from tests.conftest import ROOT
from tests.servers import free_port, listens, wait_until
from tests.serving.factory import make_champions


@contextmanager
def process(folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, over the models of a folder, and its port."""
    port = free_port()
    environ = (
        os.environ | {"MODEL_STORE": str(folder / "models"), "GRPC_PORT": str(port)} | settings
    )
    started = subprocess.Popen(
        [sys.executable, "grpc_process.py"], cwd=ROOT, env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield started, port
    finally:
        started.kill()
        started.communicate()


def species(port: int) -> str:
    """What the iris client prints, nothing when it is not answered."""
    program = ROOT / "clients" / "iris_client.py"
    words = ["--host", "127.0.0.1", "--port", str(port), "5.1", "3.5", "1.4", "0.2"]
    return subprocess.run([sys.executable, program, *words], capture_output=True, text=True).stdout


def test_it_follows_the_champion_and_ends_when_told(tmp_path):
    registry = open_registry(str(tmp_path / "models"))
    with process(tmp_path, POLL_SECONDS="0.2") as (started, port):
        wait_until(lambda: listens(port), "the gRPC process")
        assert species(port) == ""  # it serves, and has no model yet
        build_model(find_recipe("iris"), registry=registry)
        wait_until(lambda: species(port) == "species: 0\n", "the model to be served")
        started.send_signal(signal.SIGTERM)
        assert started.wait(20) == 0


def test_the_spans_of_calls_are_sent_before_it_ends(tmp_path):
    build_model(find_recipe("iris"), registry=open_registry(str(tmp_path / "models")))
    with collecting() as collector:
        late = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        with process(tmp_path, **address, **late) as (started, port):
            wait_until(lambda: listens(port), "the gRPC process")
            assert species(port) == "species: 0\n"
            assert collector.spans == []
            started.send_signal(signal.SIGTERM)
            assert started.wait(20) == 0
        (span,) = collector.named("ml.IrisPredictor/PredictIrisSpecies")
    assert span.attributes["rpc.response.status_code"] == "OK"
    assert span.attributes["client.address"] in ("127.0.0.1", "%5B::1%5D")
    assert collector.children(span) == ["receive", "decode", "predict", "render"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"GRPC_PORT": "none"}, "GRPC_PORT"),
        ({"GRPC_CERTIFICATE": "absent.pem"}, "GRPC_CERTIFICATE: the file cannot be read"),
        ({"HOST": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
    ],
)
def test_a_bad_setting_is_one_line(tmp_path, settings, message):
    with process(tmp_path, **settings) as (started, _):
        _, printed = started.communicate(timeout=60)
    assert started.returncode == 1
    assert message in printed.splitlines()[-1]
    assert "Traceback" not in printed


def test_without_grpc_one_line_says_how_to_have_it(monkeypatch):
    monkeypatch.setattr(grpc_process, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match=r"pip install -r requirements-grpc\.txt"):
        grpc_process.make_server(read_config({}), make_champions())


def test_a_pem_file_is_read(tmp_path):
    (tmp_path / "server.crt").write_bytes(b"PEM")
    assert grpc_process.read_pem("GRPC_CERTIFICATE", str(tmp_path / "server.crt")) == b"PEM"
    assert grpc_process.read_pem("GRPC_CERTIFICATE", "") == b""
    with pytest.raises(ConfigError, match="GRPC_CERTIFICATE"):
        grpc_process.read_pem("GRPC_CERTIFICATE", str(tmp_path / "absent"))
