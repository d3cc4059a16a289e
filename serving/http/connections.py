"""How many connections a worker holds: beyond that, those that were silent longest make room.

The bound is no client's own: behind a platform's router all of them come from few addresses.
Only a connection that waits for its client is closed, never one whose request is worked on.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

# So many make room at once, since finding them takes a look at all.
AT_ONCE = 16


class Connection(Protocol):
    """What is asked of a connection; `heard` is when its client last sent something."""

    transport: Any
    heard: float

    @property
    def is_waiting(self) -> bool:
        """Whether it is its client's turn: to ask, to send the rest, or to read."""
        ...

    def make_way(self) -> None:
        """Close, with an answer if one is due."""
        ...


def make_room(connections: Collection[Connection], most: int) -> None:
    """Close some of those that wait, silent longest first, where there are more than `most`."""
    if len(connections) <= most:
        return
    still_open = [one for one in connections if not one.transport.is_closing()]
    if len(still_open) > most:
        waiting = sorted((one for one in still_open if one.is_waiting), key=_heard)
        for connection in waiting[: len(still_open) - most + AT_ONCE]:
            connection.make_way()


def _heard(connection: Connection) -> float:
    return connection.heard
