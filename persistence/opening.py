"""Opening a store, and a registry over it, from settings, as every process does at its start."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from errors import ConfigError
from persistence.keys import KeyFolder, open_keys
from persistence.latest import Latest
from persistence.registry import Registry
from persistence.seal import PublicKeys, Trust
from persistence.stores.folder import FolderStore
from persistence.stores.store import Store

KEYS = "keys"
# In the key folder: the newest aliases that this machine has seen.
SEEN = "seen"
# The folder of the code: keys kept in it are believed as the code is, by a store in it.
CODE = Path(__file__).resolve().parent.parent


def open_registry(
    model_store: str,
    *,
    key_folder: str = "",
    signing_key: str = "",
    trusted_keys: Sequence[str] = (),
    store_options: Mapping[str, str] | None = None,
) -> Registry:
    """Return the registry over a store, with the keys given or those kept beside it.

    Nothing is connected to yet; without keys a pair is made on first use, in
    `key_folder`, or else beside the store's folder. A store elsewhere outlives
    this disk, and so must its keys: without any that are named it is refused.
    Raises ConfigError and DependencyError.
    """
    store = open_store(model_store, store_options)
    if is_elsewhere(model_store) and not (key_folder or signing_key or trusted_keys):
        raise ConfigError(
            "the model store outlives this disk, and keys made here would not: set SIGNING_KEY; "
            "on Heroku: heroku config:set SIGNING_KEY=$(openssl rand -hex 32) "
            "(or KEY_FOLDER, a folder that is kept)"
        )
    folder = Path(key_folder or beside(model_store))
    keys = open_keys(folder, signing_key=signing_key, trusted_keys=trusted_keys)
    trust = keys.trust if is_elsewhere(model_store) else _with_own(keys.trust, folder)
    # Keys that are given leave no folder here, and then the store alone remembers.
    seen = folder / SEEN / _named(model_store) if folder.is_dir() else None
    return Registry(store, keys.signer, trust, Latest(store, seen))


def _named(model_store: str) -> str:
    """Return a store's name for a folder: what one store has shown is not asked of another.

    A password in its address is none of it, since passwords change.
    """
    if is_elsewhere(model_store):
        parts = urlsplit(model_store)
        where = f"{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}"
    else:
        where = str(Path(model_store).resolve())
    return hashlib.sha256(where.encode()).hexdigest()[:16]


def _with_own(trust: Trust, folder: Path) -> Trust:
    """Return trust that also believes the keys in the code's folder, where a build has left some.

    A slug's model is signed by keys that its build made: it is served whatever
    SIGNING_KEY is set later. Whoever can write there can write the code.
    """
    if folder.resolve().parent != CODE or not isinstance(trust, PublicKeys):
        return trust
    return trust.joined(KeyFolder(folder).believed())


def open_store(
    url: str, options: Mapping[str, str] | None = None, table: str = "model_store"
) -> Store:
    """Return the store at a folder's path, `postgres://…` or `s3://bucket/prefix`.

    `options` are the S3 client's (`endpoint`, `region`, `access_key_id`, …), and `table` is
    that of a database.
    Nothing is connected to yet. Raises ConfigError, or DependencyError when the
    store's library is not installed.
    """
    if url.startswith(("postgres://", "postgresql://")):
        from persistence.stores.postgres import PostgresStore

        return PostgresStore(url, table)
    if url.startswith("s3://"):
        from persistence.stores.s3 import S3Store

        return S3Store(url, options or {})
    if not url or "://" in url:
        raise ConfigError("a model store is a folder, postgres://… or s3://bucket/prefix")
    return FolderStore(url)


def is_elsewhere(model_store: str) -> bool:
    """Say whether a store is not a folder of this machine."""
    return "://" in model_store


def beside(model_store: str) -> str:
    """Return the key folder of a store: beside its folder, or `keys` when it has none."""
    return KEYS if is_elsewhere(model_store) else str(Path(model_store).parent / KEYS)
