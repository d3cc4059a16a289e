"""A pace by the clock, with room for a busy machine: only what must not be quicker is asserted."""

from __future__ import annotations

import asyncio
import time

import pytest

from errors import Overloaded
from serving.http import pace as module
from serving.http.pace import Pace
from serving.in_flight import QUEUE_SECONDS


def test_one_works_at_a_time_and_all_of_it_a_share_of_the_time():
    working = most = 0

    async def work(pace: Pace) -> None:
        nonlocal working, most
        async with pace:
            working += 1
            most = max(most, working)
            await asyncio.sleep(0.01)
            working -= 1

    async def run() -> float:
        pace, began = Pace(0.25), time.monotonic()
        await asyncio.gather(*(work(pace) for _ in range(5)))
        return time.monotonic() - began

    # Five times 10 ms, and four rests of three times as long.
    assert asyncio.run(run()) >= 5 * 0.01 + 4 * 0.03 - 0.005
    assert most == 1


def test_who_waits_too_long_is_refused_and_the_turn_is_not_lost(monkeypatch):
    monkeypatch.setattr(module, "QUEUE_SECONDS", 0.01)

    async def run() -> None:
        pace = Pace(1.0)
        async with pace:
            with pytest.raises(Overloaded):
                await pace.__aenter__()
        async with pace:
            pass

    asyncio.run(run())


def test_who_goes_while_it_rests_leaves_the_turn_to_the_next():
    async def run() -> None:
        pace = Pace(0.01)
        async with pace:
            await asyncio.sleep(0.01)
        waiting = asyncio.ensure_future(pace.__aenter__())
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not pace._turn.locked()

    asyncio.run(run())


def test_a_share_of_all_never_rests():
    async def run() -> float:
        pace = Pace(1.0)
        for _ in range(2):
            async with pace:
                await asyncio.sleep(0.01)
        return pace._free - time.monotonic()

    assert asyncio.run(run()) <= 0


def test_work_that_took_long_keeps_nobody_from_the_next_turn(monkeypatch):
    assert module.MOST_REST < QUEUE_SECONDS
    monkeypatch.setattr(module, "MOST_REST", 0.02)

    async def run() -> None:
        pace = Pace(1e-6)  # it would rest for hours
        for _ in range(3):
            async with asyncio.timeout(60), pace:
                await asyncio.sleep(0.01)

    asyncio.run(run())
