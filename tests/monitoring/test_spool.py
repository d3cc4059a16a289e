from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitoring.archive import MEBIBYTE
from monitoring.frames import frames_in
from monitoring.spool import Spool

WRITING = """
import sys, time
from pathlib import Path
from monitoring.spool import Spool
segment = Spool(Path(sys.argv[1]), 1000).begin()
segment.append(b"whole")
print("written", flush=True)
time.sleep(60)
"""


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 1000)


def test_a_segment_is_finished_when_it_is_closed(spool: Spool) -> None:
    segment = spool.begin()
    segment.append(b"one")
    assert spool.paths() == [segment.path]
    assert list(spool.finished()) == []
    segment.append(b"two")
    segment.close()
    (path,) = spool.finished()
    assert list(frames_in(path.read_bytes())) == [b"one", b"two"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_segment_of_nothing_is_none(spool: Spool) -> None:
    spool.begin().close()
    assert spool.paths() == []


def test_the_segment_of_a_killed_process_is_finished(spool: Spool, root: Path) -> None:
    command = [sys.executable, "-c", WRITING, str(spool.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        assert list(spool.finished()) == []
        process.send_signal(signal.SIGKILL)
        process.wait()
        (path,) = spool.finished()
    assert list(frames_in(path.read_bytes())) == [b"whole"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Have every write beyond a size fail, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_half(spool: Spool) -> None:
    segment = spool.begin()
    segment.append(b"before")
    with files_of_at_most(40), pytest.raises(OSError, match="large"):
        segment.append(b"x" * 100)
    segment.append(b"after")
    segment.close()
    (path,) = spool.finished()
    assert list(frames_in(path.read_bytes())) == [b"before", b"after"]


def test_it_has_room_for_as_much_as_may_wait(spool: Spool) -> None:
    assert spool.has_room(1000)
    segment = spool.begin()
    segment.append(b"x" * 492)  # and a head of eight bytes
    assert spool.has_room(500)
    assert not spool.has_room(501)
    segment.close()


def test_segments_end_before_the_spool_is_full(tmp_path: Path) -> None:
    assert Spool(tmp_path, MEBIBYTE).longest == MEBIBYTE // 4
    assert Spool(tmp_path, 1024 * MEBIBYTE).longest == 16 * MEBIBYTE


def test_one_process_archives_at_a_time(spool: Spool) -> None:
    with spool.alone(0.0) as first, spool.alone(0.0) as second:
        assert (first, second) == (True, False)
    with spool.alone(0.0) as again:
        assert again


def test_no_other_user_looks_into_it(spool: Spool) -> None:
    spool.begin().close()
    assert os.stat(spool.folder).st_mode & 0o777 == 0o700
