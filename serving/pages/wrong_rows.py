"""Rows of the hold-out that were most wrong, where the recipe lets rows be shown."""

from __future__ import annotations

from typing import Any

from learning.shown_rows import ShownRow
from serving.pages.look import Look
from serving.pages.names import shown
from serving.pages.sections import Section, Table

# Columns of the table: more would not be read.
MOST_FEATURES = 20


def rows_section(look: Look) -> Section:
    """Return the rows, or that none may be shown."""
    words, rows = look.words, look.subject.rows
    if rows is None:
        return Section("rows", words("wrong_rows"), [words("rows_not_shown")])
    tables = [_table(look, words("most_wrong"), rows.wrong)]
    more = [_table(look, words("typical"), rows.typical)] if rows.typical else []
    return Section("rows", words("wrong_rows"), [words("wrong_says")], tables=tables, more=more)


def _table(look: Look, caption: str, rows: tuple[ShownRow, ...]) -> Table:
    words = look.words
    names = [feature.name for feature in look.subject.schema.features]
    order = [name for name in _weightiest(look) if name in names]
    kept = [names.index(name) for name in (order or names)[:MOST_FEATURES]]
    head = [words("true_of_it"), words("its_loss"), *(shown(names[index], 30) for index in kept)]
    cells = [
        [_truth(look, row.truth), words.fixed(row.loss, 2)]
        + [_cell(look, row.cells[index]) for index in kept]
        for row in rows
    ]
    return Table(caption, head, cells, frozenset({1}))


def _weightiest(look: Look) -> list[str]:
    return list(look.subject.info.get("permutation_importances") or {})


def _truth(look: Look, value: Any) -> str:
    """Return what is true of a row, a class under the name that it has all over the page."""
    return shown(str(value).lower()) if isinstance(value, bool) else _cell(look, value)


def _cell(look: Look, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return look.words("yes" if value else "no")
    return look.plain(value, 6) if isinstance(value, int | float) else shown(value, 60)
