"""Decimal commas of a column of numbers, read as points."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tables.cells import to_cells

_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]+(?:,[0-9]+)?\s*")


def with_points(columns: dict[str, Sequence[str]]) -> list[str]:
    """Put points for the decimal commas of numbers; return the names of those columns."""
    changed = []
    for name, cells in columns.items():
        values = [cell for cell in to_cells(cells) if cell is not None]
        if any("," in v for v in values) and all(map(_DECIMAL_COMMA.fullmatch, values)):
            columns[name] = [cell.replace(",", ".") for cell in cells]
            changed.append(name)
    return changed
