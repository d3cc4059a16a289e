"""Opening a store, and a registry over it, from settings, as every process does at its start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from errors import ConfigError
from persistence.keys import open_keys
from persistence.registry import Registry
from persistence.stores.folder import FolderStore
from persistence.stores.store import Store

KEYS = "keys"


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
    `key_folder`, or else beside the store's folder. Raises ConfigError and
    DependencyError.
    """
    store = open_store(model_store, store_options)
    folder = key_folder or beside(model_store)
    keys = open_keys(folder, signing_key=signing_key, trusted_keys=trusted_keys)
    return Registry(store, keys.signer, keys.trust)


def open_store(url: str, options: Mapping[str, str] | None = None) -> Store:
    """Return the store at a folder's path, `postgres://…` or `s3://bucket/prefix`.

    `options` are the S3 client's (`endpoint`, `region`, `access_key_id`, …).
    Nothing is connected to yet. Raises ConfigError, or DependencyError when the
    store's library is not installed.
    """
    if url.startswith(("postgres://", "postgresql://")):
        from persistence.stores.postgres import PostgresStore

        return PostgresStore(url)
    if url.startswith("s3://"):
        from persistence.stores.s3 import S3Store

        return S3Store(url, options or {})
    if not url or "://" in url:
        raise ConfigError("a model store is a folder, postgres://… or s3://bucket/prefix")
    return FolderStore(url)


def beside(model_store: str) -> str:
    """Return the key folder of a store: beside its folder, or `keys` when it has none."""
    return KEYS if "://" in model_store else str(Path(model_store).parent / KEYS)
