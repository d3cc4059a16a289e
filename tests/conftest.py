"""What every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def require(available: bool, what: str, install: str) -> None:
    """Skip the test when an optional part is not on this machine, saying how to install it.

    Under REQUIRE_ALL=1, as in `.ci/run`, the missing part fails the test instead:
    there a skip would be a test that nobody runs.
    """
    if available:
        return
    reason = f"{what} is not installed; to install it: {install}"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def root() -> Path:
    """The repository's top folder."""
    return ROOT
