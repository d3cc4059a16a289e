"""What a form is filled with: an example, or a row of the hold-out, a wrong or a typical one.

Rows of the hold-out are there only where the recipe lets them be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from errors import ArtifactDamaged
from learning.shown_rows import ShownRow, ShownRows, load
from serving.champions import Live

# The parameter of an address that says which row: a sort's letter, and its index.
ROW = "row"
WRONG, TYPICAL = "w", "t"
NONE = ShownRows((), ())


class Sample(NamedTuple):
    """A row, what was true of it where that is known, and which rows may be shown next."""

    row: dict[str, Any]
    truth: str
    next: dict[str, str]


def sample_of(live: Live, asked: str) -> Sample:
    """Return the row that an address asks for; the signature's example, where it asks for none."""
    rows = live.remember("rows", _read)
    sorts: dict[str, Sequence[ShownRow]] = {WRONG: rows.wrong, TYPICAL: rows.typical}
    sort, digits = asked[:1], asked[1:]
    index = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 4 else -1
    following = {
        name: f"{name}{(index + 1) % len(found) if name == sort else 0}"
        for name, found in sorts.items()
        if found
    }
    if not 0 <= index < len(sorts.get(sort, ())):
        return Sample(dict(live.schema.example), "", following)
    shown = sorts[sort][index]
    truth = str(shown.truth).lower() if isinstance(shown.truth, bool) else str(shown.truth)
    return Sample(shown.fields(live.schema), truth, following)


def _read(live: Live) -> ShownRows:
    try:
        return load(live.kept) or NONE
    except ArtifactDamaged:
        return NONE
