"""Copying champions: sealed again for the other store, once, and only what is believed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from errors import ArtifactUntrusted
from persistence.copying import copy_champions, has_champion
from persistence.opening import open_registry, open_store
from persistence.registry import Registry
from persistence.seal import PrivateKey, new_key, trust_in
from persistence.stores.store import Store
from tests.persistence.artifacts import make_artifact


@pytest.fixture
def source(tmp_path: Path) -> Registry:
    """A slug's registry: a champion, an older version, and a model without a champion."""
    registry = open_registry(str(tmp_path / "slug" / "models"))
    for name, version in (("credit", "v1"), ("credit", "v2"), ("iris", "v1")):
        registry.register(name, make_artifact(version, name, registry.signer))
    registry.promote("credit", "v2")
    return registry


def target_over(store: Store, signer: PrivateKey) -> Registry:
    return Registry(store, signer, trust_in(signer.public))


def test_champions_alone_are_copied_and_sealed_by_the_other_key(
    source: Registry, store: Store, signer: PrivateKey
) -> None:
    target = target_over(store, signer)
    assert not has_champion(target)
    assert copy_champions(source, target) == ["credit"]
    assert has_champion(target)
    assert target.names() == ["credit"]
    alias, artifact = target.read_champion("credit")
    assert (alias.version, artifact.signed_by) == ("v2", signer.key_id)
    assert dict(artifact.members) == dict(source.read("credit", "v2").members)


def test_a_champion_that_is_there_stays(source: Registry, store: Store, signer: PrivateKey) -> None:
    target = target_over(store, signer)
    target.register("credit", make_artifact("v9", signer=signer))
    target.promote("credit", "v9")
    assert copy_champions(source, target) == []
    champion = target.champion("credit")
    assert champion is not None
    assert champion.version == "v9"


def test_of_many_at_once_one_copies(source: Registry, tmp_path: Path, signer: PrivateKey) -> None:
    folder = str(tmp_path / "shared")
    targets = [target_over(open_store(folder), signer) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        copied = list(pool.map(lambda target: copy_champions(source, target), targets))
    assert sorted(copied) == [[]] * 5 + [["credit"]]
    assert targets[0].read_champion("credit")[0].version == "v2"


def test_a_copy_stopped_half_way_is_finished(
    source: Registry, store: Store, signer: PrivateKey
) -> None:
    target = target_over(store, signer)
    target.register("credit", make_artifact("v2", signer=signer))
    assert not has_champion(target)
    assert copy_champions(source, target) == ["credit"]


def test_a_champion_that_nobody_here_believes_is_one(store: Store, signer: PrivateKey) -> None:
    target = target_over(store, signer)
    target.register("credit", make_artifact(signer=signer))
    target.promote("credit", "v1")
    assert has_champion(target_over(store, new_key()))


def test_what_the_source_does_not_believe_is_not_copied(
    source: Registry, store: Store, signer: PrivateKey, tmp_path: Path
) -> None:
    doubting = target_over(open_store(str(tmp_path / "slug" / "models")), new_key())
    with pytest.raises(ArtifactUntrusted):
        copy_champions(doubting, target_over(store, signer))
