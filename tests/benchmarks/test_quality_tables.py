from __future__ import annotations

from benchmarks.quality_tables import TABLES


def test_there_are_at_least_thirty_tables_of_every_kind() -> None:
    names = [listed.name for listed in TABLES]
    assert len(names) == len(set(names)) >= 30
    assert sum(listed.task == "regression" for listed in TABLES) >= 10
