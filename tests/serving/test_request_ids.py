from __future__ import annotations

from multiprocessing import get_context

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


def test_two_processes_make_different_ids() -> None:
    ids = RequestIds()
    before = ids.of(None)
    fork = get_context("fork")
    told = fork.SimpleQueue()
    child = fork.Process(target=lambda: told.put(ids.of(None)))
    child.start()
    made = told.get()
    child.join(60)
    assert made.partition("-")[0] != before.partition("-")[0]
    assert ids.of(None).partition("-")[0] == before.partition("-")[0]


def test_a_prediction_has_its_client_s_id_or_one_of_its_own() -> None:
    ids = RequestIds()
    made_here = ids.of(None)
    assert ids.of_prediction({}, made_here) == made_here
    assert ids.of_prediction({b"x-inference-id": b"order-7"}, made_here) == "order-7"
    assert ids.of_prediction({b"x-inference-id": b"not harmless"}, made_here) != made_here
    # A router's id may come twice, when a client tries again: a prediction's does not.
    repeated = {b"x-request-id": b"the-same"}
    assert len({ids.of_prediction(repeated, "the-same") for _ in range(3)} - {"the-same"}) == 3
