"""Bytes of a call parsed as a message."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from errors import ParseError

M = TypeVar("M", bound=Message)


def parse(kind: type[M], body: bytes) -> M:
    """Return the message of a class. Raises ParseError."""
    try:
        return kind.FromString(body)
    except DecodeError:
        raise ParseError(f"the body is no {kind.DESCRIPTOR.full_name}") from None
