"""Where a request may have tables read and answers written: beneath roots that are set."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from errors import RecipeError
from scoring.buckets import SCHEME

_EXPECTED = "expected an absolute path or s3://bucket/key beneath one of SCORE_ROOTS"
# Of a bucket's name and its keys; an address has neither a query nor a port.
_ADDRESS = re.compile(
    r"s3://[a-z0-9][a-z0-9.-]{1,62}(/[A-Za-z0-9_.=*\[\]-][A-Za-z0-9 _.=*?\[\]-]*)+"
)


def check_beneath(address: str, roots: Sequence[str], field: str) -> str:
    """Return a path or an address in a bucket that is beneath a root. Raises RecipeError.

    Links are followed before they are compared: one that leads out of a root is refused as any
    other path out of it is. `field` is what the refusal names.
    """
    if not roots:
        raise RecipeError(f"{field}: this service reads and writes no addresses (SCORE_ROOTS)")
    if address.startswith(SCHEME):
        if _is_plain(address) and any(_within_bucket(address, root) for root in roots):
            return address
    elif address.startswith("/") and "\0" not in address:
        found = os.path.realpath(address)
        if any(_within_folder(found, root) for root in roots if not root.startswith(SCHEME)):
            return found
    raise RecipeError(f"{field}: {_EXPECTED}")


def _is_plain(address: str) -> bool:
    return _ADDRESS.fullmatch(address) is not None and ".." not in address


def _within_bucket(address: str, root: str) -> bool:
    """Whether an address is beneath a root, whose last segment is whole."""
    return root.startswith(SCHEME) and address.startswith(root.rstrip("/") + "/")


def _within_folder(path: str, root: str) -> bool:
    folder = os.path.realpath(root)
    return folder != os.sep and path.startswith(folder.rstrip(os.sep) + os.sep)
