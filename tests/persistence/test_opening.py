"""Opening a registry: which store, and whose keys."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from errors import AccessError, ArtifactUntrusted, ConfigError
from persistence.opening import beside, open_registry, open_store
from persistence.registry import Registry
from tests.persistence.artifacts import make_artifact

SECRET = secrets.token_hex(32)  # as a platform's generator of secrets makes them


def register(registry: Registry) -> str:
    return registry.register("credit", make_artifact(signer=registry.signer))


def test_models_are_signed_by_a_pair_that_is_kept_beside_the_store(tmp_path: Path) -> None:
    models = str(tmp_path / "models")
    version = register(open_registry(models))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["keys", "models"]
    assert open_registry(models).read("credit", version).manifest.version == version


def test_the_key_folder_can_be_elsewhere(tmp_path: Path) -> None:
    open_registry(str(tmp_path / "models"), key_folder=str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "signing.pem").exists()
    assert not (tmp_path / "keys").exists()


def test_a_generated_secret_is_a_key_and_leaves_no_folder(tmp_path: Path) -> None:
    models = str(tmp_path / "models")
    version = register(open_registry(models, signing_key=SECRET))
    assert not (tmp_path / "keys").exists()
    again = open_registry(models, signing_key=SECRET)
    assert again.read("credit", version).manifest.version == version
    other = open_registry(models, signing_key=secrets.token_hex(32))
    with pytest.raises(ArtifactUntrusted):
        other.read("credit", version)


def test_public_keys_alone_verify_and_do_not_sign(tmp_path: Path) -> None:
    models = str(tmp_path / "models")
    signing = open_registry(models, signing_key=SECRET)
    version = register(signing)
    assert signing.signer is not None
    public = signing.signer.public  # type: ignore[attr-defined]
    reading = open_registry(models, trusted_keys=(public,))
    assert reading.read("credit", version).manifest.version == version
    with pytest.raises(AccessError):
        reading.promote("credit", version)


def test_a_store_that_there_is_not_is_a_setting_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        open_registry("ftp://example.org/models", key_folder=str(tmp_path))


@pytest.mark.parametrize(
    ("store", "folder"),
    [("models", "keys"), ("/srv/x/models", "/srv/x/keys"), ("postgres://h/d", "keys")],
)
def test_where_keys_are_kept(store: str, folder: str) -> None:
    assert beside(store) == folder


def test_open_store_knows_its_store_by_the_url(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "models"))
    store.put("credit", b"one")
    assert (tmp_path / "models" / "credit").read_bytes() == b"one"


@pytest.mark.parametrize("url", ["", "ftp://host/x", "s3:///prefix"])
def test_open_store_refuses_other_urls(url: str) -> None:
    with pytest.raises(ConfigError, match="s3://bucket"):
        open_store(url)


def test_opening_writes_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "models"))
    assert store.list() == []
    assert list(tmp_path.iterdir()) == []
