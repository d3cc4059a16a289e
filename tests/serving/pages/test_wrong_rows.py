"""Rows of the hold-out, where the recipe lets them be shown."""

from __future__ import annotations

from serving.pages.wrong_rows import rows_section
from tests.serving.pages.versions_made import look, subject


def test_the_most_wrong_rows_are_a_table_with_the_weightiest_features_first() -> None:
    section = rows_section(look("two"))
    (table,) = section.tables
    assert list(table.head[:3]) == ["Truth", "Loss", "age"]
    rows = subject("two").rows
    assert rows is not None
    assert len(table.rows) == len(rows.wrong)
    assert table.rows[0][0] == rows.wrong[0].truth
    assert section.more[0].caption == "Typical rows"


def test_where_rows_may_not_be_shown_it_says_why() -> None:
    section = rows_section(look("quantity"))
    assert not section.tables
    assert "show_rows" in section.said[0]
