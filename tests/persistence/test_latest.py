"""Copies of the newest aliases, in the store and in a folder."""

from __future__ import annotations

from pathlib import Path

from persistence.latest import Latest
from persistence.stores.memory import MemoryStore


def test_what_was_written_is_in_both_and_what_was_read_is_here(tmp_path: Path) -> None:
    store = MemoryStore()
    latest = Latest(store, tmp_path / "seen")
    latest.keep("credit", "champion", b"one", written=True)
    latest.keep("credit", "champion", b"two", written=False)
    assert latest.copies("credit", "champion") == [b"one", b"two"]
    assert latest.copies("credit", "challenger") == []
    assert Latest(store).copies("credit", "champion") == [b"one"]


def test_names_are_those_of_champions_until_they_are_forgotten(tmp_path: Path) -> None:
    latest = Latest(MemoryStore(), tmp_path / "seen")
    assert latest.names() == []
    latest.keep("credit", "champion", b"one", written=False)
    latest.keep("iris", "challenger", b"one", written=False)
    assert latest.names() == ["credit"]
    latest.forget("credit")
    assert latest.names() == []
    assert Latest(MemoryStore()).names() == []


def test_only_its_owner_reads_the_copies(tmp_path: Path) -> None:
    folder = tmp_path / "keys" / "seen"
    Latest(MemoryStore(), folder).keep("credit", "champion", b"one", written=False)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("no folder")
    latest = Latest(MemoryStore(), tmp_path / "seen")
    latest.keep("credit", "champion", b"one", written=True)
    assert latest.copies("credit", "champion") == [b"one"]
    assert latest.names() == []
