"""The container: any zip tool reads it; nothing but it is read."""

from __future__ import annotations

import inspect
import io
import struct
import warnings
import zipfile

import pytest

from errors import ArtifactDamaged
from persistence import container
from persistence.container import read_container, write_container

PARTS = {"manifest.json": b"{}", "model.onnx": bytes(range(256)), "empty.bin": b""}


def test_what_is_laid_out_is_read_back() -> None:
    assert read_container(write_container(PARTS)) == PARTS


def test_the_order_of_the_members_does_not_change_the_bytes() -> None:
    assert write_container(dict(reversed(PARTS.items()))) == write_container(PARTS)


def test_any_zip_tool_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(write_container(PARTS))) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "manifest.json"
        assert {name: archive.read(name) for name in archive.namelist()} == PARTS
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())


def test_every_truncation_is_refused_and_says_how_much_is_missing() -> None:
    data = write_container(PARTS)
    for length in range(len(data)):
        with pytest.raises(ArtifactDamaged, match="truncated") as refusal:
            read_container(data[:length])
        if length > 60:
            assert f"{len(data) - length} of its {len(data)} bytes are missing" in str(
                refusal.value
            )


def test_every_flipped_byte_is_refused() -> None:
    data = write_container(PARTS)
    for at in range(len(data)):
        altered = bytearray(data)
        altered[at] ^= 0x41
        with pytest.raises(ArtifactDamaged):
            read_container(bytes(altered))


def test_bytes_that_follow_are_refused() -> None:
    with pytest.raises(ArtifactDamaged, match="3 bytes too many"):
        read_container(write_container(PARTS) + b"PK\5")


@pytest.mark.parametrize("data", [b"", b"PK", b"\x80\x04pickle", b"PK\3\4" + bytes(200)])
def test_what_is_no_artifact_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactDamaged):
        read_container(data)


def test_the_same_members_zipped_by_another_tool_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in PARTS.items():
            archive.writestr(name, part)
    with pytest.raises(ArtifactDamaged):
        read_container(file.getvalue())


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip that says its own length, as an artifact does, and is none."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = method
            entry.extra = struct.pack("<HHQ", 0x694D, 8, 0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(entry, data)
    data = file.getvalue()
    return data.replace(
        struct.pack("<HHQ", 0x694D, 8, 0), struct.pack("<HHQ", 0x694D, 8, len(data))
    )


def test_a_member_held_twice_is_refused() -> None:
    data = zipped(("manifest.json", b"{}"), ("model.onnx", b"a"), ("model.onnx", b"b"))
    with pytest.raises(ArtifactDamaged, match="twice"):
        read_container(data)


def test_a_packed_member_is_refused_unread() -> None:
    bomb = zipped(
        ("manifest.json", b"{}"), ("model.onnx", bytes(10**7)), method=zipfile.ZIP_DEFLATED
    )
    assert len(bomb) < 20_000
    with pytest.raises(ArtifactDamaged, match="not stored as they are"):
        read_container(bomb)


def test_bytes_between_two_members_are_refused() -> None:
    data = write_container(PARTS)
    at = data.index(b"PK\3\4", 4)
    total = len(data) + 4
    parted = data[:at] + b"hide" + data[at:]
    with pytest.raises(ArtifactDamaged):
        read_container(parted.replace(struct.pack("<Q", len(data)), struct.pack("<Q", total)))


def test_a_size_that_reaches_past_the_end_is_refused() -> None:
    data = bytearray(write_container(PARTS))
    at = data.rindex(b"PK\1\2")
    data[at + 20 : at + 28] = b"\xff\xff\xff\x7f" * 2
    with pytest.raises(ArtifactDamaged, match="not stored as they are"):
        read_container(bytes(data))


def test_more_than_the_limit_is_refused_unread() -> None:
    data = write_container(PARTS)
    with pytest.raises(ArtifactDamaged, match=f"{len(data)} bytes, more than the 100 allowed"):
        read_container(data, limit=100)


@pytest.mark.parametrize("name", ["../up", "/etc", "a/b", "A", "", "x" * 101, "é"])
def test_a_name_that_cannot_be_is_not_laid_out(name: str) -> None:
    with pytest.raises(ValueError, match="cannot have these members"):
        write_container({**PARTS, name: b""})


@pytest.mark.parametrize("name", [b"../../etc/", b"/etc/passw", b"model\0onnx"])
def test_a_name_that_cannot_be_is_not_read(name: bytes) -> None:
    with pytest.raises(ArtifactDamaged, match="was altered"):
        read_container(write_container(PARTS).replace(b"model.onnx", name))


def test_too_many_members_are_not_laid_out() -> None:
    with pytest.raises(ValueError, match="cannot have these members"):
        write_container({**PARTS, **{f"member{n}": b"" for n in range(64)}})


def test_a_manifest_of_more_than_a_mebibyte_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {"manifest.json": bytes(2**20)}
    assert read_container(write_container(whole)) == whole
    larger = {"manifest.json": bytes(2**20 + 1)}
    with pytest.raises(ValueError, match="larger than could be read back"):
        write_container(larger)
    with monkeypatch.context() as patched:
        patched.setattr(container, "MAX_MANIFEST_BYTES", 2**21)
        data = write_container(larger)
    with pytest.raises(ArtifactDamaged, match="manifest has more than 1048576 bytes"):
        read_container(data)


def test_an_artifact_has_64_members_and_a_gibibyte_at_most() -> None:
    members = {"manifest.json": b"{}", **{f"member{n}": b"" for n in range(63)}}
    assert len(read_container(write_container(members))) == 64
    assert inspect.signature(read_container).parameters["limit"].default == 2**30
