"""Stores: one suite for all four, then what is special about a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from errors import Conflict, KeyMissing, StoreUnavailable
from persistence.stores import ABSENT, DirectoryStore, MemoryStore, Store

LARGE = os.urandom(6 << 20)


# ------------------------------------------------------------ every store


def test_what_is_put_is_got(store: Store) -> None:
    tag = store.put("credit/versions/v1", b"\x00one")
    assert store.get("credit/versions/v1") == (b"\x00one", tag)
    assert store.put("credit/versions/v1", b"two") != tag
    assert store.get("credit/versions/v1").data == b"two"


def test_empty_and_large_bytes_are_kept(store: Store) -> None:
    for data in (b"", LARGE):
        store.put("credit", data)
        assert store.get("credit").data == data


def test_a_key_that_is_not_there_is_missing(store: Store) -> None:
    with pytest.raises(KeyMissing, match="credit/none"):
        store.get("credit/none")
    store.put("credit/versions/v1", b"one")
    with pytest.raises(KeyMissing):
        store.get("credit/versions")


def test_absent_is_put_once(store: Store) -> None:
    tag = store.put("credit", b"one", ABSENT)
    for data in (b"one", b"two"):
        with pytest.raises(Conflict):
            store.put("credit", data, ABSENT)
    assert store.get("credit") == (b"one", tag)


def test_a_tag_swaps_once(store: Store) -> None:
    first = store.put("credit", b"one")
    second = store.put("credit", b"two", first)
    with pytest.raises(Conflict, match="credit"):
        store.put("credit", b"three", first)
    assert store.get("credit") == (b"two", second)


def test_a_tag_swaps_nothing_that_is_gone(store: Store) -> None:
    tag = store.put("credit", b"one")
    store.delete("credit")
    with pytest.raises(Conflict):
        store.put("credit", b"two", tag)
    with pytest.raises(KeyMissing):
        store.get("credit")


def test_listing_is_sorted_sized_and_by_prefix(store: Store) -> None:
    assert store.list() == []
    for key, data in {"b/v/2": b"22", "a-b/v/1": b"", "a/v/1": b"1", "b/v/10": b"333"}.items():
        store.put(key, data)
    assert store.sizes() == {"a-b/v/1": 0, "a/v/1": 1, "b/v/10": 3, "b/v/2": 2}
    assert list(store.sizes()) == store.list() == ["a-b/v/1", "a/v/1", "b/v/10", "b/v/2"]
    assert store.list("b/v/1") == ["b/v/10"]
    assert store.list("a") == ["a-b/v/1", "a/v/1"]
    assert store.list("a/") == ["a/v/1"]
    assert store.list("zzz/") == []


def test_deleting_is_done_when_it_is_gone(store: Store) -> None:
    store.put("credit/a", b"one")
    store.put("credit/b", b"two")
    store.delete("credit/a")
    store.delete("credit/a")
    assert store.list() == ["credit/b"]


@pytest.mark.parametrize(
    "key", ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".a", "a/.lock", "A", "a b", "a\n", "é"]
)
def test_what_is_no_key_reaches_no_store(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="a key is"):
        store.get(key)
    with pytest.raises(ValueError, match="a key is"):
        store.put(key, b"")
    with pytest.raises(ValueError, match="a key is"):
        store.delete(key)


@pytest.mark.parametrize("first", [ABSENT, "tag"])
def test_of_many_at_once_one_wins(store: Store, first: object) -> None:
    expected = ABSENT if first is ABSENT else store.put("credit", b"before")

    def attempt(number: int) -> bytes | None:
        data = b"writer %d" % number
        try:
            store.put("credit", data, expected)
        except Conflict:
            return None
        return data

    with ThreadPoolExecutor(8) as pool:
        winners = [data for data in pool.map(attempt, range(16)) if data is not None]
    assert winners == [store.get("credit").data]


# ------------------------------------------------------------ a folder


def test_names_with_a_dot_in_front_are_not_listed(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.put("credit/versions/v1", b"one")
    (tmp_path / ".keys").mkdir()
    (tmp_path / ".keys" / "signing.pem").touch()
    (tmp_path / ".writing-0123").touch()
    (tmp_path / "README.md").touch()
    assert store.list() == ["credit/versions/v1"]


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".writing-0123").touch()
    DirectoryStore(tmp_path).put("credit", b"one")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "credit"]


def test_a_full_disk_leaves_the_old_and_nothing_half_written(tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk: writing past it fails as a full one."""
    program = """
        import resource, signal, sys
        from errors import StoreUnavailable
        from persistence.stores import DirectoryStore
        store = DirectoryStore(sys.argv[1])
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
    assert DirectoryStore(tmp_path).get("credit").data == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "credit"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="credit cannot be written: File exists"):
        DirectoryStore(tmp_path / "file" / "models").put("credit", b"one")


STEPS = ("open", "write", "fsync", "replace")


@pytest.mark.parametrize("step", STEPS)
def test_a_writer_killed_at_a_step_leaves_the_old_or_the_new(tmp_path: Path, step: str) -> None:
    """The writer kills itself, with SIGKILL, before or after the nth call of each system call."""
    program = """
        import os, signal, sys, builtins
        from persistence import stores
        from persistence.stores import DirectoryStore
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
        store = DirectoryStore(folder)
        store.put("credit", b"new" * 1000, store.get("credit").tag)
        print("not killed")
    """
    store = DirectoryStore(tmp_path)
    for when in ("before", "after"):
        for count in (1, 2):
            store.put("credit", b"old" * 1000)
            killed = _run(program, tmp_path, step, when, str(count), check=False) == ""
            assert killed or count == 2, "there is no such step"
            assert store.get("credit").data in {b"old" * 1000, b"new" * 1000}
            assert store.list() == ["credit"]


def test_a_writer_killed_a_hundred_times_leaves_one_whole_write(tmp_path: Path) -> None:
    """Children put one content after another until they are killed, at a moment nobody chose."""
    store = DirectoryStore(tmp_path)
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
            DirectoryStore(folder).put("credit", _content(seed))
    finally:
        os._exit(1)


def _run(program: str, *arguments: object, check: bool = True) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        check=check,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    if not check:
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout


def test_memory_keeps_bytes_of_its_own() -> None:
    store = MemoryStore()
    data = bytearray(b"one")
    store.put("credit", data)  # type: ignore[arg-type]
    data[0] = 0
    assert store.get("credit").data == b"one"
