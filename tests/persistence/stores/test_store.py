"""What holds of every store: one suite for all four."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import Conflict, KeyMissing
from persistence.stores.store import ABSENT, Store

LARGE = os.urandom(6 << 20)


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
