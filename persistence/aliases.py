"""Aliases: which version of a model is champion, which challenger; signed, with a growing serial.

An alias is one small document in the store, swapped only against the one that
was read. Whoever has seen a serial refuses an older one, also after a restart
(see `latest.py`): yesterday's champion cannot be played back.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from errors import (
    AccessError,
    ArtifactDamaged,
    ArtifactError,
    ArtifactUntrusted,
    KeyMissing,
    ModelUnknown,
)
from persistence.latest import Latest
from persistence.stores.store import ABSENT, Expected, Store
from policy import is_name

if TYPE_CHECKING:
    from persistence.seal import Signer, Trust

# What is signed starts with this, so that no other signed document passes for an alias.
PURPOSE = b"mirante alias\n"

# How many earlier champions an alias remembers, for rolling back.
HISTORY = 20
MAX_BYTES = 1 << 16


class Earlier(msgspec.Struct, frozen=True):
    """A version, and the sha256 (hex) of its artifact."""

    version: str
    sha256: str


class Alias(msgspec.Struct, frozen=True):
    """Which version of a model an alias (`champion`, `challenger`) stands for.

    `sha256` (hex) is that of the whole artifact. `serial` grows with every
    change. `previous` are the earlier champions, the latest last. `changed_at`
    is UTC in ISO 8601 with a Z.
    """

    name: str
    alias: str
    version: str
    sha256: str
    serial: int
    changed_at: str
    previous: tuple[Earlier, ...] = ()


class Held(NamedTuple):
    """What an alias was when it was read, and the tag to swap it against."""

    alias: Alias | None
    tag: str | Expected


class _Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alias as it is stored: its very bytes, and the seal over them."""

    alias: msgspec.Raw
    # Its name in stores is older than its name here.
    seal: str | None = msgspec.field(name="signature", default=None)


class Aliases:
    """The aliases of one store's models, and the latest of each that this process has seen."""

    def __init__(
        self,
        store: Store,
        signer: Signer | None,
        trust: Trust | None,
        latest: Latest | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._trust = trust
        self._latest = latest or Latest(store)
        self._seen: dict[tuple[str, str], Alias] = {}
        self._lock = threading.Lock()

    def read(self, name: str, which: str) -> Held:
        """Return an alias, None in it if there is none.

        Raises ArtifactUntrusted for one that is not signed as it must be, is
        another model's, or is older than one seen before; ArtifactDamaged.
        """
        # Looked up before the store is: another thread may write while this one reads.
        seen = self._newest_seen(check_name(name), which)
        try:
            stored = self._store.get(_key(name, which))
        except KeyMissing:
            return Held(None, ABSENT)
        alias = self._open(stored.data, name, which)
        _check_serial(alias, seen)
        if self._see(alias):
            self._latest.keep(name, which, stored.data, written=False)
        return Held(alias, stored.tag)

    def holds(self, name: str, which: str) -> bool:
        """Say whether the store holds an alias; it is not read."""
        key = _key(name, which)
        return key in self._store.list(key)

    def write(
        self, name: str, which: str, target: Earlier, held: Held, previous: tuple[Earlier, ...] = ()
    ) -> Alias:
        """Swap an alias for one that stands for the target; raises Conflict if it changed since."""
        self.check_can_write(name)
        alias = Alias(
            name=name,
            alias=which,
            version=target.version,
            sha256=target.sha256,
            serial=_next_serial(held.alias, self._newest_seen(name, which)),
            changed_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            previous=previous[-HISTORY:],
        )
        data = self._envelope(alias)
        self._store.put(_key(name, which), data, held.tag)
        self._see(alias)
        self._latest.keep(name, which, data, written=True)
        return alias

    def remembered(self) -> list[str]:
        """Return the names of the models whose champion this machine has seen."""
        return self._latest.names()

    def check_can_write(self, name: str) -> None:
        """Raise AccessError where seals are asked for and nothing here can sign."""
        if self._trust is not None and self._signer is None:
            raise AccessError(
                f"this process holds no signing key, so it cannot change {name}: "
                "set SIGNING_KEY, or do it where the key is"
            )

    def _envelope(self, alias: Alias) -> bytes:
        payload = msgspec.json.encode(alias)
        seal = self._signer.sign(PURPOSE + payload) if self._signer else None
        return msgspec.json.encode(_Envelope(msgspec.Raw(payload), seal))

    def _open(self, data: bytes, name: str, which: str) -> Alias:
        where = f"the {which} alias of {name}"
        if len(data) > MAX_BYTES:
            raise ArtifactDamaged(f"{where} has {len(data)} bytes, more than {MAX_BYTES}")
        try:
            envelope = msgspec.json.decode(data, type=_Envelope)
            if self._trust is not None:
                self._trust.check(PURPOSE + bytes(envelope.alias), envelope.seal)
            alias = msgspec.json.decode(envelope.alias, type=Alias)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            raise ArtifactDamaged(f"{where} cannot be read") from None
        except ArtifactUntrusted as error:
            raise ArtifactUntrusted(f"{where}: {error}") from None
        if (alias.name, alias.alias) != (name, which):
            raise ArtifactUntrusted(f"{where} was written as another one")
        return alias

    def _newest_seen(self, name: str, which: str) -> Alias | None:
        """Return what this process has seen, or at first what was remembered before it."""
        seen = self._seen.get((name, which))
        if seen is not None:
            return seen
        for data in self._latest.copies(name, which):
            # A copy that nobody trusted has sealed tells nothing.
            with suppress(ArtifactError):
                self._see(self._open(data, name, which))
        return self._seen.get((name, which))

    def _see(self, alias: Alias) -> bool:
        """Remember an alias; return whether it is newer than the one seen before."""
        with self._lock:
            seen = self._seen.get((alias.name, alias.alias))
            newer = seen is None or seen.serial < alias.serial
            if newer:
                self._seen[alias.name, alias.alias] = alias
            return newer


def check_name(name: str) -> str:
    """Return a model's name if it is one; raises ModelUnknown."""
    if not is_name(name):
        raise ModelUnknown(
            "no model of that name is registered: a name is 1 to 64 of a-z, 0-9, '_' and '-'"
        )
    return name


def _check_serial(alias: Alias, seen: Alias | None) -> None:
    where = f"the {alias.alias} alias of {alias.name}"
    if seen is not None and alias.serial < seen.serial:
        raise ArtifactUntrusted(
            f"{where} was replayed: its serial is {alias.serial}, and {seen.serial} was seen"
        )
    if seen is not None and alias.serial == seen.serial and alias != seen:
        raise ArtifactUntrusted(f"{where} was replaced under its serial {alias.serial}")


def _key(name: str, which: str) -> str:
    return f"{check_name(name)}/aliases/{which}.json"


def _next_serial(held: Alias | None, seen: Alias | None) -> int:
    if held is not None:
        return held.serial + 1
    # The first serial is the time, so that a store emptied and filled again is
    # ahead of what running processes have seen of it, not behind; and it is ahead of what
    # was seen here, whatever the clock says.
    return max(int(time.time()), seen.serial + 1 if seen else 0)
