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
