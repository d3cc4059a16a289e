"""The registry: the versions of each model, and which of them is champion and which challenger.

In the store:

    <name>/versions/<version>       the artifact, written once
    <name>/aliases/champion.json    see aliases.py
    <name>/aliases/challenger.json
    <name>/latest/                  see latest.py

The artifact is written before the alias that names it, and an alias is swapped
in one step: of two promotions at once one wins, and a crash anywhere leaves the
old champion or the new.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from errors import (
    ArtifactUntrusted,
    ConfigError,
    Conflict,
    KeyMissing,
    ModelUnknown,
    StoreUnavailable,
    VersionUnknown,
)
from persistence.aliases import Alias, Aliases, Earlier, Held, check_name
from persistence.artifact import Artifact, verify, verify_without_libraries
from persistence.latest import Latest
from persistence.stores.store import ABSENT, Store
from policy import is_version

if TYPE_CHECKING:
    from persistence.seal import Signer, Trust

__all__ = ["Alias", "Registry", "VersionInfo", "new_version"]

CHAMPION = "champion"
CHALLENGER = "challenger"

# So many registrations at once may each want to be the challenger before one gives up.
ATTEMPTS = 10

_MADE = re.compile(r"(\d{8}t\d{6}z)-[0-9a-z]+")
_MADE_FORMAT = "%Y%m%dt%H%M%Sz"


class VersionInfo(NamedTuple):
    """One registered version.

    `size` is in bytes; `created_at` is ISO 8601 with a Z, None when the id does
    not tell it.
    """

    version: str
    created_at: str | None
    size: int
    champion: bool
    challenger: bool


def new_version(moment: datetime | None = None, suffix: str | None = None) -> str:
    """Return a version's id, such as `20261123t001155z-3fa9c1`; later ones sort later."""
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    return f"{moment.strftime(_MADE_FORMAT)}-{suffix or secrets.token_hex(3)}"


class Registry:
    """The models of one store.

    Without `trust`, artifacts and aliases are taken unsigned, and no estimator
    is handed out of them. With trust and no `signer`, this process can read and
    not change. Every method raises StoreUnavailable when the store cannot be
    used, and ModelUnknown for what cannot be a name.
    """

    def __init__(
        self,
        store: Store,
        signer: Signer | None = None,
        trust: Trust | None = None,
        latest: Latest | None = None,
    ) -> None:
        self.signer = signer
        self.trust = trust
        self._store = store
        self._aliases = Aliases(store, signer, trust, latest)

    def names(self) -> list[str]:
        """Return the names of the models that have a version, sorted."""
        keys = (key.split("/") for key in self._store.list())
        return sorted({key[0] for key in keys if len(key) == 3 and key[1] == "versions"})

    def shown(self, known: Iterable[str] = ()) -> list[str]:
        """Return the names as `names` does, of a store that can be seen.

        Raises StoreUnavailable for one that shows nothing, where `known` models, or
        those that this machine has seen, were there before: a folder that is not
        mounted, or a table that was emptied, is no store without models.
        """
        names = self.names()
        before = {*known, *self.remembered()} if not names else ()
        if before:
            raise StoreUnavailable(
                f"it shows no models, where there were {len(before)}: is its folder mounted, "
                "was its table emptied?"
            )
        return names

    def remembered(self) -> list[str]:
        """Return the names of the models whose champion this machine has seen, sorted."""
        return self._aliases.remembered()

    def new_version(self, name: str, moment: datetime) -> str:
        """Return the id of a version made at a moment, later than those that there are.

        A clock that is behind does not make the newest version look like an old one.
        """
        moment = moment.astimezone(UTC)
        there = [_moment(key) for key in self._store.list(_key(name, ""))]
        latest = max((made for made in there if made), default=None)
        if latest is not None and latest > moment:
            moment = latest + timedelta(seconds=1)
        return new_version(moment)

    def versions(self, name: str) -> list[VersionInfo]:
        """Return the versions of a model, the oldest first; no artifact is read for it."""
        under = _key(name, "")
        sizes = self._store.sizes(under)
        if not sizes:
            raise ModelUnknown("no model of that name is registered")
        champion = _version_of(self.champion(name))
        challenger = _version_of(self.challenger(name))
        return [
            VersionInfo(v, _created_at(v), size, v == champion, v == challenger)
            for v, size in ((key.removeprefix(under), size) for key, size in sizes.items())
        ]

    def champion(self, name: str) -> Alias | None:
        """Return the champion's alias, None when there is none yet.

        Raises ArtifactUntrusted for one that is not signed as it must be, is
        another model's, or is older than one that this process has seen.
        """
        return self._aliases.read(name, CHAMPION).alias

    def has_champion(self, name: str) -> bool:
        """Say whether a model has a champion, be it one that is not believed here."""
        return self._aliases.holds(name, CHAMPION)

    def challenger(self, name: str) -> Alias | None:
        """Return the alias of the latest version registered, None if it became the champion."""
        alias = self._aliases.read(name, CHALLENGER).alias
        if alias is None or alias.version == _version_of(self.champion(name)):
            return None
        return alias if self._holds(name, alias.version) else None

    def read(self, name: str, version: str, sha256: str | None = None) -> Artifact:
        """Return a verified artifact; with `sha256`, only the very one that an alias means.

        Raises VersionUnknown and the ArtifactErrors, also for an artifact that
        was renamed: its manifest is not of the version it is kept under.
        """
        artifact = verify(self._get(name, version), self.trust)
        _check_named(artifact, name, version, sha256)
        return artifact

    def check_there(self, name: str, version: str | None) -> None:
        """Raise ModelUnknown or VersionUnknown where there is no such version, or no champion."""
        if version is None:
            if not self.has_champion(name):
                raise ModelUnknown("no model of that name has a champion")
        elif not any(each.version == version for each in self.versions(name)):
            raise VersionUnknown("the model has no such version")

    def data(self, name: str, version: str) -> bytes:
        """Return a version's own bytes, not verified yet. Raises VersionUnknown."""
        return self._get(name, version)

    def show(self, name: str, version: str) -> Artifact:
        """Return an artifact as `read` does, but let it be made for other library versions."""
        artifact = verify_without_libraries(self._get(name, version), self.trust)
        _check_named(artifact, name, version)
        return artifact

    def read_champion(self, name: str) -> tuple[Alias, Artifact]:
        """Return the champion's alias and its verified artifact; raises ModelUnknown."""
        alias = self.champion(name)
        if alias is None:
            raise ModelUnknown("no model of that name has a champion")
        return alias, self.read(name, alias.version, alias.sha256)

    def register(self, name: str, data: bytes) -> str:
        """Keep an artifact as a new version of a model, make it the challenger, return its id.

        Raises Conflict when there is such a version, AccessError when this
        process cannot sign, and the ArtifactErrors: what could not be read back
        is not taken.
        """
        artifact = verify_without_libraries(data, self.trust)
        version = artifact.manifest.version
        if not is_version(version):
            raise ConfigError("a version's id is 1 to 64 of a-z, 0-9, '_', '.' and '-'")
        _check_named(artifact, check_name(name), version)
        self._aliases.check_can_write(name)
        self._store.put(_key(name, version), data, ABSENT)
        self._challenge(name, Earlier(version, artifact.sha256))
        return version

    def promote(self, name: str, version: str, expected_serial: int | None = None) -> Alias:
        """Make a version the champion and return the alias.

        With `expected_serial` (0: none yet), only while the champion is the one
        of that serial. Raises Conflict when another promotion won.
        """
        held = self._held(name, expected_serial)
        target = Earlier(version, self.read(name, version).sha256)
        if version == _version_of(held.alias) and held.alias is not None:
            return held.alias
        alias = self._aliases.write(name, CHAMPION, target, held, _history(held.alias))
        if not self._holds(name, version):
            with suppress(Conflict):
                self.rollback(name, alias.serial)
            raise VersionUnknown("the version was deleted while it was promoted")
        return alias

    def rollback(self, name: str, expected_serial: int | None = None) -> Alias:
        """Make the previous champion champion again and return the alias.

        Those deleted meanwhile are passed over. Raises Conflict when there is no
        earlier one, or when another promotion won, and ModelUnknown.
        """
        held = self._held(name, expected_serial)
        if held.alias is None:
            self.versions(name)  # which says so if there is no such model
        earlier = list(held.alias.previous) if held.alias else []
        while earlier and not self._holds(name, earlier[-1].version):
            earlier.pop()
        if not earlier:
            raise Conflict("the model has no earlier champion to roll back to")
        target = earlier.pop()
        self.read(name, target.version, target.sha256)
        return self._aliases.write(name, CHAMPION, target, held, tuple(earlier))

    def delete(self, name: str, version: str) -> None:
        """Remove a version; raises Conflict for the champion."""
        data = self._get(name, version)
        self._check_not_champion(name, version)
        self._store.delete(_key(name, version))
        try:
            self._check_not_champion(name, version)
        except Conflict:
            # Promoted between our look and our deed, and a champion must be there.
            self._store.put(_key(name, version), data)
            raise

    def _get(self, name: str, version: str) -> bytes:
        try:
            return self._store.get(_key(name, version)).data
        except (KeyMissing, ValueError):
            raise VersionUnknown("the model has no such version") from None

    def _holds(self, name: str, version: str) -> bool:
        return _key(name, version) in self._store.list(_key(name, version))

    def _held(self, name: str, expected_serial: int | None) -> Held:
        self._aliases.check_can_write(name)
        held = self._aliases.read(name, CHAMPION)
        serial = held.alias.serial if held.alias else 0
        if expected_serial is not None and serial != expected_serial:
            raise Conflict("the champion is not the one expected: another promotion won")
        return held

    def _check_not_champion(self, name: str, version: str) -> None:
        if version == _version_of(self.champion(name)):
            raise Conflict("the version is the champion: promote another before deleting it")

    def _challenge(self, name: str, target: Earlier) -> None:
        """Make the target the challenger; of several at once, the last to get through is."""
        for attempt in range(ATTEMPTS):
            held = self._aliases.read(name, CHALLENGER)
            try:
                self._aliases.write(name, CHALLENGER, target, held)
                return
            except Conflict:
                if attempt + 1 == ATTEMPTS:
                    raise


def _key(name: str, version: str) -> str:
    return f"{check_name(name)}/versions/{version}"


def _version_of(alias: Alias | None) -> str | None:
    return alias.version if alias else None


def _history(alias: Alias | None) -> tuple[Earlier, ...]:
    return (*alias.previous, Earlier(alias.version, alias.sha256)) if alias else ()


def _check_named(artifact: Artifact, name: str, version: str, sha256: str | None = None) -> None:
    said = artifact.manifest
    if (said.name, said.version) != (name, version):
        raise ArtifactUntrusted(
            "the artifact was renamed: its manifest is not of the model and version it is kept as"
        )
    if sha256 not in (None, artifact.sha256):
        raise ArtifactUntrusted(f"the artifact of {name} {version} is not the one promoted")


def _created_at(version: str) -> str | None:
    moment = _moment(version)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _moment(key: str) -> datetime | None:
    """Return when a version was made, if its id tells."""
    made = _MADE.fullmatch(key.rpartition("/")[2])
    try:
        return datetime.strptime(made[1], _MADE_FORMAT).replace(tzinfo=UTC) if made else None
    except ValueError:
        return None
