"""Signing: what signs, and who is believed (Ed25519, RFC 8032)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from errors import ArtifactUntrusted, ConfigError

KEY_BYTES = 32
ID_LENGTH = 16


class Signer(Protocol):
    """What can sign."""

    def sign(self, data: bytes) -> str:
        """Return the seal as one line: the key's id, a colon, base64."""
        ...


class Trust(Protocol):
    """Who is believed."""

    def check(self, data: bytes, seal: str | None) -> str:
        """Return the id of the key that signed the data.

        Raises ArtifactUntrusted: not signed, by a key that is revoked or not
        trusted, or the seal is not one of these bytes.
        """
        ...


class PrivateKey:
    """A signer with one private key; its text form never shows it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = public_text(key.public_key())
        self.key_id = key_id(key.public_key())

    def __repr__(self) -> str:
        return f"PrivateKey({self.key_id})"

    def sign(self, data: bytes) -> str:
        """Return the seal as one line: the key's id, a colon, base64."""
        return f"{self.key_id}:{base64.b64encode(self._key.sign(data)).decode()}"

    def exported(self) -> str:
        """Return the private key in base64: only for one who asked for it."""
        return base64.b64encode(self._key.private_bytes_raw()).decode()

    def pem(self) -> bytes:
        """Return the private key as PEM (PKCS 8, no passphrase)."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True)
class PublicKeys:
    """Trust in public keys, by id, less the ids of those revoked."""

    keys: Mapping[str, Ed25519PublicKey]
    revoked: frozenset[str] = field(default=frozenset())

    def check(self, data: bytes, seal: str | None) -> str:
        """Return the id of the key that signed the data; raises ArtifactUntrusted."""
        if not seal:
            raise ArtifactUntrusted("it is not signed")
        signed_by, _, encoded = seal.partition(":")
        key = self._key(signed_by)
        try:
            key.verify(base64.b64decode(encoded, validate=True), data)
        except (InvalidSignature, binascii.Error, ValueError):
            raise ArtifactUntrusted(
                f"it was altered: its signature by key {signed_by} is not good"
            ) from None
        return signed_by

    def joined(self, other: PublicKeys) -> PublicKeys:
        """Return trust in the keys of both, less the ids that either has revoked."""
        return PublicKeys({**self.keys, **other.keys}, self.revoked | other.revoked)

    def _key(self, signed_by: str) -> Ed25519PublicKey:
        if signed_by in self.revoked:
            raise ArtifactUntrusted(f"it is signed by key {signed_by}, which was revoked")
        try:
            return self.keys[signed_by]
        except KeyError:
            raise ArtifactUntrusted(
                f"it is signed by {_shown(signed_by)}, which is not trusted here"
            ) from None


def new_key() -> PrivateKey:
    """Return a new private key, kept nowhere."""
    return PrivateKey(Ed25519PrivateKey.generate())


def trust_in(*publics: str, revoked: Iterable[str] = ()) -> PublicKeys:
    """Return trust in public keys given in base64 or PEM; raises ConfigError."""
    keys = [_read_public(text) for text in publics]
    return PublicKeys({key_id(key): key for key in keys}, frozenset(revoked))


def read_private(text: str) -> PrivateKey:
    """Return the private key of base64, hex or PEM; raises ConfigError, never showing it."""
    try:
        if "BEGIN" in text:
            # Environment variables often have the line ends of a PEM spelt as \n.
            key = serialization.load_pem_private_key(text.replace("\\n", "\n").encode(), None)
            if not isinstance(key, Ed25519PrivateKey):
                raise ValueError
            return PrivateKey(key)
        return PrivateKey(Ed25519PrivateKey.from_private_bytes(_raw(text)))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(
            "a signing key is 32 bytes in base64 or hex, or an Ed25519 PEM without a passphrase"
        ) from None


def key_id(key: Ed25519PublicKey) -> str:
    """Return a public key's id: the first 16 hex digits of the sha256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:ID_LENGTH]


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key in base64."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def _read_public(text: str) -> Ed25519PublicKey:
    try:
        if "BEGIN" in text:
            key = serialization.load_pem_public_key(text.replace("\\n", "\n").encode())
            if not isinstance(key, Ed25519PublicKey):
                raise ValueError
            return key
        return Ed25519PublicKey.from_public_bytes(_raw(text))
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError("a trusted key is 32 bytes in base64 or hex, or an Ed25519 PEM") from None


def _raw(text: str) -> bytes:
    text = text.strip()
    if len(text) == 2 * KEY_BYTES:
        return bytes.fromhex(text)
    return base64.b64decode(text, validate=True)


def _shown(signed_by: str) -> str:
    known = len(signed_by) == ID_LENGTH and set(signed_by) <= set("0123456789abcdef")
    return f"key {signed_by}" if known else "a key of no known kind"
