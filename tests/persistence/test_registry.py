"""The registry: versions, champions, races and crashes, over every store."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from errors import (
    AccessError,
    ArtifactDamaged,
    ArtifactUntrusted,
    ConfigError,
    Conflict,
    LibraryMismatch,
    ModelUnknown,
    VersionUnknown,
)
from persistence.registry import Registry, new_version
from persistence.seal import PrivateKey, new_key, trust_in
from persistence.stores.folder import FolderStore
from persistence.stores.memory import MemoryStore
from persistence.stores.store import Expected, Store
from tests.persistence.artifacts import make_artifact


@pytest.fixture
def registry(store: Store, signer: PrivateKey) -> Registry:
    """A registry of signed models over each kind of store."""
    return Registry(store, signer, trust_in(signer.public))


@pytest.fixture
def quick(signer: PrivateKey) -> Registry:
    """A registry of signed models in memory."""
    return Registry(MemoryStore(), signer, trust_in(signer.public))


def _register(registry: Registry, *versions: str, name: str = "credit") -> None:
    for version in versions:
        assert registry.register(name, make_artifact(version, name, registry.signer)) == version


def _champion(registry: Registry, name: str = "credit") -> str | None:
    alias = registry.champion(name)
    return alias.version if alias else None


def _challenger(registry: Registry, name: str = "credit") -> str | None:
    alias = registry.challenger(name)
    return alias.version if alias else None


# ------------------------------------------------------------ over every store


def test_the_story_of_a_model(registry: Registry) -> None:
    assert registry.names() == []
    assert registry.champion("credit") is None
    _register(registry, "v1", "v2")
    assert (_champion(registry), _challenger(registry)) == (None, "v2")
    first = registry.promote("credit", "v1", 0)
    assert (_champion(registry), _challenger(registry)) == ("v1", "v2")
    second = registry.promote("credit", "v2", first.serial)
    assert (_champion(registry), _challenger(registry)) == ("v2", None)
    alias, artifact = registry.read_champion("credit")
    assert (alias, artifact.sha256) == (second, second.sha256)
    back = registry.rollback("credit", second.serial)
    assert (_champion(registry), _challenger(registry)) == ("v1", "v2")
    assert first.serial < second.serial < back.serial
    registry.delete("credit", "v2")
    assert (_champion(registry), _challenger(registry)) == ("v1", None)
    assert [v.version for v in registry.versions("credit")] == ["v1"]
    assert registry.names() == ["credit"]


def test_versions_are_listed_without_reading_them(registry: Registry, store: Store) -> None:
    early = new_version(datetime(2026, 11, 23, 0, 11, 55, tzinfo=UTC), "3fa9c1")
    late = new_version(datetime(2026, 12, 1, tzinfo=UTC), "000000")
    _register(registry, late, early, "named")
    registry.promote("credit", early)
    size = len(make_artifact(early, signer=registry.signer))
    listed = registry.versions("credit")
    assert listed[0] == ("20261123t001155z-3fa9c1", "2026-11-23T00:11:55Z", size, True, False)
    assert [(v.version, v.created_at) for v in listed[1:]] == [
        (late, "2026-12-01T00:00:00Z"),
        ("named", None),
    ]
    assert [v.challenger for v in listed] == [False, False, True]
    store.put(f"credit/versions/{late}", b"not an artifact")
    assert [v.version for v in registry.versions("credit")] == [early, late, "named"]


@pytest.mark.parametrize("with_serial", [True, False])
def test_of_many_promotions_at_once_one_wins(registry: Registry, with_serial: bool) -> None:
    versions = [f"v{n}" for n in range(6)]
    _register(registry, "first", *versions)
    serial = registry.promote("credit", "first").serial
    expected = serial if with_serial else None

    def attempt(version: str) -> str | None:
        try:
            return registry.promote("credit", version, expected).version
        except Conflict:
            return None

    with ThreadPoolExecutor(6) as pool:
        winners = [version for version in pool.map(attempt, versions) if version]
    alias = registry.champion("credit")
    assert alias is not None
    assert alias.version in winners
    assert alias.serial == serial + len(winners)
    assert len(winners) == 1 or not with_serial


def test_many_registrations_at_once_are_all_kept(registry: Registry) -> None:
    versions = [f"v{n}" for n in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda version: _register(registry, version), versions))
    assert [v.version for v in registry.versions("credit")] == versions
    assert _challenger(registry) in versions


# ------------------------------------------------------------ rules


def test_a_challenger_is_tried_ten_times(quick: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def lose(*_: Any) -> None:
        tries.append(1)
        raise Conflict("another was quicker")

    monkeypatch.setattr(quick._aliases, "write", lose)
    with pytest.raises(Conflict):
        _register(quick, "v1")
    assert len(tries) == 10


def test_a_version_is_registered_once(quick: Registry) -> None:
    _register(quick, "v1")
    with pytest.raises(Conflict):
        _register(quick, "v1")


def test_models_are_strangers(quick: Registry) -> None:
    _register(quick, "v1")
    _register(quick, "v1", name="credit-2")
    quick.promote("credit-2", "v1")
    assert quick.names() == ["credit", "credit-2"]
    assert _champion(quick) is None


def test_promoting_the_champion_again_changes_nothing(quick: Registry) -> None:
    _register(quick, "v1")
    alias = quick.promote("credit", "v1")
    assert quick.promote("credit", "v1") == alias
    with pytest.raises(Conflict, match="no earlier champion"):
        quick.rollback("credit")


@pytest.mark.parametrize(
    "change", [lambda r: r.promote("credit", "v2", 0), lambda r: r.rollback("credit", 1)]
)
def test_an_old_serial_conflicts(quick: Registry, change: Callable[[Registry], Any]) -> None:
    _register(quick, "v1", "v2")
    quick.promote("credit", "v1")
    with pytest.raises(Conflict, match="another promotion won"):
        change(quick)


def test_rolling_back_goes_on_backwards(quick: Registry) -> None:
    _register(quick, "v1", "v2", "v3")
    for version in ("v1", "v2", "v3"):
        quick.promote("credit", version)
    quick.delete("credit", "v2")
    assert quick.rollback("credit").version == "v1"
    with pytest.raises(Conflict, match="no earlier champion"):
        quick.rollback("credit")


def test_the_champion_is_not_deleted(quick: Registry) -> None:
    _register(quick, "v1")
    quick.promote("credit", "v1")
    with pytest.raises(Conflict, match="is the champion"):
        quick.delete("credit", "v1")
    assert quick.read("credit", "v1").manifest.version == "v1"


@pytest.mark.parametrize("version", ["v9", "", "..", "a/b", "../../champion", "x" * 65, "V"])
def test_an_unknown_version_is_said_so(quick: Registry, version: str) -> None:
    _register(quick, "v1")
    for use in (quick.read, quick.show, quick.promote, quick.delete):
        with pytest.raises(VersionUnknown):
            use("credit", version)


@pytest.mark.parametrize("name", ["loans", "", "..", "Credit", "a/b", "x" * 65])
def test_an_unknown_model_is_said_so(quick: Registry, name: str) -> None:
    with pytest.raises(ModelUnknown):
        quick.versions(name)
    with pytest.raises(ModelUnknown):
        quick.read_champion(name)


@pytest.mark.parametrize(("name", "version"), [("credit", "V 1"), ("credit", "x" * 65)])
def test_what_is_no_version_is_not_registered(quick: Registry, name: str, version: str) -> None:
    with pytest.raises(ConfigError):
        _register(quick, version, name=name)


def test_a_version_for_other_libraries_is_shown_and_not_promoted(quick: Registry) -> None:
    quick.register("credit", make_artifact("v1", signer=quick.signer, needs=("scikit-learn",)))
    assert quick.show("credit", "v1").manifest.needs == ("scikit-learn",)
    with pytest.raises(LibraryMismatch):
        quick.promote("credit", "v1")
    assert _champion(quick) is None


def test_version_ids_sort_by_time_and_differ() -> None:
    moments = [datetime(2026, 11, 23, 0, 0, s, tzinfo=UTC) for s in (1, 2, 10)]
    ids = [new_version(moment) for moment in moments]
    assert ids == sorted(ids)
    assert new_version(moments[0]) != new_version(moments[0])


def test_a_clock_that_is_behind_makes_no_version_older_than_the_newest(quick: Registry) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    newest = quick.new_version("credit", now)
    _register(quick, newest)
    late = quick.new_version("credit", now - timedelta(hours=1))
    assert late > newest
    _register(quick, late)
    assert [info.version for info in quick.versions("credit")] == [newest, late]
    assert quick.new_version("iris", now) < late


# ------------------------------------------------------------ trust


def test_a_renamed_artifact_is_refused(quick: Registry) -> None:
    store = quick._store
    data = make_artifact("v1", signer=quick.signer)
    for key in ("credit/versions/v2", "loans/versions/v1"):
        store.put(key, data)
        name, _, version = key.split("/")
        with pytest.raises(ArtifactUntrusted, match="renamed"):
            quick.read(name, version)
        with pytest.raises(ArtifactUntrusted, match="renamed"):
            quick.promote(name, version)
    with pytest.raises(ArtifactUntrusted, match="renamed"):
        quick.register("loans", data)


def test_an_artifact_that_is_not_the_one_promoted_is_refused(quick: Registry) -> None:
    _register(quick, "v1")
    quick.promote("credit", "v1")
    other = make_artifact("v1", signer=quick.signer, training_rows=1)
    quick._store.put("credit/versions/v1", other)
    with pytest.raises(ArtifactUntrusted, match="is not the one promoted"):
        quick.read_champion("credit")


@pytest.mark.parametrize("by", [None, new_key()])
def test_what_nobody_trusted_signed_is_not_registered(
    quick: Registry, by: PrivateKey | None
) -> None:
    with pytest.raises(ArtifactUntrusted):
        quick.register("credit", make_artifact("v1", signer=by))
    assert quick.names() == []


def test_what_is_damaged_is_not_registered(quick: Registry) -> None:
    with pytest.raises(ArtifactDamaged, match="10 of its"):
        quick.register("credit", make_artifact("v1", signer=quick.signer)[:-10])


def test_a_replayed_champion_is_refused_by_who_saw_a_newer_one(quick: Registry) -> None:
    _register(quick, "v1", "v2")
    quick.promote("credit", "v1")
    old = quick._store.get("credit/aliases/champion.json").data
    quick.promote("credit", "v2")
    quick._store.put("credit/aliases/champion.json", old)
    with pytest.raises(ArtifactUntrusted, match="replayed"):
        quick.champion("credit")


def test_a_replayed_champion_is_refused_after_a_restart(signer: PrivateKey, store: Store) -> None:
    def started() -> Registry:
        return Registry(store, signer, trust_in(signer.public))

    _register(started(), "v1", "v2")
    started().promote("credit", "v1")
    old = store.get("credit/aliases/champion.json").data
    started().promote("credit", "v2")
    store.put("credit/aliases/champion.json", old)
    with pytest.raises(ArtifactUntrusted, match="was replayed"):
        started().champion("credit")


def test_with_public_keys_alone_everything_is_read_and_nothing_changed(
    quick: Registry, signer: PrivateKey
) -> None:
    _register(quick, "v1", "v2")
    quick.promote("credit", "v1")
    reader = Registry(quick._store, None, trust_in(signer.public))
    assert reader.read_champion("credit")[1].signed_by == signer.key_id
    more = make_artifact("v3", signer=signer)
    for change in (
        lambda: reader.promote("credit", "v2"),
        lambda: reader.rollback("credit"),
        lambda: reader.register("credit", more),
    ):
        with pytest.raises(AccessError, match="no signing key"):
            change()
    assert [v.version for v in reader.versions("credit")] == ["v1", "v2"]


# ------------------------------------------------------------ races and crashes


class _Meddled(MemoryStore):
    """A store in which somebody else does something just before a given deed."""

    meddle: Callable[[], object] | None = None
    before: tuple[str, str] = ("", "")

    def _meddle(self, deed: str, key: str) -> None:
        if self.meddle is not None and self.before == (deed, key):
            meddle, self.meddle = self.meddle, None
            meddle()

    def put(self, key: str, data: bytes, expected: Expected | str = Expected.ANY) -> str:
        """Let somebody meddle, then put."""
        self._meddle("put", key)
        return super().put(key, data, expected)

    def delete(self, key: str) -> None:
        """Let somebody meddle, then delete."""
        self._meddle("delete", key)
        super().delete(key)


@pytest.fixture
def meddled(signer: PrivateKey) -> tuple[_Meddled, Registry]:
    """A meddled store with two versions, the first of them champion, and its registry."""
    store = _Meddled()
    registry = Registry(store, signer, trust_in(signer.public))
    _register(registry, "v1", "v2")
    registry.promote("credit", "v1")
    return store, registry


def test_a_version_promoted_while_it_is_deleted_stays(meddled: tuple[_Meddled, Registry]) -> None:
    store, registry = meddled
    store.before = ("delete", "credit/versions/v2")
    store.meddle = lambda: registry.promote("credit", "v2")
    with pytest.raises(Conflict, match="is the champion"):
        registry.delete("credit", "v2")
    assert registry.read_champion("credit")[1].manifest.version == "v2"


def test_a_version_deleted_while_it_is_promoted_is_no_champion(
    meddled: tuple[_Meddled, Registry],
) -> None:
    store, registry = meddled
    store.before = ("put", "credit/aliases/champion.json")
    store.meddle = lambda: registry.delete("credit", "v2")
    with pytest.raises(VersionUnknown, match="deleted while"):
        registry.promote("credit", "v2")
    assert registry.read_champion("credit")[1].manifest.version == "v1"


def test_a_promotion_in_between_wins(meddled: tuple[_Meddled, Registry]) -> None:
    store, registry = meddled
    _register(registry, "v3")
    store.before = ("put", "credit/aliases/champion.json")
    store.meddle = lambda: registry.promote("credit", "v3")
    with pytest.raises(Conflict):
        registry.promote("credit", "v2")
    assert _champion(registry) == "v3"


def test_a_process_killed_anywhere_leaves_a_champion_that_can_be_read(
    tmp_path: Path, signer: PrivateKey
) -> None:
    """Children register, promote and roll back until they are killed."""
    trust = trust_in(signer.public)
    registry = Registry(FolderStore(tmp_path), signer, trust)
    _register(registry, "v0")
    serial = registry.promote("credit", "v0").serial
    for generation in range(20):
        child = os.fork()
        if not child:
            _work_until_killed(tmp_path, signer, generation)
        time.sleep(0.02 + 0.004 * (generation % 5))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        alias, artifact = registry.read_champion("credit")
        assert alias.serial >= serial
        assert artifact.manifest.version == alias.version
        listed = registry.versions("credit")
        assert all(registry.read("credit", v.version) for v in listed)
        serial = alias.serial
    assert len(listed) > 1, "no child ever got through"
    _register(registry, "zzz")
    assert registry.promote("credit", "zzz").serial == serial + 1


def _work_until_killed(folder: Path, signer: PrivateKey, generation: int) -> None:
    try:
        registry = Registry(FolderStore(folder), signer, trust_in(signer.public))
        for number in range(10_000):
            version = f"v{generation}-{number}"
            _register(registry, version)
            registry.promote("credit", version)
            registry.rollback("credit")
    finally:
        os._exit(1)
