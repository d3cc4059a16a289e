"""The version beside the champion: the challenger, or the one that the address names."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from errors import MiranteError
from persistence.registry import Registry, VersionInfo
from policy import is_version
from serving.pages.names import shown
from serving.pages.page import Visit
from serving.pages.subject import Subject, subject_of_artifact

# What the address says for no version at all.
NONE = "none"
# So many versions can be chosen, the newest; so many are kept read.
MOST_VERSIONS, MOST_KEPT = 20, 8


class Beside(NamedTuple):
    """The version read, the versions to choose from, and whether one cannot be read."""

    subject: Subject | None = None
    versions: tuple[VersionInfo, ...] = ()
    chosen: str = NONE
    unread: bool = False


def beside(visit: Visit, version: str) -> Beside:
    """Return the version to draw beside the champion; a store that is away shows none."""
    registry, live = visit.place.registry, visit.live
    try:
        found = [v for v in registry.versions(live.name) if v.version != live.version]
    except MiranteError:
        return Beside(unread=bool(version) and version != NONE)
    versions = tuple(reversed(found[-MOST_VERSIONS:]))
    chosen = version or next((v.version for v in versions if v.challenger), NONE)
    if chosen == NONE:
        return Beside(versions=versions)
    try:
        known = is_version(chosen)
        subject = _read(registry, live.name, chosen) if known else None
    except MiranteError:
        subject = None
    return Beside(subject, versions, chosen if subject else NONE, unread=subject is None)


@lru_cache(MOST_KEPT)
def _read(registry: Registry, name: str, version: str) -> Subject:
    return subject_of_artifact(registry.show(name, version))


def named(visit: Visit, found: VersionInfo) -> str:
    """Return a version as it is offered."""
    name = shown(found.version)
    if found.challenger:
        return visit.words("is_challenger", version=name)
    return visit.words("is_champion", version=name) if found.champion else name
