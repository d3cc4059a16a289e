"""Aliases: swapped once, signed, and never older than what was seen."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from errors import AccessError, ArtifactDamaged, ArtifactUntrusted, Conflict, ModelUnknown
from persistence.aliases import PURPOSE, Alias, Aliases, Earlier
from persistence.latest import Latest
from persistence.seal import PrivateKey, new_key, trust_in
from persistence.stores.memory import MemoryStore
from persistence.stores.store import ABSENT

KEY = "credit/aliases/champion.json"
LATEST = "credit/latest/champion.json"
ONE, TWO = Earlier("v1", "1" * 64), Earlier("v2", "2" * 64)


@pytest.fixture
def kept() -> MemoryStore:
    """The store under the aliases."""
    return MemoryStore()


@pytest.fixture
def aliases(kept: MemoryStore, signer: PrivateKey) -> Aliases:
    """Aliases that are signed."""
    return Aliases(kept, signer, trust_in(signer.public))


def _set(aliases: Aliases, target: Earlier, name: str = "credit") -> Alias:
    return aliases.write(name, "champion", target, aliases.read(name, "champion"))


def test_what_is_written_is_read(aliases: Aliases) -> None:
    assert aliases.read("credit", "champion") == (None, ABSENT)
    written = _set(aliases, ONE)
    assert aliases.read("credit", "champion").alias == written
    assert (written.version, written.sha256) == (ONE.version, ONE.sha256)


def test_the_serial_grows_and_starts_at_the_time(aliases: Aliases) -> None:
    before = int(time.time())
    first = _set(aliases, ONE)
    assert before <= first.serial <= time.time()
    assert _set(aliases, TWO).serial == first.serial + 1


def test_a_swap_against_what_is_no_longer_there_conflicts(aliases: Aliases) -> None:
    held = aliases.read("credit", "champion")
    _set(aliases, ONE)
    with pytest.raises(Conflict):
        aliases.write("credit", "champion", TWO, held)


def test_the_history_is_bounded(aliases: Aliases) -> None:
    earlier = tuple(Earlier(f"v{n}", "0" * 64) for n in range(25))
    held = aliases.read("credit", "champion")
    assert aliases.write("credit", "champion", ONE, held, earlier).previous == earlier[5:]


def test_a_replayed_alias_is_refused(aliases: Aliases, kept: MemoryStore) -> None:
    first = _set(aliases, ONE)
    old = kept.get(KEY).data
    second = _set(aliases, TWO)
    kept.put(KEY, old)
    with pytest.raises(
        ArtifactUntrusted,
        match=f"replayed: its serial is {first.serial}, and {second.serial} was seen",
    ):
        aliases.read("credit", "champion")


def test_another_alias_under_a_serial_seen_is_refused(
    aliases: Aliases, kept: MemoryStore, signer: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a store is put back from a backup and goes another way from there."""
    monkeypatch.setattr(time, "time", lambda: 1795392000.0)
    _set(aliases, ONE)
    kept.delete(KEY)
    kept.delete(LATEST)
    _set(Aliases(kept, signer, trust_in(signer.public)), TWO)
    with pytest.raises(ArtifactUntrusted, match="was replaced under its serial 1795392000"):
        aliases.read("credit", "champion")


def test_a_store_emptied_and_filled_again_is_followed(
    aliases: Aliases, kept: MemoryStore, signer: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(aliases, ONE)
    kept.delete(KEY)
    later = time.time() + 1
    monkeypatch.setattr(time, "time", lambda: later)
    written = _set(Aliases(kept, signer, trust_in(signer.public)), TWO)
    assert aliases.read("credit", "champion").alias == written


@pytest.mark.parametrize("left", ["in the store", "in the folder"])
def test_a_replay_is_refused_by_a_process_that_starts_after_it(
    kept: MemoryStore, signer: PrivateKey, tmp_path: Path, left: str
) -> None:
    def started() -> Aliases:
        folder = tmp_path / "seen"
        return Aliases(kept, signer, trust_in(signer.public), Latest(kept, folder))

    _set(started(), ONE)
    old = kept.get(KEY).data
    _set(started(), TWO)
    kept.put(KEY, old)
    if left == "in the store":
        shutil.rmtree(tmp_path / "seen")
    else:
        kept.put(LATEST, old)
    with pytest.raises(ArtifactUntrusted, match="was replayed"):
        started().read("credit", "champion")


def test_a_clock_that_is_behind_makes_no_serial_that_was_seen(
    aliases: Aliases, kept: MemoryStore, signer: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _set(aliases, ONE).serial
    kept.delete(KEY)
    monkeypatch.setattr(time, "time", lambda: seen - 3600.0)
    other = Aliases(kept, signer, trust_in(signer.public))
    assert _set(other, TWO).serial == seen + 1
    assert aliases.read("credit", "champion").alias is not None


def _unsigned(alias: Alias, _: PrivateKey) -> bytes:
    return msgspec.json.encode({"alias": alias})


def _by_a_stranger(alias: Alias, _: PrivateKey) -> bytes:
    payload = msgspec.json.encode(alias)
    signature = new_key().sign(PURPOSE + payload)
    return msgspec.json.encode({"alias": msgspec.Raw(payload), "signature": signature})


def _without_purpose(alias: Alias, signer: PrivateKey) -> bytes:
    payload = msgspec.json.encode(alias)
    return msgspec.json.encode({"alias": msgspec.Raw(payload), "signature": signer.sign(payload)})


def _altered(alias: Alias, signer: PrivateKey) -> bytes:
    signature = signer.sign(PURPOSE + msgspec.json.encode(alias))
    payload = msgspec.json.encode(msgspec.structs.replace(alias, version="v2"))
    return msgspec.json.encode({"alias": msgspec.Raw(payload), "signature": signature})


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (_unsigned, "the champion alias of credit: it is not signed"),
        (_by_a_stranger, "which is not trusted here"),
        (_without_purpose, "is not good"),
        (_altered, "is not good"),
    ],
)
def test_a_forged_alias_is_refused(
    aliases: Aliases,
    kept: MemoryStore,
    signer: PrivateKey,
    forge: Callable[[Alias, PrivateKey], bytes],
    said: str,
) -> None:
    kept.put(KEY, forge(_set(aliases, ONE), signer))
    with pytest.raises(ArtifactUntrusted, match=said):
        aliases.read("credit", "champion")


@pytest.mark.parametrize("key", ["loans/aliases/champion.json", "credit/aliases/challenger.json"])
def test_an_alias_moved_elsewhere_is_refused(aliases: Aliases, kept: MemoryStore, key: str) -> None:
    _set(aliases, ONE)
    kept.put(key, kept.get(KEY).data)
    name, _, which = key.removesuffix(".json").split("/")
    with pytest.raises(ArtifactUntrusted, match="was written as another one"):
        aliases.read(name, which)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"alias":1', b"\xff", b"[" * 60_000])
def test_what_is_no_alias_is_refused(aliases: Aliases, kept: MemoryStore, data: bytes) -> None:
    kept.put(KEY, data)
    with pytest.raises(ArtifactDamaged, match="the champion alias of credit cannot be read"):
        aliases.read("credit", "champion")


def test_an_alias_too_large_is_refused(aliases: Aliases, kept: MemoryStore) -> None:
    kept.put(KEY, bytes(70_000))
    with pytest.raises(ArtifactDamaged, match="70000 bytes, more than 65536"):
        aliases.read("credit", "champion")


def test_with_public_keys_alone_nothing_is_written(kept: MemoryStore, signer: PrivateKey) -> None:
    aliases = Aliases(kept, None, trust_in(signer.public))
    with pytest.raises(AccessError, match="holds no signing key, so it cannot change credit"):
        _set(aliases, ONE)
    assert kept.list() == []


def test_without_trust_aliases_are_plain(kept: MemoryStore) -> None:
    written = _set(Aliases(kept, None, None), ONE)
    assert b"signature" not in kept.get(KEY).data
    assert Aliases(kept, None, None).read("credit", "champion").alias == written


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "x" * 65, "a\n"])
def test_what_is_no_name_is_an_unknown_model(aliases: Aliases, name: str) -> None:
    with pytest.raises(ModelUnknown):
        aliases.read(name, "champion")
