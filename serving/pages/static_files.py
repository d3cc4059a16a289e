"""The files beside the pages: served under a name that has their content's digest in it.

Such a name never means other bytes, so a browser keeps the file for a year and does not ask again.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static"
# Nothing but these is ever served, whatever lies beside them.
TYPES = {
    "mirante.css": "text/css; charset=utf-8",
    "mirante.svg": "image/svg+xml",
    "page.js": "text/javascript; charset=utf-8",
    "work.js": "text/javascript; charset=utf-8",
}
PREFIX = "/pages/"


class StaticFile(NamedTuple):
    """A file as it is sent."""

    body: bytes
    packed: bytes
    media: str


@cache
def files() -> dict[str, StaticFile]:
    """Return each file by the name that it is served under."""
    return {served_name(name): _read(name) for name in TYPES}


@cache
def served_name(name: str) -> str:
    """Return the name of a file with its content's digest in it."""
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:16]
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{digest}.{ending}"


def address(name: str) -> str:
    """Return the address of a file."""
    return PREFIX + served_name(name)


def _read(name: str) -> StaticFile:
    body = (FOLDER / name).read_bytes()
    return StaticFile(body, gzip.compress(body, 9, mtime=0), TYPES[name])
