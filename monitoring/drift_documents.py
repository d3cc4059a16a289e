"""The documents of drift, kept where the log is: a model's last report, and its watch's state."""

from __future__ import annotations

from typing import Any

import msgspec

from errors import Conflict, KeyMissing
from monitoring.archive import Archive
from persistence.stores.store import ABSENT

REPORTS, STATES = "drift/reports", "drift/states"


class _Day(msgspec.Struct):
    cells: dict[str, list[int]] = {}


class _State(msgspec.Struct):
    """What is read of a state without the libraries that its tests need."""

    version: str
    days: dict[str, _Day] = {}


class DriftDocuments:
    """Reads and writes them. Raises StoreUnavailable throughout."""

    def __init__(self, archive: Archive) -> None:
        self._store = archive.store

    def report(self, model: str) -> dict[str, Any] | None:
        """Return a model's last report; None where there is none that can be read."""
        try:
            found = msgspec.json.decode(self._store.get(_key(REPORTS, model)).data)
        except (KeyMissing, msgspec.DecodeError):
            return None
        return found if isinstance(found, dict) else None

    def keep_report(self, model: str, report: dict[str, Any]) -> None:
        """Keep a model's report in the place of the last one."""
        self._store.put(_key(REPORTS, model), msgspec.json.encode(report))

    def state(self, model: str) -> tuple[bytes | None, str | None]:
        """Return the bytes of a model's state with their tag; None where there are none."""
        try:
            return self._store.get(_key(STATES, model))
        except KeyMissing:
            return None, None

    def days(self, model: str) -> tuple[str, dict[str, dict[str, list[int]]]] | None:
        """Return the version that a model's state is of, and by date the rows in each cell.

        None where there is no state that can be read.
        """
        data, _ = self.state(model)
        try:
            state = None if data is None else msgspec.json.decode(data, type=_State)
        except msgspec.DecodeError:
            return None
        if state is None:
            return None
        return state.version, {date: day.cells for date, day in state.days.items()}

    def keep_state(self, model: str, data: bytes, tag: str | None) -> bool:
        """Keep a state in the place of the one read with that tag; False if it was replaced."""
        try:
            self._store.put(_key(STATES, model), data, ABSENT if tag is None else tag)
        except Conflict:
            return False
        return True


def _key(folder: str, model: str) -> str:
    return f"{folder}/{model}.json"
