from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.environments import Unavailable
from benchmarks.process_tree import tree
from benchmarks.server import Request, ask, running
from tests.servers import free_port, listens, wait_until

ASK = Request("/", b"good", {})
# A child that outlives its parent, as some servers' workers do.
SERVER = """
import subprocess, sys, time
sys.path.insert(0, sys.argv[1])
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
time.sleep(0.3)
from http.server import ThreadingHTTPServer
from tests.benchmarks.target import Handler
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""


def test_a_server_is_timed_until_its_first_answer_and_stopped_with_all_its_descendants(
    tmp_path: Path, root: Path
) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(root), str(port)]
    with running(command, ASK, port=port, folder=tmp_path, environ={}) as server:
        assert server.first_answer == b"you said: good"
        assert 0.3 < server.seconds_to_first_answer < 10
        assert ask(port, Request("/", b"bad", {})) == (500, b"you said: bad")
        members = tree(server.pid)
        assert len(members) == 2
    assert not listens(port)
    wait_until(lambda: not any(alive(pid) for pid in members), "its descendants to end")


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_a_server_that_ends_is_unavailable_with_its_own_reason(tmp_path: Path) -> None:
    # Flushed, since what a program keeps back until its end comes after its last words.
    program = "print('warming', flush=True); raise SystemExit('no such model')"
    command = [sys.executable, "-c", program]
    with (
        pytest.raises(Unavailable, match="does not start: no such model"),
        running(command, ASK, port=free_port(), folder=tmp_path, environ={}),
    ):
        pass


def test_a_server_that_does_not_answer_is_unavailable(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.server.START_SECONDS", 1.5)
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(root), str(port)]
    wrong = Request("/", b"bad", {})
    with (
        pytest.raises(Unavailable, match=r"does not answer within 1\.5 s: status 500"),
        running(command, wrong, port=port, folder=tmp_path, environ={}),
    ):
        pass
    assert not listens(port)
