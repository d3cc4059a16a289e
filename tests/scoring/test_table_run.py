"""What a run tells; tests/test_score_table.py has runs of the whole command."""

from __future__ import annotations

from scoring.parts import Done
from scoring.table_run import Tally


def test_a_tally_adds_up_its_parts():
    tally = Tally().with_part(Done(10, 2, ("a",), {"home": 3}), 0.5)
    tally = tally.with_part(Done(5, 0, ("a",), {"home": 1, "job": 2}), 1.0)
    assert tally == Tally(15, 2, 1.0, {"home": 4, "job": 2})
