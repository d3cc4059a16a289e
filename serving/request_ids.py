"""The ids of requests and predictions: unique, cheap, and the client's own where harmless."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping

_HARMLESS = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class RequestIds:
    """Gives each request of a process its id."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._prefix = ""
        # Made before a fork, two workers would count through the same ids.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._prefix = ""

    def of(self, given: bytes | None) -> str:
        """Return the client's id, or a new one."""
        if given is not None and _HARMLESS.fullmatch(given):
            return given.decode("ascii")
        if not self._prefix:
            self._prefix = os.urandom(6).hex()
        return f"{self._prefix}-{next(self._count):x}"

    def of_prediction(self, headers: Mapping[bytes, bytes], request_id: str) -> str:
        """Return the client's id of a prediction, or a new one.

        A request's id is taken for it where it was made here: routers and clients repeat theirs.
        """
        given = headers.get(b"x-inference-id")
        if given is None and b"x-request-id" not in headers:
            return request_id
        return self.of(given)
