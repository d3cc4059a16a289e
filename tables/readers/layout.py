"""Where the header of a table stands, what its columns are called, and which are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from errors import DatasetError
from tables.numbers import is_number
from tables.readers.dialects import usual_width

LONGEST_HEADING = 200
# The first cell of a row that sums up the others.
_TOTALS = ("total", "totals", "grand total", "sum", "totaal", "totale", "summe", "gesamt", "soma")
TOTALS = frozenset((*_TOTALS, "итого"))

Record = Sequence[str]


class Layout(NamedTuple):
    """The header of a table: which record it is, and the names of the columns by index.

    `width` is how many cells a row has, `notes` what was passed over, and
    `row_names` says that each row begins with a name that the header has none for.
    """

    header: int
    names: dict[int, str]
    width: int
    notes: tuple[str, ...] = ()
    row_names: bool = False


def find_layout(lines: Sequence[int], sample: Sequence[Record]) -> Layout:
    """Find the header among the first records, of which `lines` are the lines.

    Lines of a title above it are passed over, columns without a name counted
    as left out, and a name that stands twice numbered. Raises DatasetError.
    """
    width = usual_width([len(record) for record in sample])
    if not width:
        raise DatasetError(
            "the table has one column: no comma, semicolon, tab or bar parts its header"
        )
    header = _header_of(sample, width)
    notes = _title_note(lines, header)
    cells = [cell.strip() for cell in sample[header]]
    cells, row_names = _aligned(cells, sample[header + 1 :], width)
    names = {index: name for index, name in enumerate(cells) if name}
    _check_names(names, lines[header])
    repeated = tuple(
        f"the header names {names[index]} again in column {index + 1}: read as {name}"
        for index, (name, again) in numbered(names).items()
        if again
    )
    chosen = {index: name for index, (name, _) in numbered(names).items()}
    return Layout(header, chosen, len(cells), notes + repeated, row_names)


def _header_of(sample: Sequence[Record], width: int) -> int:
    """Return the first record that fills most of the columns, if those above it do not."""
    for index, record in enumerate(sample):
        filled = sum(1 for cell in record if cell.strip())
        # An index has no name, so that the header of two columns may have but one.
        if 2 * filled > width or (filled == width - 1 and not record[0].strip()):
            good = not any(map(_is_value, record)) if index else True
            return index if good else _named_by_numbers(sample, index)
    return 0


def _named_by_numbers(sample: Sequence[Record], index: int) -> int:
    """A header may have years for names; a row of data has the same kinds as the rows below it."""
    below = sample[index + 1 : index + 6]
    words = {i: cell for i, cell in enumerate(sample[index]) if cell and not _is_value(cell)}
    recurs = any(i < len(row) and row[i] == cell for i, cell in words.items() for row in below)
    return index if below and words and not recurs else 0


def _is_value(cell: str) -> bool:
    return is_number(cell)


def _title_note(lines: Sequence[int], header: int) -> tuple[str, ...]:
    if not header:
        return ()
    count = "one line" if header == 1 else f"{header} lines"
    return (f"the header is in line {lines[header]}: {count} of a title above it left out",)


def _aligned(names: list[str], rows: Sequence[Record], width: int) -> tuple[list[str], bool]:
    """Return a name for each cell of a row, and whether rows have names that the header has not."""
    if len(names) != width - 1 or any(len(row) != width for row in rows):
        return names, False
    # A delimiter ends each row, or each begins with a name of its own, as R writes them.
    if all(not row[-1].strip() for row in rows):
        return [*names, ""], False
    if len({row[0] for row in rows}) == len(rows):
        return ["", *names], True
    return names, False


def _check_names(names: dict[int, str], line: int) -> None:
    for index, name in names.items():
        where = f"the header's name for column {index + 1}, line {line},"
        if not name.isprintable():
            raise DatasetError(f"{where} has a control character")
        if len(name) > LONGEST_HEADING:
            raise DatasetError(f"{where} is longer than {LONGEST_HEADING} characters")


def numbered(names: Mapping[int, str]) -> dict[int, tuple[str, bool]]:
    """Return each name by index, one that stands again with a number, and whether it has one."""
    found: dict[int, tuple[str, bool]] = {}
    given = set(names.values())
    used: set[str] = set()
    # Where the search for a free number begins: a name that stands often is numbered but once.
    last: dict[str, int] = {}
    for index, name in names.items():
        number, chosen = last.get(name, 1), name
        if number > 1:
            chosen = f"{name}_{number}"
        while chosen in used or (number > 1 and chosen in given):
            number += 1
            chosen = f"{name}_{number}"
        used.add(chosen)
        last[name] = number
        found[index] = chosen, number > 1
    return found


def unnamed_note(index: int, cells: Sequence[str], line: int) -> str | None:
    """Return what to say of a column without a name that is left out: it is empty, or an index.

    Raises DatasetError for one that has values of its own.
    """
    if not any(cell.strip() for cell in cells):
        return None
    if index == 0 and len(set(cells)) == len(cells):
        return "the first column has no name and another value in each row: an index, left out"
    raise DatasetError(f"the header, line {line}, has no name for column {index + 1}")


def is_total(cells: Record) -> bool:
    """Whether a row sums up those above it: it says so in its first cell, and others are empty."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    first = filled[0].rstrip(":").lower() if filled else ""
    return first in TOTALS and len(filled) < len(cells)
