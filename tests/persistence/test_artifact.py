"""The artifact: packed the same way twice, verified whole, refused with the reason."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from errors import ArtifactDamaged, ArtifactUntrusted, FormatMismatch, LibraryMismatch
from persistence.artifact import FORMAT, PURPOSE, Manifest, pack, verify, verify_without_libraries
from persistence.container import read_container, write_container
from persistence.seal import PrivateKey, new_key, trust_in
from tests.persistence.artifacts import MEMBERS, SIGNATURE, make_artifact, make_manifest


def test_what_is_packed_is_verified(signer: PrivateKey) -> None:
    data = make_artifact(signer=signer)
    artifact = verify(data, trust_in(signer.public))
    assert dict(artifact.members) == MEMBERS
    assert artifact.manifest == msgspec.structs.replace(
        make_manifest(), members=artifact.manifest.members
    )
    assert artifact.signed_by == signer.key_id
    assert artifact.sha256 == hashlib.sha256(data).hexdigest()
    assert artifact.schema == SIGNATURE
    assert artifact.document("metrics.json") == {"roc_auc": 0.75}


def test_same_inputs_make_the_same_bytes(signer: PrivateKey) -> None:
    for by in (None, signer):
        turned = pack(make_manifest(), dict(reversed(MEMBERS.items())), by)
        assert turned == make_artifact(signer=by)


def test_the_manifest_lists_every_other_member() -> None:
    listed = verify(make_artifact()).manifest.members
    assert {name: member.size for name, member in listed.items()} == {
        name: len(data) for name, data in MEMBERS.items()
    }


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_pack_takes_no_manifest_from_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="written by pack itself"):
        pack(make_manifest(), {name: b"{}"})


# ------------------------------------------------------------ damaged


def test_a_truncated_artifact_says_how_much_is_missing() -> None:
    data = make_artifact()
    with pytest.raises(ArtifactDamaged, match=f"1000 of its {len(data)} bytes are missing"):
        verify(data[:-1000])


def _relaid(data: bytes, **changes: bytes | None) -> bytes:
    """Lay an artifact out again, well-formed but for the members changed."""
    changed = {name.replace("__", "."): part for name, part in changes.items()}
    parts = {**read_container(data), **changed}
    return write_container({name: part for name, part in parts.items() if part is not None})


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (b"estimator and more", "estimator.skops has 18 bytes, its manifest says 9"),
        (b"astimator", "estimator.skops was altered: its sha256"),
        (None, "lacks its member estimator.skops"),
    ],
)
def test_a_member_is_what_the_manifest_says(part: bytes | None, said: str) -> None:
    with pytest.raises(ArtifactDamaged, match=said):
        verify(_relaid(make_artifact(), estimator__skops=part))


def test_a_member_that_the_manifest_does_not_list_is_refused() -> None:
    with pytest.raises(ArtifactDamaged, match=r"holds more\.bin, which its manifest does not list"):
        verify(_relaid(make_artifact(), more__bin=b""))


@pytest.mark.parametrize(
    "described",
    [
        b"",
        b"{",
        b"[]",
        b'{"format":"1"}',
        b'{"format":1}',
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 9999,
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(described: bytes) -> None:
    with pytest.raises(ArtifactDamaged, match=r"manifest\.json is not what this release writes"):
        verify(_relaid(make_artifact(), manifest__json=described))


def test_a_field_that_no_release_wrote_is_refused() -> None:
    described = read_container(make_artifact())["manifest.json"]
    with pytest.raises(ArtifactDamaged, match=r"manifest\.json"):
        verify(_relaid(make_artifact(), manifest__json=described[:-1] + b',"trusted":true}'))


@pytest.mark.parametrize("wrong", [b"{", b"[]"])
def test_documents_are_checked_when_they_are_read(wrong: bytes) -> None:
    members = {**MEMBERS, "signature.json": wrong}
    artifact = verify(pack(make_manifest(), members))
    with pytest.raises(ArtifactDamaged, match=r"signature\.json"):
        _ = artifact.schema
    with pytest.raises(ArtifactDamaged, match=r"no member nothing\.json"):
        artifact.document("nothing.json")


# ------------------------------------------------------------ another format


@pytest.mark.parametrize(("number", "advice"), [(0, "build the model again"), (2, "newer release")])
def test_another_format_is_refused_whatever_else_it_has(number: int, advice: str) -> None:
    described = b'{"format":%d,"unheard":"of"}' % number
    with pytest.raises(
        FormatMismatch, match=f"has format {number}, this release reads .* {FORMAT}"
    ):
        verify(_relaid(make_artifact(), manifest__json=described))
    with pytest.raises(FormatMismatch, match=advice):
        verify(_relaid(make_artifact(), manifest__json=described))


def test_pack_writes_the_format_of_this_release() -> None:
    assert verify(make_artifact(format=99)).manifest.format == FORMAT


def test_the_format_is_raised_when_the_manifest_changes() -> None:
    """Whoever changes these fields reads, beside FORMAT, what else is to be done."""
    fields = (
        "name version created_at label classes runtime libraries needs protocols training_rows "
        "members extra format"
    )
    assert (FORMAT, Manifest.__struct_fields__) == (1, tuple(fields.split()))


# ------------------------------------------------------------ other libraries


def test_other_libraries_are_refused_only_if_needed() -> None:
    verify(make_artifact())
    data = make_artifact(needs=("scikit-learn",))
    with pytest.raises(LibraryMismatch, match=r"made with scikit-learn 0\.1\.0, installed \d"):
        verify(data)
    assert verify_without_libraries(data).manifest.needs == ("scikit-learn",)


# ------------------------------------------------------------ untrusted


def test_an_unsigned_artifact_is_refused(signer: PrivateKey) -> None:
    with pytest.raises(ArtifactUntrusted, match="not signed"):
        verify(make_artifact(), trust_in(signer.public))


def test_a_stranger_s_signature_is_refused(signer: PrivateKey) -> None:
    stranger = new_key()
    with pytest.raises(ArtifactUntrusted, match=f"key {stranger.key_id}, which is not trusted"):
        verify(make_artifact(signer=stranger), trust_in(signer.public))


def test_a_revoked_key_is_refused(signer: PrivateKey) -> None:
    trust = trust_in(signer.public, revoked=[signer.key_id])
    with pytest.raises(ArtifactUntrusted, match=f"key {signer.key_id}, which was revoked"):
        verify(make_artifact(signer=signer), trust)


def test_an_altered_manifest_is_refused_before_it_is_parsed(signer: PrivateKey) -> None:
    data = _relaid(make_artifact(signer=signer), manifest__json=b"[" * 1000)
    with pytest.raises(ArtifactUntrusted, match="altered"):
        verify(data, trust_in(signer.public))


def test_a_member_exchanged_under_a_good_signature_is_refused(signer: PrivateKey) -> None:
    data = _relaid(make_artifact(signer=signer), estimator__skops=b"exploit!!")
    with pytest.raises(ArtifactDamaged, match=r"estimator\.skops was altered"):
        verify(data, trust_in(signer.public))


def test_another_artifact_s_signature_is_refused(signer: PrivateKey) -> None:
    other = read_container(make_artifact("v2", signer=signer))["manifest.sig"]
    data = _relaid(make_artifact(signer=signer), manifest__sig=other)
    with pytest.raises(ArtifactUntrusted, match="not good"):
        verify(data, trust_in(signer.public))


def test_a_signature_made_for_another_purpose_is_refused(signer: PrivateKey) -> None:
    data = make_artifact(signer=signer)
    described = read_container(data)["manifest.json"]
    assert read_container(data)["manifest.sig"].decode() == signer.sign(PURPOSE + described)
    bare = signer.sign(described).encode()
    with pytest.raises(ArtifactUntrusted, match="not good"):
        verify(_relaid(data, manifest__sig=bare), trust_in(signer.public))


def test_an_estimator_is_handed_out_only_when_signed(signer: PrivateKey) -> None:
    unsigned = verify(make_artifact(signer=signer)).members
    assert "estimator.skops" in unsigned
    assert unsigned["model.onnx"] == MEMBERS["model.onnx"]
    with pytest.raises(ArtifactUntrusted, match=r"estimator\.skops can run code"):
        _ = unsigned["estimator.skops"]
    with pytest.raises(ArtifactUntrusted):
        dict(unsigned)
    signed = verify(make_artifact(signer=signer), trust_in(signer.public)).members
    assert signed["estimator.skops"] == b"estimator"


def test_verifying_imports_no_heavy_library() -> None:
    program = (
        "import sys; import persistence.registry, persistence.keys, persistence.stores.folder; "
        "print([m for m in ('sklearn', 'skops', 'joblib', 'onnxruntime', 'psycopg', 'obstore') "
        "if m in sys.modules])"
    )
    top = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=top, capture_output=True, check=True)
    assert done.stdout == b"[]\n"
