"""What is special about a folder: a killed writer, a full disk, names with a dot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from errors import StoreUnavailable
from persistence.stores.folder import FolderStore


def test_names_with_a_dot_in_front_are_not_listed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("credit/versions/v1", b"one")
    (tmp_path / ".keys").mkdir()
    (tmp_path / ".keys" / "signing.pem").touch()
    (tmp_path / ".writing-0123").touch()
    (tmp_path / "README.md").touch()
    assert store.list() == ["credit/versions/v1"]


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".writing-0123").touch()
    FolderStore(tmp_path).put("credit", b"one")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "credit"]


def test_a_full_disk_leaves_the_old_and_nothing_half_written(tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk: writing past it fails as a full one."""
    program = """
        import resource, signal, sys
        from errors import StoreUnavailable
        from persistence.stores.folder import FolderStore
        store = FolderStore(sys.argv[1])
        store.put("credit", b"old")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            store.put("credit", bytes(1_000_000))
        except StoreUnavailable as error:
            print(error)
    """
    said = _run(program, tmp_path)
    assert said == "the model store: credit cannot be written: File too large\n"
    assert FolderStore(tmp_path).get("credit").data == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "credit"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="credit cannot be written: File exists"):
        FolderStore(tmp_path / "file" / "models").put("credit", b"one")


STEPS = ("open", "write", "fsync", "replace")


@pytest.mark.parametrize("step", STEPS)
def test_a_writer_killed_at_a_step_leaves_the_old_or_the_new(tmp_path: Path, step: str) -> None:
    """The writer kills itself, with SIGKILL, before or after the nth call of each system call."""
    program = """
        import os, signal, sys, builtins
        from persistence.stores import folder as stores
        from persistence.stores.folder import FolderStore
        folder, step, when, count = sys.argv[1:5]
        left = [int(count)]
        def killing(call):
            def called(*given, **named):
                left[0] -= 1
                if left[0] == 0 and when == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                answer = call(*given, **named)
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return answer
            return called
        if step == "write":
            stores._write = killing(stores._write)
        else:
            setattr(os, step, killing(getattr(os, step)))
        store = FolderStore(folder)
        store.put("credit", b"new" * 1000, store.get("credit").tag)
        print("not killed")
    """
    store = FolderStore(tmp_path)
    for when in ("before", "after"):
        for count in (1, 2):
            store.put("credit", b"old" * 1000)
            killed = _run(program, tmp_path, step, when, str(count), check=False) == ""
            assert killed or count == 2, "there is no such step"
            assert store.get("credit").data in {b"old" * 1000, b"new" * 1000}
            assert store.list() == ["credit"]


def test_a_writer_killed_a_hundred_times_leaves_one_whole_write(tmp_path: Path) -> None:
    """Children put one content after another until they are killed, at a moment nobody chose."""
    store = FolderStore(tmp_path)
    store.put("credit", _content(0))
    kills = 0
    for generation in range(1, 26):
        writers = [_fork_writer(tmp_path, generation * 4 + n) for n in range(4)]
        time.sleep(0.01 + 0.003 * (generation % 7))
        for writer in writers:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
            kills += 1
            _assert_whole(store.get("credit").data)
    assert kills == 100
    assert int(store.get("credit").data[:8]) > 0, "no writer ever got through"
    store.put("credit", b"the lock was let go")
    assert [p.name for p in tmp_path.glob(".writing-*")] == []


def _content(seed: int) -> bytes:
    return b"%08d" % seed * 20_000


def _assert_whole(data: bytes) -> None:
    assert data == _content(int(data[:8]))


def _fork_writer(folder: Path, seed: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        while True:
            FolderStore(folder).put("credit", _content(seed))
    finally:
        os._exit(1)


def _run(program: str, *arguments: object, check: bool = True) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        check=check,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=60,
    )
    if not check:
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout


def test_only_its_owner_reads_what_is_kept(tmp_path: Path) -> None:
    FolderStore(tmp_path / "models").put("credit/versions/v1", b"model")
    for path in (tmp_path / "models").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
