"""The bucket of the tests of scoring."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.conftest import require
from tests.servers import INSTALL_S3, S3Server, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server for the whole session."""
    require(bool(find_spec("moto") and find_spec("obstore")), "an S3 store's test", INSTALL_S3)
    with s3_server() as server:
        yield server
