"""Stores of every kind, the servers they need, and an artifact to keep in them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from persistence.opening import open_store
from persistence.seal import PrivateKey, new_key
from persistence.stores.store import Store
from tests.conftest import require
from tests.servers import (
    INSTALL_POSTGRES,
    INSTALL_S3,
    PostgresServer,
    S3Server,
    find_postgres,
    postgres_server,
    s3_server,
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session."""
    require(find_postgres() is not None, "PostgreSQL", INSTALL_POSTGRES)
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server for the whole session."""
    require(bool(find_spec("moto") and find_spec("obstore")), "an S3 store's test", INSTALL_S3)
    with s3_server() as server:
        yield server


@pytest.fixture(params=["memory", "folder", "postgres", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, one of each kind in turn."""
    from persistence.stores.memory import MemoryStore

    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "folder":
        yield open_store(str(tmp_path / "models"))
    elif request.param == "postgres":
        yield from _emptied(open_store(request.getfixturevalue("postgres").url))
    else:
        server: S3Server = request.getfixturevalue("s3")
        yield open_store(f"{server.url}/{secrets.token_hex(4)}", server.client_options)


def _emptied(store: Store) -> Iterator[Store]:
    for key in store.list():
        store.delete(key)
    yield store


@pytest.fixture
def signer() -> PrivateKey:
    """A private key of the test's own."""
    return new_key()
