"""Bodies under ASGI: in parts, late, too large, or too many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from errors import Overloaded
from serving.http.body import BodyReader, Disconnected, already_here
from serving.refusals import BodyTimeout, BodyTooLarge


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def receiving(*messages: dict[str, Any]) -> Any:
    """Return what gives these messages, each at once, and then none."""
    pending = list(messages)

    async def receive() -> Any:
        while not pending:
            await asyncio.sleep(3600)
        return pending.pop(0)

    return receive


def read(
    *messages: dict[str, Any], limit: int = 10, timeout: float = 0.2, held: int = 100
) -> bytes:
    return asyncio.run(BodyReader(limit, timeout, held).read(receiving(*messages)))


def test_a_body_is_the_same_in_one_part_or_many() -> None:
    assert read(part(b"abc", more=False)) == b"abc"
    assert read(part(b"a", more=True), part(b"", more=True), part(b"bc", more=False)) == b"abc"
    assert read({"type": "http.request"}) == b""


@pytest.mark.parametrize("more", [True, False])
def test_a_body_over_the_limit_is_read_no_further(more: bool) -> None:
    with pytest.raises(BodyTooLarge, match="10 bytes"):
        read(part(b"x" * 6, more=True), part(b"x" * 5, more=more))
    with pytest.raises(BodyTooLarge):
        read(part(b"x" * 11, more=more))


@pytest.mark.parametrize("messages", [[], [part(b"x", more=True)]])
def test_a_body_that_does_not_arrive_is_given_up(messages: list[Any]) -> None:
    with pytest.raises(BodyTimeout, match=r"in 0\.2 s"):
        read(*messages)


@pytest.mark.parametrize("first", [[], [part(b"x", more=True)]])
def test_a_client_that_leaves_ends_the_reading(first: list[Any]) -> None:
    with pytest.raises(Disconnected):
        read(*first, {"type": "http.disconnect"})


def test_the_bytes_of_unfinished_bodies_are_bounded_and_given_back() -> None:
    reader = BodyReader(10, 0.2, 12)

    async def read_all() -> list[Any]:
        bodies = [receiving(part(b"x" * 9, more=True)) for _ in range(2)]
        return await asyncio.gather(*map(reader.read, bodies), return_exceptions=True)

    first, second = asyncio.run(read_all())
    assert (type(first), type(second)) == (BodyTimeout, Overloaded)
    parts = part(b"x" * 9, more=True), part(b"x", more=False)
    assert asyncio.run(reader.read(receiving(*parts))) == b"x" * 10


def test_a_message_that_is_there_is_taken_without_waiting() -> None:
    async def look() -> None:
        receive = receiving(part(b"x", more=False))
        assert already_here(receive) == part(b"x", more=False)
        assert already_here(receive) is None

    asyncio.run(look())
