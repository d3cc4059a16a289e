"""Keys: made once, private, rotated and revoked while others are running."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from errors import AccessError, ArtifactUntrusted, ConfigError
from persistence.keys import KeyFolder, main, open_keys
from persistence.seal import PrivateKey, new_key

DATA = b"what was signed"
TOP = Path(__file__).parents[2]


def test_without_configured_keys_a_pair_is_made_on_first_use(tmp_path: Path) -> None:
    signer, trust = open_keys(tmp_path / "keys")
    assert signer is not None
    signature = signer.sign(DATA)
    again = open_keys(tmp_path / "keys")
    assert again.trust.check(DATA, signature) == trust.check(DATA, signature)


def test_the_private_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        KeyFolder(tmp_path / "keys").rotate()
    finally:
        os.umask(before)
    mode = stat.S_IMODE((tmp_path / "keys" / "signing.pem").stat().st_mode)
    assert mode == 0o600
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == ["signing.pem", "trusted"]


def test_of_many_first_uses_at_once_one_pair_is_kept(tmp_path: Path) -> None:
    program = (
        "import sys; from persistence.keys import open_keys; "
        "print(open_keys(sys.argv[1]).signer.sign(b'x'))"
    )

    def first_use(_: int) -> str:
        command = [sys.executable, "-c", program, str(tmp_path / "keys")]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    with ThreadPoolExecutor(6) as pool:
        schemas = set(pool.map(first_use, range(6)))
    assert len(schemas) == 1
    trust = open_keys(tmp_path / "keys").trust
    trust.check(b"x", schemas.pop())


def test_configured_keys_leave_the_folder_alone(tmp_path: Path, signer: PrivateKey) -> None:
    other = new_key()
    keys = open_keys(tmp_path / "keys", signing_key=signer.exported(), trusted_keys=[other.public])
    assert keys.signer is not None
    assert keys.trust.check(DATA, keys.signer.sign(DATA)) == signer.key_id
    assert keys.trust.check(DATA, other.sign(DATA)) == other.key_id
    assert not (tmp_path / "keys").exists()


def test_public_keys_alone_verify_and_do_not_sign(tmp_path: Path, signer: PrivateKey) -> None:
    keys = open_keys(tmp_path / "keys", trusted_keys=[signer.public])
    assert keys.signer is None
    assert keys.trust.check(DATA, signer.sign(DATA)) == signer.key_id


def test_a_folder_of_public_keys_alone_makes_no_pair(tmp_path: Path, signer: PrivateKey) -> None:
    (tmp_path / "trusted").write_text(f"{signer.public} the trainer's\n\n")
    keys = open_keys(tmp_path)
    assert keys.signer is None
    assert keys.trust.check(DATA, signer.sign(DATA)) == signer.key_id
    with pytest.raises(AccessError, match="no signing key"):
        KeyFolder(tmp_path).sign(DATA)


def test_a_rotation_reaches_who_is_running(tmp_path: Path) -> None:
    signer, trust = open_keys(tmp_path)
    assert signer is not None
    before = signer.sign(DATA)
    new = KeyFolder(tmp_path).rotate()
    assert trust.check(DATA, signer.sign(DATA)) == new.key_id
    assert trust.check(DATA, before) != new.key_id


def test_a_revocation_reaches_who_is_running(tmp_path: Path) -> None:
    signer, trust = open_keys(tmp_path)
    assert signer is not None
    before = signer.sign(DATA)
    old = trust.check(DATA, before)
    KeyFolder(tmp_path).rotate()
    KeyFolder(tmp_path).revoke(old)
    with pytest.raises(ArtifactUntrusted, match=f"key {old}, which was revoked"):
        trust.check(DATA, before)
    trust.check(DATA, signer.sign(DATA))


def test_the_key_that_signs_is_not_revoked(tmp_path: Path) -> None:
    made = KeyFolder(tmp_path).make()
    with pytest.raises(ConfigError, match="rotate first"):
        KeyFolder(tmp_path).revoke(made.key_id)
    with pytest.raises(ConfigError, match="no key of that id"):
        KeyFolder(tmp_path).revoke("0123456789abcdef")


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be used: .*; set KEY_FOLDER, or SIGNING_KEY"):
        open_keys(tmp_path / "file" / "keys")


# ------------------------------------------------------------ the command line


def test_the_command_s_whole_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--folder", str(tmp_path / "keys")]
    assert main(["make", *folder]) == 0
    first = KeyFolder(tmp_path / "keys").private_key()
    assert first is not None
    assert main(["rotate", *folder]) == 0
    assert main(["list", *folder]) == 0
    assert f"{first.key_id}  trusted   {first.public}" in capsys.readouterr().out
    assert main(["revoke", first.key_id, *folder]) == 0
    capsys.readouterr()
    assert main(["list", *folder]) == 0
    listed = capsys.readouterr().out.splitlines()
    second = KeyFolder(tmp_path / "keys").private_key()
    assert second is not None
    assert f"{first.key_id}  revoked   {first.public}" in listed
    assert f"{second.key_id}  signs     {second.public}" in listed


def test_only_export_shows_the_private_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--folder", str(tmp_path)]
    for command in ("make", "make", "list"):
        assert main([command, *folder]) == 0
    key = KeyFolder(tmp_path).private_key()
    assert key is not None
    shown = capsys.readouterr().out
    assert key.exported() not in shown
    assert key.public in shown
    assert main(["export", *folder]) == 0
    exported = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    keys = open_keys(
        "unused",
        signing_key=exported["SIGNING_KEY"],
        trusted_keys=[exported["TRUSTED_KEYS"]],
    )
    assert keys.signer is not None
    assert keys.trust.check(DATA, keys.signer.sign(DATA)) == key.key_id


@pytest.mark.parametrize(
    ("command", "said"),
    [(["export"], "holds no signing key"), (["revoke", "0" * 16], "no key of that id")],
)
def test_a_fault_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    assert main([*command, "--folder", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "persistence.keys", "make"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert "TRUSTED_KEYS=" in done.stdout
