"""Copying: the champions of one store, sealed again for another."""

from __future__ import annotations

from contextlib import suppress

from errors import Conflict
from persistence.artifact import Artifact, pack
from persistence.registry import Registry


def has_champion(registry: Registry) -> bool:
    """Say whether any model of the store has a champion, be it one that is not believed here."""
    return any(map(registry.has_champion, registry.names()))


def copy_champions(source: Registry, target: Registry) -> list[str]:
    """Copy the champions that the target has no champion for; return their names.

    Each keeps its version and is sealed by the target's signer, which it must
    have. Of several processes at once one wins, and the others' copies come to
    nothing. Raises the ArtifactErrors for what the source does not believe, and
    StoreUnavailable.
    """
    return [name for name in source.names() if _copy(source, target, name)]


def _copy(source: Registry, target: Registry, name: str) -> bool:
    alias = source.champion(name)
    if alias is None:
        return False
    artifact = source.read(name, alias.version, alias.sha256)
    with suppress(Conflict):  # another process was first, or this one was stopped half way
        target.register(name, _sealed(artifact, target))
    try:
        target.promote(name, alias.version, expected_serial=0)
    except Conflict:
        return False
    return True


def _sealed(artifact: Artifact, target: Registry) -> bytes:
    return pack(artifact.manifest, artifact.members, target.signer)
