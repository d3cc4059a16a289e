"""API keys: who may predict, train and administer. Knows no framework.

A key is a random token; only its SHA-256 is kept, as one entry

    name:scope[+scope]:sha256-in-hex

in the setting API_KEYS (entries separated by commas) or as a line of the key
file. `python -m serving.auth new --scope train` makes one, prints the token
once, and writes the entry to the file; `--token` takes one that clients have already.

Scopes: `predict` (where prediction is closed), `feedback` (what came true), `train`
(training, jobs, promote and roll back: a training may promote anyway), `admin` (all
of it, deletion and the audit).
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import logging
import os
import re
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from errors import AccessError, ConfigError, NotFound
from serving.failures import FailureLimit
from serving.refusals import KeyRejected, ScopeMissing

log = logging.getLogger("mirante.auth")

Scope = Literal["predict", "feedback", "train", "admin"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
KEY_FILE = "var/api_keys"
FORM = "name:scope[+scope]:sha256, with the scopes predict, feedback, train, admin"
HOW_TO = "no API key is set up here; make one: python -m serving.auth new --scope train"

# 256 random bits; the prefix lets scanners of repositories know a leaked one.
PREFIX = "mirante_"
LONGEST_TOKEN = 256
# A token of one's own: it may stand in a path, and cannot be guessed at the rate that is let in.
SHORTEST_TOKEN = 16
FEWEST_LETTERS = 8
FROM_INPUT = "-"
_OWN_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST_TOKEN},{LONGEST_TOKEN}}}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class ApiKey(NamedTuple):
    """A key as it is kept: its name, what it may do, the SHA-256 of its token."""

    name: str
    scopes: frozenset[str]
    digest: bytes

    def may(self, scope: Scope) -> bool:
        """Whether this key has the scope; `admin` has them all."""
        return scope in self.scopes or "admin" in self.scopes

    def entry(self) -> str:
        """Return the key as one entry of API_KEYS or of the key file."""
        scopes = "+".join(scope for scope in SCOPES if scope in self.scopes)
        return f"{self.name}:{scopes}:{self.digest.hex()}"


def new_key(name: str, scopes: Iterable[str], token: str | None = None) -> tuple[str, ApiKey]:
    """Make a key, of a token of one's own or a random one; return the token and the key.

    The token is kept nowhere. Raises ConfigError.
    """
    token = PREFIX + secrets.token_urlsafe(32) if token is None else check_token(token)
    digest = hashlib.sha256(token.encode()).hexdigest()
    return token, read_entry(f"{name}:{'+'.join(scopes)}:{digest}")


def check_token(token: str) -> str:
    """Return a token of one's own. Raises ConfigError, which does not show it, for a weak one."""
    if not _OWN_TOKEN.fullmatch(token) or len(set(token)) < FEWEST_LETTERS:
        raise ConfigError(
            f"the token: expected {SHORTEST_TOKEN} to {LONGEST_TOKEN} of A-Z, a-z, 0-9, _ and -, "
            f"at least {FEWEST_LETTERS} of them different"
        )
    return token


def read_entry(entry: str, where: str = "API_KEYS") -> ApiKey:
    """Return the key of one entry. Raises ConfigError, which shows nothing of it."""
    name, _, rest = entry.partition(":")
    listed, _, digest = rest.partition(":")
    scopes = frozenset(listed.split("+"))
    good = _NAME.fullmatch(name) and _DIGEST.fullmatch(digest) and scopes <= set(SCOPES)
    if not good:
        raise ConfigError(f"{where}: expected {FORM}")
    return ApiKey(name, scopes, bytes.fromhex(digest))


class KeyRing:
    """The keys of the configuration and of the key file, which is read again when it changes."""

    LOOK_EVERY = 1.0  # seconds

    def __init__(self, entries: Iterable[str] = (), file: str | Path | None = None) -> None:
        self._fixed = tuple(read_entry(entry) for entry in entries)
        self._file = Path(file) if file else None
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._keys = self._fixed

    def keys(self) -> tuple[ApiKey, ...]:
        """Return every key; a key file that cannot be read any more leaves those that it had."""
        if self._file is not None and time.monotonic() - self._looked > self.LOOK_EVERY:
            with self._lock:
                self._look(self._file)
                self._looked = time.monotonic()
        return self._keys

    def find(self, token: bytes) -> ApiKey | None:
        """Return the key of a token, having compared it with every key alike."""
        digest = hashlib.sha256(token).digest()
        found = None
        for key in self.keys():
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def _look(self, file: Path) -> None:
        try:
            status = file.stat()
        except OSError:
            # A disk that went away takes no key with it; to revoke one, there is a command.
            if self._stamp is not None:
                log.error("the key file is gone; the keys that it had are good until a restart")
                self._stamp = None
            return
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = self._fixed + tuple(read_key_file(file))
        except ConfigError as error:
            log.error("%s", error)


def read_key_file(file: Path) -> list[ApiKey]:
    """Return the keys of a key file; none when there is no file. Raises ConfigError."""
    if not file.exists():
        return []
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"the key file {file} cannot be read") from None
    return [read_entry(line.strip(), str(file)) for line in lines if line.strip()]


def write_key_file(file: Path, keys: Iterable[ApiKey]) -> None:
    """Replace a key file in one step; only its owner may read it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)  # made with mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.writelines(f"{key.entry()}\n" for key in keys)
    os.replace(name, file)


class Guard:
    """Decides who may do what, from a request's headers.

    A good key is let in whatever its address did before: tokens cannot be
    guessed, and behind a proxy one address may be many people.
    """

    def __init__(
        self,
        ring: KeyRing,
        *,
        require_for_prediction: bool = False,
        failures: FailureLimit | None = None,
    ) -> None:
        self._ring = ring
        self._closed = require_for_prediction
        self._failures = failures or FailureLimit()

    def check(self, headers: Iterable[tuple[bytes, bytes]], scope: Scope, client: str) -> ApiKey:
        """Return the key that a request shows, if it has the scope.

        Header names are lower case. Raises AccessError when no key is set up,
        KeyRejected, ScopeMissing, and RateLimited after many failures.
        """
        token = _token(headers)
        key = self._ring.find(token) if token else None
        if key is not None:
            return _with_scope(key, scope)
        if not self._ring.keys():
            raise AccessError(HOW_TO)
        self._failures.count(client)
        raise KeyRejected("a key is needed: Authorization: Bearer, or X-API-Key")

    def has_key(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Say whether a request shows a known key; nothing is counted, nothing refused."""
        token = _token(headers)
        return token is not None and self._ring.find(token) is not None

    def sees_inside(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Say whether a request may learn what is inside; any may unless prediction is closed."""
        return not self._closed or self.has_key(headers)

    def check_prediction(
        self, headers: Iterable[tuple[bytes, bytes]], token: str | None, client: str
    ) -> None:
        """Check who may predict; `token` is the key of a route that has it in its path.

        Raises as `check` does, and NotFound for a wrong token in a path.
        """
        if token is not None:
            self._check_path(token, client)
        elif self._closed:
            self.check(headers, "predict", client)

    def _check_path(self, token: str, client: str) -> None:
        key = self._ring.find(token.encode("utf-8", "replace"))
        if key is None:
            self._failures.count(client)
        if key is None or not key.may("predict"):
            raise NotFound("there is nothing at this path")


def local_key(host: str, entries: str | None, file: str = KEY_FILE) -> tuple[str, str] | None:
    """Return token and entry of a key for this run alone, where only this machine can ask.

    None where keys are set up already, and where `host` is not the loopback.
    """
    loopback = host in ("127.0.0.1", "localhost", "::1", "[::1]")
    if not loopback or entries or read_key_file(Path(file)):
        return None
    token, key = new_key("local", ["admin"])
    return token, key.entry()


def _with_scope(key: ApiKey, scope: Scope) -> ApiKey:
    if not key.may(scope):
        raise ScopeMissing(f"this key does not have the scope {scope}")
    return key


def _token(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip()[:LONGEST_TOKEN]
        if name == b"x-api-key":
            return value.strip()[:LONGEST_TOKEN]
    return None


def main(words: Sequence[str] | None = None) -> int:
    """Make, list and revoke the keys of a key file."""
    chosen = _read_words(words)
    file = Path(chosen.file)
    try:
        return _COMMANDS[chosen.command](chosen, file, read_key_file(file))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1


def _new(chosen: argparse.Namespace, file: Path, keys: list[ApiKey]) -> int:
    name = chosen.name or f"key-{secrets.token_hex(3)}"
    if any(key.name == name for key in keys):
        raise ConfigError("there is a key of that name")
    given = sys.stdin.readline().strip() if chosen.token == FROM_INPUT else chosen.token
    token, key = new_key(name, chosen.scope, given)
    same = next((other.name for other in keys if other.digest == key.digest), None)
    if same is not None:
        raise ConfigError(f"the key {same} has that token")
    write_key_file(file, [*keys, key])
    if given is None:
        print(token)
    print(f"Its SHA-256 is kept in {file}; the token itself is not shown again.", file=sys.stderr)
    print(f"Where there is no disk, add to API_KEYS: {key.entry()}", file=sys.stderr)
    return 0


def _list(_: argparse.Namespace, __: Path, keys: list[ApiKey]) -> int:
    for key in keys:
        print(f"{key.name}  {'+'.join(sorted(key.scopes))}")
    return 0


def _revoke(chosen: argparse.Namespace, file: Path, keys: list[ApiKey]) -> int:
    left = [key for key in keys if key.name != chosen.name]
    if len(left) == len(keys):
        raise ConfigError("there is no key of that name")
    write_key_file(file, left)
    return 0


Command = Callable[[argparse.Namespace, Path, list[ApiKey]], int]
_COMMANDS: dict[str, Command] = {"new": _new, "list": _list, "revoke": _revoke}


def _read_words(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m serving.auth", description=main.__doc__)
    parser.add_argument("--file", default=KEY_FILE, help=f"the key file ({KEY_FILE})")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="make a key and print its token")
    new.add_argument("--scope", action="append", required=True, choices=SCOPES)
    new.add_argument("--name", help="the name it has in the audit")
    new.add_argument(
        "--token", help="a token that clients have already; - reads it from standard input"
    )
    commands.add_parser("list", help="list the names and scopes")
    revoke = commands.add_parser("revoke", help="remove a key")
    revoke.add_argument("name")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
