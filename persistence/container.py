"""The layout of an artifact's file: a plain zip, written one way, and read back only that way.

Members are stored and not compressed, so that any tool can look into the file;
yet a file that is not, byte for byte, what `lay_out` writes of its members is
refused. That leaves nothing to hide in: no comment, no gap, no second directory.

The zip is as PKWARE's APPNOTE 6.3 has it (sections 4.3.7, 4.3.12, 4.3.16),
without compression, comments or zip64. The first local header carries the
length of the whole file in an extra field of its own, so that a file cut short
can say how much of it is missing.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping

from errors import ArtifactDamaged

MAX_BYTES = 1 << 30
MAX_MANIFEST_BYTES = 1 << 20
MAX_MEMBERS = 64

MANIFEST = "manifest.json"
SIGNED = "manifest.sig"

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LENGTH = struct.Struct("<HHQ")
_LENGTH_ID = 0x694D
_DAY_ONE = 0x0021  # 1980-01-01, the earliest date a zip knows: time must not alter the bytes
_ZIP_2_0 = 20
_UNIX_2_0 = (3 << 8) | _ZIP_2_0
_READABLE = 0o100644 << 16


def lay_out(parts: Mapping[str, bytes]) -> bytes:
    """Return the file that holds these members, the manifest among them.

    Raises ValueError for a name that cannot be, or for more than could be read back.
    """
    wrong = [n for n in parts if not _NAME.fullmatch(n)]
    if wrong or MANIFEST not in parts or len(parts) > MAX_MEMBERS:
        raise ValueError(f"an artifact cannot have these members: {', '.join(wrong or parts)}")
    if _total(parts) > MAX_BYTES or len(parts[MANIFEST]) > MAX_MANIFEST_BYTES:
        raise ValueError("the artifact is larger than could be read back")
    return b"".join(_chunks({n: parts[n] for n in _in_order(parts)}))


def _in_order(names: Iterable[str]) -> list[str]:
    first = (MANIFEST, SIGNED)
    return sorted(names, key=lambda n: (first.index(n) if n in first else len(first), n))


def _chunks(parts: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the file piece by piece: headers and members, directory, end."""
    total = _total(parts)
    directory = []
    offset = 0
    for name, data in parts.items():
        extra = _LENGTH.pack(_LENGTH_ID, 8, total) if name == MANIFEST else b""
        fields = (0, 0, 0, _DAY_ONE, zlib.crc32(data), len(data), len(data), len(name), len(extra))
        tail = name.encode() + extra
        yield _LOCAL.pack(b"PK\3\4", _ZIP_2_0, *fields) + tail
        yield data
        rest = (0, 0, 0, _READABLE, offset)
        directory.append(_CENTRAL.pack(b"PK\1\2", _UNIX_2_0, _ZIP_2_0, *fields, *rest) + tail)
        offset += _LOCAL.size + len(tail) + len(data)
    entries = b"".join(directory)
    yield entries
    count = len(parts)
    yield _END.pack(b"PK\5\6", 0, 0, count, count, len(entries), offset, 0)


def _total(parts: Mapping[str, bytes]) -> int:
    each = _LOCAL.size + _CENTRAL.size
    members = sum(each + 2 * len(name) + len(data) for name, data in parts.items())
    return members + 2 * _LENGTH.size + _END.size


def read_layout(data: bytes, limit: int = MAX_BYTES) -> dict[str, bytes]:
    """Return the members of a file that is, byte for byte, one that `lay_out` writes.

    Raises ArtifactDamaged, saying how many bytes of a truncated file are missing.
    """
    if len(data) > limit:
        raise ArtifactDamaged(f"the artifact has {len(data)} bytes, more than the {limit} allowed")
    _check_length(data)
    parts = _walk(data)
    at = 0
    for chunk in _chunks(parts):
        if not data.startswith(chunk, at):
            raise ArtifactDamaged(
                f"the artifact was altered within {len(chunk)} bytes of byte {at}"
            )
        at += len(chunk)
    return parts


def _check_length(data: bytes) -> None:
    head = _LOCAL.size + len(MANIFEST)
    if not data:
        raise ArtifactDamaged("the artifact is truncated: it is empty")
    if data[:4] != b"PK\3\4"[: len(data)]:
        raise ArtifactDamaged("the file is not an artifact: it does not start as one")
    if len(data) < head + _LENGTH.size:
        raise ArtifactDamaged(f"the artifact is truncated: only {len(data)} bytes are left")
    mark, _, total = _LENGTH.unpack_from(data, head)
    if data[_LOCAL.size : head] != MANIFEST.encode() or mark != _LENGTH_ID:
        raise ArtifactDamaged("the file is not an artifact: it does not start with a manifest")
    _check_total(len(data), total)


def _check_total(length: int, total: int) -> None:
    if length < total:
        raise ArtifactDamaged(
            f"the artifact is truncated: {total - length} of its {total} bytes are missing"
        )
    if length > total:
        raise ArtifactDamaged(f"the artifact was altered: it has {length - total} bytes too many")


def _walk(data: bytes) -> dict[str, bytes]:
    """Read the members one after the other by their local headers."""
    parts: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        name, start, end = _member_at(data, at)
        if name in parts or len(parts) == MAX_MEMBERS:
            raise ArtifactDamaged("the artifact holds a member twice, or too many members")
        if name == MANIFEST and end - start > MAX_MANIFEST_BYTES:
            raise ArtifactDamaged(
                f"the artifact's manifest has more than {MAX_MANIFEST_BYTES} bytes"
            )
        parts[name] = data[start:end]
        at = end
    if list(parts) != _in_order(parts) or MANIFEST not in parts:
        raise ArtifactDamaged("the artifact's members are not in their places")
    return parts


def _member_at(data: bytes, at: int) -> tuple[str, int, int]:
    """Return the name of the member whose header is at `at`, and where its bytes start and end."""
    damaged = ArtifactDamaged(f"the artifact was altered: no member can be read at byte {at}")
    if at + _LOCAL.size > len(data):
        raise damaged
    *_, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
    named = at + _LOCAL.size
    start = named + name_length + extra_length
    name = data[named : named + name_length].decode("ascii", "replace")
    if start + size > len(data) or not _NAME.fullmatch(name):
        raise damaged
    return name, start, start + size
