"""The artifact: one version of a model in one file, verified whole before anything in it is parsed.

The file is a plain zip (see container.py). Same inputs, same bytes.

    manifest.json    what this is, and the sha256 and size of every other member
    manifest.sig     a seal over the manifest (absent when nobody sealed it)
    signature.json   the schema
    metrics.json info.json golden.json
    model.*          the compiled model
    learnt.rows      digests of the rows that it learnt from
    training.profile what rows and answers looked like in training, as sketches
    curves.json quality.json histograms.json rows.json
                     what pages draw; rows only where the recipe lets them be shown
    estimator.*      the estimator itself; loading it can run code, so it is
                     handed out only from an artifact with a good seal
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from errors import ArtifactDamaged, ArtifactUntrusted, FormatMismatch
from persistence.container import MANIFEST, MAX_BYTES, SEAL, read_container, write_container
from persistence.libraries import check_libraries
from tables.schema import Class, Schema

if TYPE_CHECKING:
    from persistence.seal import Signer, Trust

# To raise it: change FORMAT when an older release would misread a new artifact;
# teach `_parse_manifest` to read the number before as well, or say in the
# changelog that models must be built again; keep a small artifact of the old
# format among the tests' data, and assert what becomes of it.
FORMAT = 1

ESTIMATOR = "estimator."

# What is signed starts with this, so that no other signed document passes for a manifest.
PURPOSE = b"mirante artifact\n"

T = TypeVar("T")


class Member(msgspec.Struct, frozen=True):
    """The digest (hex) and size (bytes) of one member."""

    sha256: str
    size: int


class RuntimeInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which runtime predicts, and its proof of parity, or the reason why it is not compiled."""

    name: str
    compiled: bool
    parity: dict[str, Any] | None = None
    reason: str | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an artifact says of itself.

    `created_at` is UTC in ISO 8601 with a Z. `libraries` are the versions it
    was made with, `needs` those among them that must fit what is installed for
    the model to be served. `members` is filled in by `pack`.
    """

    name: str
    version: str
    created_at: str
    label: str
    classes: tuple[Class, ...]
    runtime: RuntimeInfo
    libraries: dict[str, str]
    needs: tuple[str, ...] = ()
    # Its name in artifacts is older than its name here.
    protocols: tuple[str, ...] = msgspec.field(name="faces", default=())
    training_rows: int = 0
    members: dict[str, Member] = {}
    extra: dict[str, Any] = {}
    format: int = FORMAT


class Members(Mapping[str, bytes]):
    """An artifact's members by name; those that can run code only when it is signed."""

    def __init__(self, members: Mapping[str, bytes], signed: bool) -> None:
        self._members = dict(members)
        self._signed = signed

    def __getitem__(self, name: str) -> bytes:
        """Return the bytes of a member; raises ArtifactUntrusted for an unsigned estimator."""
        data = self._members[name]
        if name.startswith(ESTIMATOR) and not self._signed:
            raise ArtifactUntrusted(
                f"the member {name} can run code when it is loaded, "
                "and the artifact has no signature by a trusted key"
            )
        return data

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@dataclass(frozen=True)
class Artifact:
    """A verified artifact: its manifest, its members, the sha256 (hex) of the whole file.

    `signed_by` is the id of the trusted key that signed it; None when no trust
    was asked for.
    """

    manifest: Manifest
    members: Members
    sha256: str
    signed_by: str | None = None

    def document(self, name: str) -> Any:
        """Return the decoded JSON member of that name; raises ArtifactDamaged."""
        return _decode(self._member(name), Any, name)

    @property
    def schema(self) -> Schema:
        """The model's schema; raises ArtifactDamaged."""
        return _decode(self._member("signature.json"), Schema, "signature.json")

    def _member(self, name: str) -> bytes:
        if name not in self.members:
            raise ArtifactDamaged(f"the artifact has no member {name}")
        return self.members[name]


def pack(manifest: Manifest, members: Mapping[str, bytes], signer: Signer | None = None) -> bytes:
    """Return the bytes of an artifact, signed if there is a signer.

    Raises ValueError for a member's name that cannot be, or for too much to hold.
    """
    if MANIFEST in members or SEAL in members:
        raise ValueError("the manifest and its seal are written by pack itself")
    listed = {n: Member(_sha256(members[n]), len(members[n])) for n in sorted(members)}
    described = msgspec.json.encode(
        msgspec.structs.replace(manifest, members=listed, format=FORMAT), order="sorted"
    )
    parts = {**members, MANIFEST: described}
    if signer is not None:
        parts[SEAL] = signer.sign(PURPOSE + described).encode()
    return write_container(parts)


def verify(data: bytes, trust: Trust | None = None, *, limit: int = MAX_BYTES) -> Artifact:
    """Check an artifact whole, then parse its manifest; no other member is parsed.

    Checked, in this order: size and container, the seal over the manifest (if
    there is trust), format, every member's size and sha256, library versions.
    Raises ArtifactDamaged, ArtifactUntrusted, FormatMismatch, LibraryMismatch.
    """
    artifact = verify_without_libraries(data, trust, limit=limit)
    check_libraries(artifact.manifest.libraries, artifact.manifest.needs)
    return artifact


def verify_without_libraries(
    data: bytes, trust: Trust | None = None, *, limit: int = MAX_BYTES
) -> Artifact:
    """Check an artifact as `verify` does, but let it be made for other libraries: to show it."""
    parts = read_container(data, limit)
    described = parts.pop(MANIFEST)
    seal = parts.pop(SEAL, None)
    signed_by = None
    if trust is not None:
        signed_by = trust.check(PURPOSE + described, _text(seal))
    manifest = _parse_manifest(described)
    _check_members(manifest, parts)
    members = Members(parts, signed=signed_by is not None)
    return Artifact(manifest, members, _sha256(data), signed_by)


def _parse_manifest(described: bytes) -> Manifest:
    number = _decode(described, _Numbered, MANIFEST).format
    if number != FORMAT:
        raise FormatMismatch(
            f"the artifact has format {number}, this release reads format {FORMAT}: "
            + ("use a newer release" if number > FORMAT else "build the model again")
        )
    return _decode(described, Manifest, MANIFEST)


class _Numbered(msgspec.Struct, frozen=True):
    format: int


def _decode(data: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise ArtifactDamaged(f"the artifact's {name} is not what this release writes") from None


def _check_members(manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    missing = sorted(manifest.members.keys() - parts.keys())
    surplus = sorted(parts.keys() - manifest.members.keys())
    if missing:
        raise ArtifactDamaged(f"the artifact lacks its member {missing[0]}")
    if surplus:
        raise ArtifactDamaged(f"the artifact holds {surplus[0]}, which its manifest does not list")
    for name, member in manifest.members.items():
        _check_member(name, member, parts[name])


def _check_member(name: str, member: Member, data: bytes) -> None:
    if len(data) != member.size:
        raise ArtifactDamaged(
            f"the member {name} has {len(data)} bytes, its manifest says {member.size}"
        )
    if _sha256(data) != member.sha256:
        raise ArtifactDamaged(f"the member {name} was altered: its sha256 is not its manifest's")


def _text(seal: bytes | None) -> str | None:
    return None if seal is None else seal.decode("ascii", "replace")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
