"""The documents of drift, kept where the log is: a model's last report, and its watch's state."""

from __future__ import annotations

from typing import Any

import msgspec

from errors import Conflict, KeyMissing
from monitoring.archive import Archive
from persistence.stores.store import ABSENT

REPORTS, STATES = "drift/reports", "drift/states"


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

    def keep_state(self, model: str, data: bytes, tag: str | None) -> bool:
        """Keep a state in the place of the one read with that tag; False if it was replaced."""
        try:
            self._store.put(_key(STATES, model), data, ABSENT if tag is None else tag)
        except Conflict:
            return False
        return True


def _key(folder: str, model: str) -> str:
    return f"{folder}/{model}.json"
