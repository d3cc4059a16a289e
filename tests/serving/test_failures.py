from __future__ import annotations

import pytest

from serving import failures
from serving.failures import FailureLimit
from serving.refusals import RateLimited


class Clock:
    """A clock that stands still until it is turned."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_client_may_fail_so_often() -> None:
    clock = Clock()
    limit = FailureLimit(3, 60, clock)
    for _ in range(3):
        limit.count("a")
    clock.now += 20
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            limit.count("a")
        assert caught.value.retry_after == 40
    limit.count("b")
    clock.now += 40
    limit.count("a")


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MOST_CLIENTS", 10)
    limit = FailureLimit(1, 60)
    for number in range(100):
        limit.count(str(number))
    assert len(limit._counts) <= 10
    with pytest.raises(RateLimited):
        limit.count("99")


def test_ten_failures_a_minute_are_borne() -> None:
    clock = Clock()
    limit = FailureLimit(clock=clock)
    for _ in range(10):
        limit.count("a")
    with pytest.raises(RateLimited) as caught:
        limit.count("a")
    assert caught.value.retry_after == 60
    clock.now += 59.9
    with pytest.raises(RateLimited):
        limit.count("a")
    clock.now += 0.2
    limit.count("a")


def test_the_older_half_of_ten_thousand_clients_is_forgotten_and_no_one_before() -> None:
    clock = Clock()
    limit = FailureLimit(1, 60, clock)
    for number in range(10_000):
        limit.count(str(number))
    with pytest.raises(RateLimited):
        limit.count("9999")  # which makes room: the table is full
    for kept in ("5000", "9998"):
        with pytest.raises(RateLimited):
            limit.count(kept)
    limit.count("4999")
    limit.count("0")


def test_those_whose_time_is_over_are_forgotten_first() -> None:
    clock = Clock()
    limit = FailureLimit(1, 60, clock)
    for number in range(7_000):
        limit.count(f"old {number}")
    clock.now += 60
    for number in range(3_000):
        limit.count(f"new {number}")
    limit.count("one more")
    assert len(limit._counts) == 3_001
    with pytest.raises(RateLimited):
        limit.count("new 0")
