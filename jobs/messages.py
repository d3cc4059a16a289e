"""What a training process and the worker that watches it say to each other: JSON, a line each."""

from __future__ import annotations

from typing import Any

import msgspec

from jobs.job import Order, Result


class Start(msgspec.Struct, frozen=True):
    """To the child, first: what to train, and how much memory (bytes) it may use."""

    job: str
    order: Order
    memory: int


class Go(msgspec.Struct, frozen=True):
    """To the child: register the version."""


class Staged(msgspec.Struct, frozen=True, tag="stage"):
    """A stage begins; `total` is its number of steps where that is known."""

    name: str
    total: int | None = None


class Advanced(msgspec.Struct, frozen=True, tag="advance"):
    """So many steps of the stage are done, since it began."""

    done: int


class Noted(msgspec.Struct, frozen=True, tag="note"):
    """A line for the log."""

    text: str


class MayRegister(msgspec.Struct, frozen=True, tag="ask"):
    """May the version be registered? The child waits for Go."""


class Ended(msgspec.Struct, frozen=True, tag="end"):
    """The training is done, and this is what it made."""

    result: Result


class Refused(msgspec.Struct, frozen=True, tag="refuse"):
    """The training failed with a fault that has a name; the line says which."""

    line: str


Message = Staged | Advanced | Noted | MayRegister | Ended | Refused


def encode(message: Any) -> bytes:
    """Return a message as one line."""
    return msgspec.json.encode(message) + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of one line that a child wrote."""
    message: Message = msgspec.json.decode(line, type=Message)
    return message
