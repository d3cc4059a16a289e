"""Members of an artifact that are JSON of one type: written by training, read by who serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from errors import ArtifactDamaged

T = TypeVar("T")


def read_member(members: Mapping[str, bytes], name: str, kind: type[T]) -> T | None:
    """Return what a member holds, None where the artifact has none. Raises ArtifactDamaged."""
    if name not in members:
        return None
    try:
        return msgspec.json.decode(members[name], type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise ArtifactDamaged(f"the artifact's {name} is not what this release writes") from None
