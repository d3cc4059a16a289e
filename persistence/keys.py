"""Keys: where they are kept, and the command that makes, lists, rotates and revokes them.

A key folder holds

    signing.pem    the private key that signs, readable by its owner alone
    trusted        public keys that are believed, one a line: base64, then a note
    revoked        ids of keys that are believed no more, one a line

It is looked into anew at every seal, so that a rotation or a revocation
reaches the processes that run.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from errors import AccessError, ConfigError, MiranteError
from persistence.seal import (
    PrivateKey,
    PublicKeys,
    Signer,
    Trust,
    new_key,
    public_text,
    read_private,
    trust_in,
)

__all__ = ["KeyFolder", "Keys", "Signer", "Trust", "new_key", "open_keys", "trust_in"]

PRIVATE = "signing.pem"
TRUSTED = "trusted"
REVOKED = "revoked"


class Keys(NamedTuple):
    """What signs (None: this process can only verify), and who is believed."""

    signer: Signer | None
    trust: Trust


def open_keys(
    folder: str | Path, *, signing_key: str = "", trusted_keys: Sequence[str] = ()
) -> Keys:
    """Return the keys given, else those in the folder, where a pair is made on first use.

    With `trusted_keys` alone nothing can be signed. `signing_key` is 32 bytes in
    base64 or hex, or a PEM; its public half is trusted as well. Raises
    ConfigError, and never shows a private key.
    """
    if not signing_key and not trusted_keys:
        return KeyFolder(folder).open()
    signer = read_private(signing_key) if signing_key else None
    own = [signer.public] if signer else []
    return Keys(signer, trust_in(*trusted_keys, *own))


class KeyFolder:
    """The keys in a folder; several processes may open it, and change it, at once."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def open(self) -> Keys:
        """Return the folder as signer and trust, after making a pair if it is empty."""
        with _folder_errors(self._folder):
            if not self._private.exists() and not self._lines(TRUSTED):
                self.make()
            return Keys(self if self._private.exists() else None, self)

    def sign(self, data: bytes) -> str:
        """Return a seal by the key that signs now; raises AccessError if there is none."""
        with _folder_errors(self._folder):
            key = self.private_key()
        if key is None:
            raise AccessError("the key folder holds no signing key")
        return key.sign(data)

    def check(self, data: bytes, seal: str | None) -> str:
        """Return the id of the key that signed the data; raises ArtifactUntrusted."""
        return self.believed().check(data, seal)

    def believed(self) -> PublicKeys:
        """Return who is believed at this moment; raises ConfigError."""
        with _folder_errors(self._folder):
            return self.public_keys()

    def private_key(self) -> PrivateKey | None:
        """Return the key that signs; None if the folder holds public keys alone."""
        try:
            return read_private(self._private.read_text())
        except FileNotFoundError:
            return None

    def public_keys(self) -> PublicKeys:
        """Return who is believed: the trusted keys and the signing key's own, less the revoked."""
        signer = self.private_key()
        own = [signer.public] if signer else []
        trusted = [line.split()[0] for line in self._lines(TRUSTED)]
        return trust_in(*trusted, *own, revoked=[line.split()[0] for line in self._lines(REVOKED)])

    def make(self) -> PrivateKey:
        """Make a pair unless there is one, and return it; of two at once, one's is kept."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._beside(PRIVATE, new_key().pem()) as written, suppress(FileExistsError):
            # A link, unlike a rename, fails when another process was first.
            os.link(written, self._private)
        made = read_private(self._private.read_text())
        self._trust(made.public, "made")
        return made

    def rotate(self) -> PrivateKey:
        """Make a new pair to sign with from now on; what the old one signed stays believed."""
        self.make()
        new = new_key()
        # Listed before it signs: nobody may meet a seal by a key not yet believed.
        self._trust(new.public, "made")
        with self._beside(PRIVATE, new.pem()) as written:
            os.replace(written, self._private)
        return new

    def revoke(self, revoked: str) -> None:
        """Believe a key no more; raises ConfigError for one unknown, or the one that signs."""
        signer = self.private_key()
        if signer is not None and signer.key_id == revoked:
            raise ConfigError(f"key {revoked} is the one that signs: rotate first")
        if revoked not in self.public_keys().keys:
            raise ConfigError("no key of that id is trusted here")
        self._append(REVOKED, f"{revoked} {_today()}")

    @property
    def _private(self) -> Path:
        return self._folder / PRIVATE

    def _trust(self, public: str, note: str) -> None:
        if public not in {line.split()[0] for line in self._lines(TRUSTED)}:
            self._append(TRUSTED, f"{public} {note} {_today()}")

    def _append(self, name: str, line: str) -> None:
        # One write of one line to a file opened for appending: of two at once both are kept.
        handle = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, f"{line}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def _lines(self, name: str) -> list[str]:
        try:
            text = (self._folder / name).read_text()
        except FileNotFoundError:
            return []
        return [line for line in text.splitlines() if line.strip()]

    @contextmanager
    def _beside(self, name: str, data: bytes) -> Iterator[Path]:
        """Write a whole, private file beside the one to be; it is gone afterwards."""
        path = self._folder / f".{name}-{secrets.token_hex(8)}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"the key folder {folder} cannot be used: {error.strerror}; "
            "set KEY_FOLDER, or SIGNING_KEY and TRUSTED_KEYS"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, list, rotate, revoke or export keys; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        with _folder_errors(given.folder):
            _COMMANDS[given.command](KeyFolder(given.folder), given)
    except MiranteError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m persistence.keys", description="The keys that sign models."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in _ABOUT.items():
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("--folder", type=Path, default=Path("keys"), help="the key folder")
        if name == "revoke":
            command.add_argument("key_id", help="the id that `list` shows")
    return parser


def _make(folder: KeyFolder, given: argparse.Namespace) -> None:
    _tell(folder.make())


def _list(folder: KeyFolder, given: argparse.Namespace) -> None:
    signer = folder.private_key()
    trust = folder.public_keys()
    for each, key in trust.keys.items():
        signs = signer is not None and signer.key_id == each
        state = "revoked" if each in trust.revoked else "signs" if signs else "trusted"
        print(f"{each}  {state:8}  {public_text(key)}")


def _rotate(folder: KeyFolder, given: argparse.Namespace) -> None:
    _tell(folder.rotate())


def _revoke(folder: KeyFolder, given: argparse.Namespace) -> None:
    folder.revoke(given.key_id)
    print(f"key {given.key_id} is revoked: nothing that it signed is read any more")


def _export(folder: KeyFolder, given: argparse.Namespace) -> None:
    signer = folder.private_key()
    if signer is None:
        raise ConfigError("the folder holds no signing key")
    print(f"SIGNING_KEY={signer.exported()}\nTRUSTED_KEYS={signer.public}")


def _tell(signer: PrivateKey) -> None:
    print(f"key {signer.key_id} signs; elsewhere, trust it by\nTRUSTED_KEYS={signer.public}")


_COMMANDS = {
    "make": _make,
    "list": _list,
    "rotate": _rotate,
    "revoke": _revoke,
    "export": _export,
}
_ABOUT = {
    "make": "make a pair, unless there is one",
    "list": "list the trusted keys and their states",
    "rotate": "sign with a new pair from now on; the old one stays trusted",
    "revoke": "trust a key no more",
    "export": "print the private key, to be set as SIGNING_KEY elsewhere",
}

if __name__ == "__main__":
    sys.exit(main())
