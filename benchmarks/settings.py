"""How long and how often a run measures."""

from __future__ import annotations

from dataclasses import dataclass

# Each server gets a port of its own, the next two included, so that none meets a closing socket.
FIRST_PORT = 18_100
PORTS_APART = 10


@dataclass(frozen=True)
class Settings:
    """Rounds, and seconds of warming up and of measuring in each.

    `systems` are the names of those compared, all of them when it is empty.
    """

    rounds: int = 3
    warm_seconds: int = 3
    seconds: int = 10
    connections: int = 16
    systems: tuple[str, ...] = ()


QUICK = Settings(rounds=1, warm_seconds=1, seconds=2)


def port_of(index: int) -> int:
    """Return the port of the system at a place in the catalog."""
    return FIRST_PORT + index * PORTS_APART
