"""Opening a registry: which store, and whose keys."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from pathlib import Path

import pytest

from errors import AccessError, ArtifactUntrusted, ConfigError
from persistence import opening
from persistence.keys import KeyFolder
from persistence.opening import beside, open_registry, open_store
from persistence.registry import Registry
from persistence.seal import read_private
from tests.conftest import require
from tests.persistence.artifacts import make_artifact
from tests.servers import INSTALL_S3

SECRET = secrets.token_hex(32)  # as a platform's generator of secrets makes them
PUBLIC = read_private(SECRET).public


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


ELSEWHERE = ("postgres://u:geheim@h/d", "s3://geheim/prefix")


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_store_elsewhere_wants_keys_that_last_as_long(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    require(url.startswith("postgres") or bool(find_spec("obstore")), "obstore", INSTALL_S3)
    with pytest.raises(ConfigError) as refused:
        open_registry(url)
    line = str(refused.value)
    assert "heroku config:set SIGNING_KEY=$(openssl rand -hex 32)" in line
    assert "\n" not in line
    assert "geheim" not in line
    assert list(tmp_path.iterdir()) == []
    for keys in ({"signing_key": SECRET}, {"key_folder": "keys"}, {"trusted_keys": (PUBLIC,)}):
        open_registry(url, **keys)


def test_keys_in_the_folder_of_the_code_are_believed_beside_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = str(tmp_path / "models")
    version = register(open_registry(models))
    with pytest.raises(ArtifactUntrusted):
        open_registry(models, signing_key=SECRET).read("credit", version)
    monkeypatch.setattr(opening, "CODE", tmp_path)
    registry = open_registry(models, signing_key=SECRET)
    assert registry.read("credit", version).manifest.version == version
    assert registry.signer.public == PUBLIC  # type: ignore[union-attr]
    KeyFolder(tmp_path / "keys").rotate()
    old = KeyFolder(tmp_path / "keys").believed().keys
    for key_id in list(old)[:1]:
        KeyFolder(tmp_path / "keys").revoke(key_id)
    with pytest.raises(ArtifactUntrusted, match="revoked"):
        open_registry(models, signing_key=SECRET).read("credit", version)


def test_the_folder_of_the_code_is_this_tree(root: Path) -> None:
    assert root == opening.CODE


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


def test_what_one_store_has_shown_is_remembered_for_it_alone(tmp_path: Path) -> None:
    folders = [str(tmp_path / "one"), str(tmp_path / "two")]
    first = open_registry(folders[0])
    first.register("credit", make_artifact("v1", "credit", first.signer))
    first.promote("credit", "v1")
    assert open_registry(folders[0]).remembered() == ["credit"]
    assert open_registry(folders[1]).remembered() == []
