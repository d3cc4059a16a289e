"""A body of Flask's current request that has to be small: an order, a switch, a name."""

from __future__ import annotations

from flask import request

from serving.refusals import BodyTooLarge


def small_body(most: int, what: str) -> bytes:
    """Return the request's body. Raises BodyTooLarge for one of more than `most` bytes.

    `what` says in the refusal what may be so large: "an order".
    """
    data: bytes = request.stream.read(most + 1)
    # One that is declared too long has not been read at all: it is not an empty one.
    if max(len(data), request.content_length or 0) > most:
        raise BodyTooLarge(f"{what} is at most {most} bytes of JSON")
    return data
