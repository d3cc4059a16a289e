from __future__ import annotations

import hashlib
import io
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from errors import AccessError, ConfigError, NotFound
from serving.auth import (
    ApiKey,
    Guard,
    KeyRing,
    local_key,
    main,
    new_key,
    read_entry,
    read_key_file,
    write_key_file,
)
from serving.failures import FailureLimit
from serving.problems import status_of
from serving.refusals import KeyRejected, RateLimited, ScopeMissing


def bearer(token: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"authorization", b"Bearer " + token.encode()),)


def guard_with(*keys: ApiKey, **options: Any) -> Guard:
    return Guard(KeyRing([key.entry() for key in keys]), **options)


def test_a_key_is_let_in_by_either_header() -> None:
    token, key = new_key("alice", ["train"])
    guard = guard_with(key)
    other = ((b"accept", b"*/*"), (b"x-api-key", token.encode()))
    assert guard.check(bearer(token), "train", "c").name == "alice"
    assert guard.check(other, "train", "c").name == "alice"
    assert guard.check(((b"authorization", b"bearer  " + token.encode()),), "train", "c") == key


@pytest.mark.parametrize(
    "headers",
    [
        (),
        bearer(""),
        bearer("mirante_wrong"),
        bearer("\u00e9" * 1000),
        ((b"authorization", b"Basic YTpi"),),
        ((b"x-api-key", b"\xff\x00"),),
    ],
)
def test_no_key_or_a_wrong_one_is_rejected(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    guard = guard_with(new_key("alice", ["admin"])[1])
    with pytest.raises(KeyRejected) as caught:
        guard.check(headers, "train", "c")
    assert status_of(caught.value) == 401


def test_the_hash_of_a_token_is_not_the_token() -> None:
    _, key = new_key("alice", ["admin"])
    with pytest.raises(KeyRejected):
        guard_with(key).check(bearer(key.digest.hex()), "train", "c")


def test_scopes() -> None:
    token, key = new_key("alice", ["train"])
    guard = guard_with(key)
    for scope in ("predict", "admin"):
        with pytest.raises(ScopeMissing, match=scope) as caught:
            guard.check(bearer(token), scope, "c")
        assert status_of(caught.value) == 403
    token, key = new_key("root", ["admin"])
    for every in ("predict", "train", "admin"):
        guard_with(key).check(bearer(token), every, "c")


def test_without_any_key_it_is_said_how_to_make_one() -> None:
    with pytest.raises(AccessError, match=r"python -m serving\.auth new --scope train") as caught:
        guard_with().check(bearer("mirante_x"), "train", "c")
    assert status_of(caught.value) == 403


def test_failures_are_limited_and_a_good_key_is_not() -> None:
    token, key = new_key("alice", ["train"])
    guard = Guard(KeyRing([key.entry()]), failures=FailureLimit(2))
    for _ in range(2):
        with pytest.raises(KeyRejected):
            guard.check(bearer("wrong"), "train", "1.2.3.4")
    with pytest.raises(RateLimited) as caught:
        guard.check(bearer("wrong"), "train", "1.2.3.4")
    assert status_of(caught.value) == 429
    assert guard.check(bearer(token), "train", "1.2.3.4") == key
    with pytest.raises(KeyRejected):
        guard.check(bearer("wrong"), "train", "5.6.7.8")


def test_prediction_is_open_unless_it_is_closed() -> None:
    token, key = new_key("app", ["predict"])
    guard_with(key).check_prediction((), None, "c")
    guard_with().check_prediction((), None, "c")
    closed = guard_with(key, require_for_prediction=True)
    closed.check_prediction(bearer(token), None, "c")
    with pytest.raises(KeyRejected):
        closed.check_prediction((), None, "c")
    with pytest.raises(AccessError):
        guard_with(require_for_prediction=True).check_prediction((), None, "c")


def test_a_token_in_a_path() -> None:
    token, key = new_key("app", ["predict"])
    trainer_token, trainer = new_key("trainer", ["train"])
    guard = Guard(KeyRing([key.entry(), trainer.entry()]), failures=FailureLimit(2))
    guard.check_prediction((), token, "c")
    for wrong in ("", trainer_token, "wrong"):
        with pytest.raises(NotFound):
            guard.check_prediction((), wrong, "c")
    with pytest.raises(RateLimited):
        guard.check_prediction((), "wrong", "c")


@pytest.mark.parametrize(
    "entry",
    [
        "alice",
        "alice:train",
        "alice::" + "0" * 64,
        "alice:train+root:" + "0" * 64,
        "Alice:train:" + "0" * 64,
        "alice:train:" + "0" * 63,
        "alice:train:" + "G" * 64,
        "alice:train:" + "0" * 64 + ":x",
        ":train:" + "0" * 64,
    ],
)
def test_an_entry_that_is_none(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"^API_KEYS: expected name:scope") as caught:
        read_entry(entry)
    assert "0" * 10 not in str(caught.value)


def test_an_entry_is_read_as_it_was_written() -> None:
    token, key = new_key("alice", ["train", "predict"])
    assert read_entry(key.entry()) == key
    assert key.entry() == f"alice:predict+train:{hashlib.sha256(token.encode()).hexdigest()}"
    assert token not in repr(key)
    assert new_key("alice", ["train"])[0] != token


def test_the_key_file_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyRing, "LOOK_EVERY", 0.0)
    file = tmp_path / "var" / "keys"
    ring = KeyRing([], file)
    token, key = new_key("alice", ["train"])
    assert ring.find(token.encode()) is None
    write_key_file(file, [key])
    assert ring.find(token.encode()) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("nonsense\n")
    os.utime(file, ns=(1, 1))
    assert ring.find(token.encode()) == key
    write_key_file(file, [])
    assert ring.find(token.encode()) is None


def test_a_key_file_that_goes_away_leaves_the_keys_that_were_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyRing, "LOOK_EVERY", 0.0)
    file = tmp_path / "var" / "keys"
    token, key = new_key("alice", ["train"])
    write_key_file(file, [key])
    assert file.parent.stat().st_mode & 0o777 == 0o700
    ring = KeyRing([], file)
    assert ring.find(token.encode()) == key
    file.rename(tmp_path / "elsewhere")
    assert ring.find(token.encode()) == key
    (tmp_path / "elsewhere").rename(file)
    assert ring.find(token.encode()) == key
    write_key_file(file, [])
    assert ring.find(token.encode()) is None


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--file", str(tmp_path / "keys")]
    new = ["new", "--scope", "train", "--scope", "predict", "--name"]
    assert main([*at, *new, "alice"]) == 0
    token, printed = capsys.readouterr()
    key = KeyRing([], tmp_path / "keys").find(token.strip().encode())
    assert key is not None
    assert (key.name, key.scopes) == ("alice", frozenset({"train", "predict"}))
    assert key.entry() in printed
    assert token.strip() not in printed
    assert token.strip() not in (tmp_path / "keys").read_text()

    assert main([*at, *new, "alice"]) == 1
    assert capsys.readouterr().err == "there is a key of that name\n"
    assert main([*at, *new, "Bad Name"]) == 1
    capsys.readouterr()
    assert main([*at, "list"]) == 0
    assert capsys.readouterr().out == "alice  predict+train\n"
    assert main([*at, "revoke", "bob"]) == 1
    assert main([*at, "revoke", "alice"]) == 0
    assert read_key_file(tmp_path / "keys") == []


def test_a_key_for_this_machine_alone(tmp_path: Path) -> None:
    file = str(tmp_path / "keys")
    made = local_key("127.0.0.1", None, file)
    assert made is not None
    token, entry = made
    assert KeyRing([entry]).find(token.encode()) == read_entry(entry)
    assert local_key("0.0.0.0", None, file) is None
    assert local_key("127.0.0.1", entry, file) is None
    write_key_file(Path(file), [read_entry(entry)])
    assert local_key("127.0.0.1", None, file) is None


def test_a_key_file_is_looked_at_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    file = tmp_path / "keys"
    ring = KeyRing([], file)
    assert ring.keys() == ()
    token, key = new_key("alice", ["train"])
    write_key_file(file, [key])
    now = 101.0
    assert ring.find(token.encode()) is None
    now = 101.1
    assert ring.find(token.encode()) == key
    write_key_file(file, [])
    now = 102.2
    assert ring.find(token.encode()) is None


def test_two_hundred_and_fifty_six_bytes_of_a_token_are_looked_at() -> None:
    # The header may be as long as a head may: no more of it is hashed.
    key = read_entry(f"alice:train:{hashlib.sha256(b'x' * 256).hexdigest()}")
    for shown, found in (("x" * 255, False), ("x" * 256, True), ("x" * 300, True)):
        for headers in (bearer(shown), ((b"x-api-key", shown.encode()),)):
            if found:
                assert guard_with(key).check(headers, "train", "c") == key
            else:
                with pytest.raises(KeyRejected):
                    guard_with(key).check(headers, "train", "c")


OWN = "7Aja2kQzP0fLw9Xc"


@pytest.mark.parametrize("piped", [False, True])
def test_a_token_of_one_s_own_is_taken_and_not_shown(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, piped: bool
) -> None:
    file = tmp_path / "api_keys"
    monkeypatch.setattr("sys.stdin", io.StringIO(OWN + "\n"))
    words = ["--file", str(file), "new", "--scope", "predict", "--name", "old", "--token"]
    assert main([*words, "-" if piped else OWN]) == 0
    said = capsys.readouterr()
    assert OWN not in said.out + said.err + file.read_text()
    guard = Guard(KeyRing((), file))
    guard.check_prediction((), OWN, "c")  # as the path of the tweets has it
    assert guard.check(bearer(OWN), "predict", "c").name == "old"


@pytest.mark.parametrize(
    "token",
    [
        "",
        OWN[:15],
        "a" * 64,
        "abcdefg" * 4,  # seven letters
        "7Aja2kQzP0fLw9X/",  # it would be two parts of a path
        "7Aja2kQzP0fLw9X%",
        "7Aja2kQzP0fLw9X c",
        "7Aja2kQzP0fLw9Xé",
        OWN * 17,
    ],
)
def test_a_weak_token_is_refused_and_not_shown(tmp_path: Path, capsys: Any, token: str) -> None:
    file = tmp_path / "api_keys"
    assert main(["--file", str(file), "new", "--scope", "predict", "--token", token]) == 1
    said = capsys.readouterr()
    assert "expected 16 to 256" in said.err
    assert not token or token not in said.out + said.err
    assert not file.exists()


def test_a_token_is_that_of_one_key(tmp_path: Path, capsys: Any) -> None:
    words = ["--file", str(tmp_path / "api_keys"), "new", "--scope", "predict", "--token", OWN]
    assert main([*words, "--name", "old"]) == 0
    assert main(words) == 1
    said = capsys.readouterr()
    assert "the key old has that token" in said.err
    assert OWN not in said.out + said.err
