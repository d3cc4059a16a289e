import msgspec
import pytest

from errors import Conflict, DatasetError
from scoring.parts import Done, Parts, Plan

PLAN = Plan("0" * 64, (("in.csv", 5, "t"),), b"{}", ("csv", ""), (65536, 4))


def test_a_part_is_there_when_the_last_of_its_files_is(tmp_path):
    parts = Parts(tmp_path / "out.parts")
    parts.begin(PLAN, resume=False, afresh=False)
    assert parts.done(3) is None
    assert not parts.any_done()
    parts.keep(3, b"rows", b"bad", Done(1, 1, ("a",), {"home": 2}))
    assert parts.done(3) == Done(1, 1, ("a",), {"home": 2})
    assert parts.any_done()
    assert parts.path(3).read_bytes() == b"rows"
    assert parts.path(3, ".rejected").read_bytes() == b"bad"
    assert not list(parts.folder.glob(".*"))


def test_parts_are_gone_on_with_only_when_asked_and_only_of_the_same_plan(tmp_path):
    parts = Parts(tmp_path / "out.parts")
    parts.begin(PLAN, resume=True, afresh=False)
    parts.keep(0, b"rows", b"", Done(1, 0, ("a",)))
    with pytest.raises(Conflict, match="--resume goes on with it"):
        parts.begin(PLAN, resume=False, afresh=False)
    other = msgspec.structs.replace(PLAN, sha256="1" * 64)
    with pytest.raises(Conflict, match="another model"):
        parts.begin(other, resume=True, afresh=False)
    parts.begin(PLAN, resume=True, afresh=False)
    assert parts.any_done()
    parts.begin(other, resume=False, afresh=True)
    assert not parts.any_done()
    parts.remove()
    assert not parts.folder.exists()


def test_a_damaged_part_is_told(tmp_path):
    parts = Parts(tmp_path / "out.parts")
    parts.begin(PLAN, resume=False, afresh=False)
    parts.path(0, ".done").write_bytes(b"{")
    with pytest.raises(DatasetError, match="is damaged"):
        parts.done(0)
