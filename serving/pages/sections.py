"""Sections: what a page says of a model, before anyone decides whether it is HTML or Markdown.

Every text is plain: who writes it down escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

# Columns of a table whose rows are stacked on a narrow screen, and of one that fits it.
MOST_STACKED, MOST_PLAIN = 5, 3


class Table(NamedTuple):
    """A table; the first column heads its rows.

    `figures` are the columns of numbers. `bars` draws by column a bar as long as each row's share
    (0 to 1), `shades` shades each cell (0 to 9). `words` says that the last column is a sentence.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    figures: frozenset[int] = frozenset()
    bars: Mapping[int, Sequence[float]] = {}
    shades: Sequence[Sequence[int]] = ()
    words: bool = False

    @property
    def look(self) -> str:
        """How it fits a narrow screen: its rows are stacked, it is moved sideways, or as it is."""
        if self.words or (3 < len(self.head) <= MOST_STACKED and not self.shades):
            return "stack"
        return "many" if len(self.head) > MOST_PLAIN else "plain"


class Picture(NamedTuple):
    """A picture with what it says of this model; `legend` names the marks of each kind."""

    title: str
    svg: Markup
    said: str
    legend: Sequence[tuple[str, str]] = ()


class Form(NamedTuple):
    """What can be set: the template of its controls, and what stands in them."""

    template: str
    values: Mapping[str, Any]


class Section(NamedTuple):
    """A part of a page: sentences, then what can be set, pictures and tables."""

    key: str
    title: str
    said: Sequence[str] = ()
    form: Form | None = None
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    # Tables that stand behind a line that opens them.
    more: Sequence[Table] = ()
