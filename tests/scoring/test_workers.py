import numpy as np
import pyarrow as pa
import pytest

from errors import ArtifactDamaged, RowProblem
from scoring.options import Options
from scoring.outputs import Kind
from scoring.parts import Parts, Plan
from scoring.scorer import Scorer
from scoring.workers import MODEL, Duty, Rest, Vouched, Worker, encoded, hand_over
from tables.readers.batches import Piece
from tests.scoring.models import make_model

PLAN = Plan("0" * 64, (), b"", ("csv", ""), (1, 1))


def table() -> pa.Table:
    return pa.table(
        {"age": [30, 40.5], "income": [1.0, 2.0], "home": ["rent"] * 2, "records": ["no"] * 2}
    )


@pytest.fixture
def worker(tmp_path, monkeypatch) -> Worker:
    monkeypatch.setattr(Scorer, "of_artifact", lambda *given: Scorer(make_model(), given[1]))
    parts = Parts(tmp_path / "parts")
    parts.begin(PLAN, resume=False, afresh=False)
    (parts.folder / MODEL).write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return Worker(Duty(empty, Options(), None, {}, Kind("csv"), str(parts.folder), None))


def test_a_part_is_made_of_what_was_handed_over(worker, tmp_path):
    from scoring.workers import Work

    parts = Parts(tmp_path / "parts")
    unread = (RowProblem(8, None, "4 cells", "2 cells"),)
    hand_over(parts, 2, Piece(table(), np.array([7, 9]), unread))
    done = worker.make(Work(2, "a.csv"))
    assert (done.rows, done.rejected) == (1, 2)
    assert parts.path(2).read_bytes().startswith(b"30,1,")
    assert parts.path(2, ".rejected").read_text() == (
        '"a.csv",8,,"expected 4 cells, got 2 cells"\n'
        '"a.csv",9,"age","expected integer, got number with a fraction"\n'
    )
    assert {path.suffix for path in parts.folder.iterdir()} == {"", ".done", ".rejected", ".json"}


def test_a_model_that_is_not_the_verified_one_is_refused(tmp_path):
    (tmp_path / MODEL).write_bytes(b"other")
    with pytest.raises(ArtifactDamaged, match="not the one that was verified"):
        Worker(Duty("0" * 64, Options(), None, {}, Kind("csv"), str(tmp_path), None))


def test_plain_values_go_to_a_worker():
    assert Rest(1).numbers == b""
    assert Vouched("key").check(b"", None) == "key"
    assert encoded(Options()) == encoded(Options())
