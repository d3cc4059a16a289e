import msgspec
import pytest

from errors import ArtifactDamaged
from learning.members import read_member


class Two(msgspec.Struct):
    first: int


def test_a_member_is_read_as_its_type() -> None:
    assert read_member({"two.json": b'{"first": 2}'}, "two.json", Two) == Two(2)


def test_an_artifact_of_before_has_none() -> None:
    assert read_member({}, "two.json", Two) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"first": "x"}', b"\xff", b"[" * 100_000],
    ids=["empty", "cut", "another type", "no text", "deep"],
)
def test_one_that_is_something_else_is_named(data: bytes) -> None:
    with pytest.raises(ArtifactDamaged, match=r"two\.json is not what this release writes"):
        read_member({"two.json": data}, "two.json", Two)
