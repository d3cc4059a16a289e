"""Sections: how a table fits a narrow screen."""

from __future__ import annotations

import pytest

from serving.pages.sections import Section, Table


@pytest.mark.parametrize(
    ("columns", "words", "look"),
    [(3, False, "plain"), (4, False, "stack"), (5, True, "stack"), (6, False, "many")],
)
def test_a_table_is_stacked_moved_or_as_it_is(columns: int, words: bool, look: str) -> None:
    assert Table("", ["x"] * columns, [], words=words).look == look


def test_a_shaded_table_is_never_stacked() -> None:
    assert Table("", ["x"] * 4, [["a"]], shades=[[1]]).look == "many"


def test_a_section_may_be_a_sentence_alone() -> None:
    assert Section("a", "A", ["Said."]).tables == ()
