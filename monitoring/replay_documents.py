"""The documents of replays, kept where the log is: the last one of each version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from errors import KeyMissing
from monitoring.archive import Archive

REPLAYS = "replays"


class ReplayDocuments:
    """Reads and writes them. Raises StoreUnavailable throughout."""

    def __init__(self, archive: Archive) -> None:
        self._store = archive.store

    def read(self, model: str, version: str) -> dict[str, Any] | None:
        """Return the last replay of a version; None where there is none that can be read."""
        try:
            found = msgspec.json.decode(self._store.get(_key(model, version)).data)
        except (KeyMissing, msgspec.DecodeError):
            return None
        return found if isinstance(found, dict) else None

    def keep(self, model: str, version: str, document: dict[str, Any]) -> None:
        """Keep a replay, with when it was made."""
        made = {"model": model, "made_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        self._store.put(_key(model, version), msgspec.json.encode(made | document))


def _key(model: str, version: str) -> str:
    return f"{REPLAYS}/{model}/{version}.json"
