"""What the tests of clusters share."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.conftest import require
from tests.learning.beyond.clusters import INSTALL_DASK, processes


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """A scheduler and two workers that no test harms."""
    require(find_spec("distributed") is not None, "Dask", INSTALL_DASK)
    with processes(tmp_path_factory.mktemp("workers")) as found:
        yield found


@pytest.fixture
def mortal(tmp_path):
    """A scheduler and two workers that a test may kill."""
    require(find_spec("distributed") is not None, "Dask", INSTALL_DASK)
    with processes(tmp_path) as found:
        yield found
