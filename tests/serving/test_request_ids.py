from __future__ import annotations

import pytest

from serving.request_ids import RequestIds


@pytest.mark.parametrize("given", [b"abc-1.2:3_", b"a" * 128])
def test_a_client_s_own_id_is_kept(given: bytes) -> None:
    assert RequestIds().of(given) == given.decode()


@pytest.mark.parametrize("given", [None, b"", b"a" * 129, b"a b", b"a\r\nset-cookie: b", b"\xe9"])
def test_an_id_that_could_do_harm_is_replaced(given: bytes | None) -> None:
    ids = RequestIds()
    first, second = ids.of(given), ids.of(given)
    assert first != second
    assert first.encode() != given
    assert first.isascii()


def test_two_processes_make_different_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = RequestIds()
    before = ids.of(None)
    monkeypatch.setattr("serving.request_ids.os.getpid", lambda: -1)
    assert ids.of(None).partition("-")[0] != before.partition("-")[0]
