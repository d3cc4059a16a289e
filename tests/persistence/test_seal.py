"""Signing: good signatures pass, everything else is refused with the reason; nothing leaks."""

from __future__ import annotations

import base64
import secrets

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from errors import ArtifactUntrusted, ConfigError
from persistence.seal import PrivateKey, PublicKeys, new_key, read_private, trust_in

DATA = b"what was signed"


def test_a_good_signature_tells_who_signed(signer: PrivateKey) -> None:
    assert trust_in(new_key().public, signer.public).check(DATA, signer.sign(DATA)) == signer.key_id


def test_a_known_signature() -> None:
    """The first test vector of RFC 8032, section 7.1."""
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    key = read_private(seed)
    signed_by, _, encoded = key.sign(b"").partition(":")
    assert base64.b64decode(encoded).hex() == signature
    assert trust_in(public).check(b"", f"{signed_by}:{encoded}") == key.key_id


@pytest.mark.parametrize("signature", [None, ""])
def test_no_signature_is_refused(signer: PrivateKey, signature: str | None) -> None:
    with pytest.raises(ArtifactUntrusted, match="it is not signed"):
        trust_in(signer.public).check(DATA, signature)


def test_other_bytes_are_refused(signer: PrivateKey) -> None:
    with pytest.raises(ArtifactUntrusted, match=f"signature by key {signer.key_id} is not good"):
        trust_in(signer.public).check(DATA + b".", signer.sign(DATA))


@pytest.mark.parametrize("encoded", ["", "!!!!", "AAAA", "é", "A" * 88])
def test_a_malformed_signature_is_refused(signer: PrivateKey, encoded: str) -> None:
    with pytest.raises(ArtifactUntrusted, match="not good"):
        trust_in(signer.public).check(DATA, f"{signer.key_id}:{encoded}")


def test_a_key_of_no_known_kind_is_not_repeated(signer: PrivateKey) -> None:
    with pytest.raises(ArtifactUntrusted, match="a key of no known kind") as refusal:
        trust_in(signer.public).check(DATA, "<script>:AAAA")
    assert "script" not in str(refusal.value)


def test_a_revoked_key_is_refused_though_it_is_listed(signer: PrivateKey) -> None:
    trust = trust_in(signer.public, revoked=[signer.key_id])
    with pytest.raises(ArtifactUntrusted, match="revoked"):
        trust.check(DATA, signer.sign(DATA))


def test_nobody_is_trusted_by_default(signer: PrivateKey) -> None:
    with pytest.raises(ArtifactUntrusted, match="not trusted"):
        PublicKeys({}).check(DATA, signer.sign(DATA))


def _spellings(key: PrivateKey) -> list[str]:
    pem = key.pem().decode()
    raw = base64.b64decode(key.exported())
    return [key.exported(), f" {key.exported()}\n", raw.hex(), pem, pem.replace("\n", "\\n")]


def test_a_private_key_may_be_spelt_in_several_ways(signer: PrivateKey) -> None:
    assert {read_private(text).key_id for text in _spellings(signer)} == {signer.key_id}


def test_any_generated_secret_of_64_hex_digits_is_a_key() -> None:
    """What a platform's secret generator sets, as app.json asks for."""
    secret = secrets.token_hex(32)
    assert read_private(secret).key_id == read_private(secret).key_id


def test_a_public_key_may_be_a_pem(signer: PrivateKey) -> None:
    key = next(iter(trust_in(signer.public).keys.values()))
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert set(trust_in(pem.decode()).keys) == {signer.key_id}


def _other_kind() -> str:
    return (
        generate_private_key(SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def _with_passphrase() -> str:
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
        .decode()
    )


NO_KEYS = {
    "empty": lambda: "",
    "a word": lambda: "hunter2-secret",
    "64 letters": lambda: "z" * 64,
    "not ASCII": lambda: "é" * 64,
    "too short": lambda: "AAAA",
    "broken PEM": lambda: "-----BEGIN-----",
    "another kind": _other_kind,
    "a passphrase": _with_passphrase,
}


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_key_is_refused_and_not_shown(kind: str) -> None:
    text = NO_KEYS[kind]()
    for read in (read_private, trust_in):
        with pytest.raises(ConfigError, match="32 bytes in base64 or hex") as refusal:
            read(text)
        assert "secret" not in str(refusal.value)
        assert refusal.value.__cause__ is None
        assert refusal.value.__suppress_context__


def test_a_private_key_does_not_show_itself(signer: PrivateKey) -> None:
    shown = f"{signer!r} {signer} {vars(signer)}"
    assert signer.exported() not in shown
    assert signer.key_id in repr(signer)
