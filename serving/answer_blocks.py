"""Answers of many rows, made a block at a time: as objects they take ten times their bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from serving.champions import Prediction
from serving.exchange import Exchange

BLOCK_ROWS = 2000


def in_blocks(exchange: Exchange, make: Callable[[Prediction], Sequence[Any]]) -> Iterator[Any]:
    """Yield what `make` makes of each row's prediction, where every row is answered and no more."""
    rows, task = len(exchange.decoded.indices), exchange.live.task
    starts = range(0, rows, BLOCK_ROWS)
    parts = (task.part(exchange.prediction, at, at + BLOCK_ROWS) for at in starts)
    return chain.from_iterable(map(make, parts))


def are_blocks(exchange: Exchange) -> bool:
    """Whether an answer has many rows, and nothing but the prediction of each."""
    decoded = exchange.decoded
    plain = not decoded.problems and exchange.wanted is None and exchange.contributions is None
    return plain and len(decoded.indices) > BLOCK_ROWS


def write_json(name: str, rows: Iterable[Any], count: int, rest: Mapping[str, Any]) -> bytes:
    """Return a JSON object of so many rows under a name, and of what stands beside them."""
    written, rows = io.BytesIO(), iter(rows)
    written.write(b"{%b:[" % msgspec.json.encode(name))
    between = b""
    while block := list(islice(rows, BLOCK_ROWS)):
        part = between + msgspec.json.encode(block)[1:-1]
        if not between:
            _reserve(written, len(part) * count // len(block))
        written.write(part)
        between = b","
    written.write(b"]" + (b"," if rest else b"") + msgspec.json.encode(rest)[1:])
    written.truncate()
    return written.getvalue()


def _reserve(written: io.BytesIO, size: int) -> None:
    """Make room: one that grows is moved again and again, and the places it had stay beside it."""
    at = written.tell()
    written.seek(at + size + size // 16)
    written.write(b" ")
    written.seek(at)
