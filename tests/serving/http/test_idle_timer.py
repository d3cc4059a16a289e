from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from serving.http.idle_timer import IdleTimer


def ended(play: Callable[[IdleTimer], Awaitable[None]]) -> list[str]:
    """Return what a timer has done by the end of a play."""
    calls: list[str] = []

    async def run() -> None:
        await play(IdleTimer(asyncio.get_running_loop(), lambda: calls.append("end")))

    asyncio.run(run())
    return calls


def test_it_ends_once_when_nobody_stops_it() -> None:
    async def play(timer: IdleTimer) -> None:
        timer.start(0.01)
        await asyncio.sleep(0.2)

    assert ended(play) == ["end"]


def test_one_that_is_stopped_or_forgotten_does_not_end() -> None:
    async def play(timer: IdleTimer) -> None:
        timer.start(0.01)
        timer.stop()
        await asyncio.sleep(0.1)
        timer.start(0.01)
        timer.forget()
        await asyncio.sleep(0.1)

    assert ended(play) == []


def test_a_new_start_moves_the_end_on() -> None:
    async def play(timer: IdleTimer) -> None:
        timer.start(0.01)
        timer.stop()
        timer.start(60)
        await asyncio.sleep(0.1)

    assert ended(play) == []


def test_a_new_start_may_bring_the_end_nearer() -> None:
    async def play(timer: IdleTimer) -> None:
        timer.start(60)
        timer.start(0.01)
        await asyncio.sleep(0.2)

    assert ended(play) == ["end"]


def test_one_that_fires_too_early_goes_on() -> None:
    async def play(timer: IdleTimer) -> None:
        timer.start(0.01)
        timer.start(0.1)
        await asyncio.sleep(0.5)

    assert ended(play) == ["end"]
