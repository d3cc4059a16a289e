from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks import wrk
from tests.benchmarks.target import listening
from tests.conftest import require


@pytest.fixture(autouse=True)
def _wrk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require(shutil.which("wrk") is not None, "wrk", "apt-get install wrk")
    monkeypatch.setattr(wrk, "WORK", tmp_path)
    monkeypatch.setattr(wrk, "CLIENT_CORE", 0)  # there is one on every machine


def test_every_body_is_sent_in_turn_and_other_answers_than_200_are_failures() -> None:
    bodies = [b"good", b"line\nbreak", b"bad"]
    with listening() as port:
        seen = wrk.load(port, "/predict", bodies, {"X-Any": "y"}, seconds=1, connections=1)
    assert seen.answered > 10
    assert seen.failed == pytest.approx(seen.answered / 2, abs=1)
    assert 0 < seen.p50 <= seen.p99 <= seen.slowest < 1
    assert seen.per_second == pytest.approx(seen.answered / seen.seconds)
    assert 0.9 < seen.seconds < 1.5


def test_a_latency_is_in_seconds() -> None:
    with listening() as port:
        seen = wrk.load(port, "/predict", [b"0.1"], {}, seconds=1, connections=1)
    assert seen.p50 == pytest.approx(0.1, abs=0.02)
    assert 5 <= seen.answered <= 11


def test_connections_that_are_hung_up_are_failures() -> None:
    with listening() as port:
        seen = wrk.load(port, "/predict", [b"hang up"], {}, seconds=1, connections=1)
    assert seen.answered == 0
    assert seen.failed > 0


def test_a_port_where_nobody_listens_is_said() -> None:
    with listening() as port:
        pass
    with pytest.raises(ValueError, match=r"wrk measured nothing: .*[Cc]onnect"):
        wrk.load(port, "/predict", [b"good"], {}, seconds=1)
