"""What a version's artifact says in figures, read once: a version is never written again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple, Protocol

from errors import ArtifactError, VersionUnknown
from persistence.artifact import Artifact, Manifest
from tables.schema import Schema

# Summaries that a process keeps; each is some kilobytes.
MOST_KEPT = 200


class Shows(Protocol):
    """Where artifacts are: the registry."""

    def show(self, name: str, version: str) -> Artifact:
        """Return a verified artifact."""
        ...


class Summary(NamedTuple):
    """A version's manifest, schema, metrics, and what else training told of it."""

    manifest: Manifest
    schema: Schema
    metrics: dict[str, Any]
    info: dict[str, Any]


class Summaries:
    """The summaries of the versions that were looked at last."""

    def __init__(self, registry: Shows, most: int = MOST_KEPT) -> None:
        self._registry = registry
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Summary] = OrderedDict()
        self._lock = Lock()

    def of(self, name: str, version: str) -> Summary | None:
        """Return a version's summary; None where its artifact is gone, damaged or not trusted.

        Raises StoreUnavailable.
        """
        key = name, version
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        try:
            summary = _summary(self._registry.show(name, version))
        except (ArtifactError, VersionUnknown):
            return None
        with self._lock:
            self._kept[key] = summary
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return summary


def _summary(artifact: Artifact) -> Summary:
    metrics, info = (artifact.document(name) for name in ("metrics.json", "info.json"))
    return Summary(artifact.manifest, artifact.schema, metrics, info)
