"""The layout: any zip tool reads it; nothing but it is read."""

from __future__ import annotations

import io
import zipfile

import pytest

from errors import ArtifactDamaged
from persistence import container as layout
from persistence.container import lay_out, read_layout

PARTS = {"manifest.json": b"{}", "model.onnx": bytes(range(256)), "empty.bin": b""}


def test_what_is_laid_out_is_read_back() -> None:
    assert read_layout(lay_out(PARTS)) == PARTS


def test_the_order_of_the_members_does_not_change_the_bytes() -> None:
    assert lay_out(dict(reversed(PARTS.items()))) == lay_out(PARTS)


def test_any_zip_tool_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(lay_out(PARTS))) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "manifest.json"
        assert {name: archive.read(name) for name in archive.namelist()} == PARTS
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())


def test_every_truncation_is_refused_and_says_how_much_is_missing() -> None:
    data = lay_out(PARTS)
    for length in range(len(data)):
        with pytest.raises(ArtifactDamaged, match="truncated") as refusal:
            read_layout(data[:length])
        if length > 60:
            assert f"{len(data) - length} of its {len(data)} bytes are missing" in str(
                refusal.value
            )


def test_every_flipped_byte_is_refused() -> None:
    data = lay_out(PARTS)
    for at in range(len(data)):
        altered = bytearray(data)
        altered[at] ^= 0x41
        with pytest.raises(ArtifactDamaged):
            read_layout(bytes(altered))


def test_bytes_that_follow_are_refused() -> None:
    with pytest.raises(ArtifactDamaged, match="3 bytes too many"):
        read_layout(lay_out(PARTS) + b"PK\5")


@pytest.mark.parametrize("data", [b"", b"PK", b"\x80\x04pickle", b"PK\3\4" + bytes(200)])
def test_what_is_no_artifact_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactDamaged):
        read_layout(data)


def test_the_same_members_zipped_by_another_tool_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in PARTS.items():
            archive.writestr(name, part)
    with pytest.raises(ArtifactDamaged):
        read_layout(file.getvalue())


def test_a_member_held_twice_is_refused() -> None:
    data = b"".join(layout._chunks(_Twice(PARTS)))  # type: ignore[arg-type]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist().count("model.onnx") == 2
    with pytest.raises(ArtifactDamaged, match="twice"):
        read_layout(data)


class _Twice(dict[str, bytes]):
    """Members, the last but one of them twice."""

    def items(self) -> list[tuple[str, bytes]]:  # type: ignore[override]
        """Return the pairs with one of them repeated."""
        pairs = list(super().items())
        return [*pairs, pairs[1]]

    def __len__(self) -> int:
        return super().__len__() + 1


def test_a_size_that_reaches_past_the_end_is_refused() -> None:
    data = bytearray(lay_out(PARTS))
    at = data.index(b"PK\3\4", 4)
    data[at + 22 : at + 26] = b"\xff\xff\xff\xff"
    with pytest.raises(ArtifactDamaged, match=f"no member can be read at byte {at}"):
        read_layout(bytes(data))


def test_more_than_the_limit_is_refused_unread() -> None:
    data = lay_out(PARTS)
    with pytest.raises(ArtifactDamaged, match=f"{len(data)} bytes, more than the 100 allowed"):
        read_layout(data, limit=100)


@pytest.mark.parametrize("name", ["../up", "/etc", "a/b", "A", "", "x" * 101, "é"])
def test_a_name_that_cannot_be_is_not_laid_out(name: str) -> None:
    with pytest.raises(ValueError, match="cannot have these members"):
        lay_out({**PARTS, name: b""})


@pytest.mark.parametrize("name", [b"../../etc/", b"/etc/passw", b"model\0onnx"])
def test_a_name_that_cannot_be_is_not_read(name: bytes) -> None:
    with pytest.raises(ArtifactDamaged, match="no member can be read"):
        read_layout(lay_out(PARTS).replace(b"model.onnx", name))


def test_too_many_members_are_not_laid_out() -> None:
    with pytest.raises(ValueError, match="cannot have these members"):
        lay_out({**PARTS, **{f"member{n}": b"" for n in range(layout.MAX_MEMBERS)}})


def test_a_manifest_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = lay_out({"manifest.json": bytes(2000)})
    monkeypatch.setattr(layout, "MAX_MANIFEST_BYTES", 1000)
    with pytest.raises(ArtifactDamaged, match="manifest has more than 1000 bytes"):
        read_layout(data)
    with pytest.raises(ValueError, match="larger than could be read back"):
        lay_out({"manifest.json": bytes(2000)})
