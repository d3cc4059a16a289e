"""The container: an artifact's file, a plain zip that is written one way and read only that way.

Members are stored and not compressed, so that any tool can look into the file;
yet a file that is not, byte for byte, what `write_container` writes of its
members is refused. That leaves nothing to hide in: no comment, no gap, no second
directory. The manifest comes first, and an extra field of its header carries the
length of the whole file, so that a file cut short can say how much is missing.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterable, Mapping

from errors import ArtifactDamaged

MAX_BYTES = 1 << 30
MAX_MANIFEST_BYTES = 1 << 20
MAX_MEMBERS = 64

MANIFEST = "manifest.json"
SEAL = "manifest.sig"

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")

# The lengths of a zip's headers: APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.
_LOCAL, _CENTRAL, _END = 30, 46, 22
_LENGTH = struct.Struct("<HHQ")
_LENGTH_ID = 0x694D
# Time must not alter the bytes; a zip knows none before.
_DAY_ONE = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16

# What the standard library raises for a zip that is none: encrypted, cut, or of another method.
_UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OSError,
    struct.error,
)


def write_container(parts: Mapping[str, bytes]) -> bytes:
    """Return the file that holds these members, the manifest among them.

    Raises ValueError for a name that cannot be, or for more than could be read back.
    """
    wrong = [name for name in parts if not _NAME.fullmatch(name)]
    if wrong or MANIFEST not in parts or len(parts) > MAX_MEMBERS:
        raise ValueError(f"an artifact cannot have these members: {', '.join(wrong or parts)}")
    if _length(parts) > MAX_BYTES or len(parts[MANIFEST]) > MAX_MANIFEST_BYTES:
        raise ValueError("the artifact is larger than could be read back")
    return _zipped(parts)


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in _in_order(parts):
            entry = zipfile.ZipInfo(name, _DAY_ONE)
            entry.create_system, entry.external_attr = 3, _READABLE
            if name == MANIFEST:
                entry.extra = _LENGTH.pack(_LENGTH_ID, 8, _length(parts))
            archive.writestr(entry, parts[name])
    return file.getvalue()


def _in_order(names: Iterable[str]) -> list[str]:
    first = (MANIFEST, SEAL)
    return sorted(names, key=lambda n: (first.index(n) if n in first else len(first), n))


def _length(parts: Mapping[str, bytes]) -> int:
    """Return how many bytes the file of these members has."""
    each = _LOCAL + _CENTRAL
    members = sum(each + 2 * len(name) + len(data) for name, data in parts.items())
    return members + 2 * _LENGTH.size + _END


def read_container(data: bytes, limit: int = MAX_BYTES) -> dict[str, bytes]:
    """Return the members of a file that is, byte for byte, one that `write_container` writes.

    Raises ArtifactDamaged, saying how many bytes of a truncated file are missing.
    """
    if len(data) > limit:
        raise ArtifactDamaged(f"the artifact has {len(data)} bytes, more than the {limit} allowed")
    _check_length(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive.infolist(), len(data))
            parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except _UNREADABLE:
        raise ArtifactDamaged("the artifact was altered: its members cannot be read") from None
    if _zipped(parts) != data:
        raise ArtifactDamaged("the artifact was altered: its members are not written as they were")
    return parts


def _check_length(data: bytes) -> None:
    head = _LOCAL + len(MANIFEST)
    if not data:
        raise ArtifactDamaged("the artifact is truncated: it is empty")
    if data[:4] != b"PK\3\4"[: len(data)]:
        raise ArtifactDamaged("the file is not an artifact: it does not start as one")
    if len(data) < head + _LENGTH.size:
        raise ArtifactDamaged(f"the artifact is truncated: only {len(data)} bytes are left")
    mark, _, total = _LENGTH.unpack_from(data, head)
    if data[_LOCAL:head] != MANIFEST.encode() or mark != _LENGTH_ID:
        raise ArtifactDamaged("the file is not an artifact: it does not start with a manifest")
    _check_total(len(data), total)


def _check_total(length: int, total: int) -> None:
    if length < total:
        raise ArtifactDamaged(
            f"the artifact is truncated: {total - length} of its {total} bytes are missing"
        )
    if length > total:
        raise ArtifactDamaged(f"the artifact was altered: it has {length - total} bytes too many")


def _check_entries(entries: list[zipfile.ZipInfo], length: int) -> None:
    """Raise ArtifactDamaged for what must not even be read: bombs, overlaps, odd names."""
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names) or len(names) > MAX_MEMBERS:
        raise ArtifactDamaged("the artifact holds a member twice, or too many members")
    if MANIFEST not in names or not all(map(_NAME.fullmatch, names)):
        raise ArtifactDamaged("the artifact was altered: a member has a name that cannot be")
    stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
    if not stored or sum(entry.file_size for entry in entries) > length:
        raise ArtifactDamaged("the artifact was altered: its members are not stored as they are")
    if next(e for e in entries if e.filename == MANIFEST).file_size > MAX_MANIFEST_BYTES:
        raise ArtifactDamaged(f"the artifact's manifest has more than {MAX_MANIFEST_BYTES} bytes")
