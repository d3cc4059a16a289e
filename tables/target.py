"""The target's column: which rows have a value in it, and of which classes these are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import LONGEST_NAME, DatasetError
from tables.cells import AMBIGUOUS, BOOLEAN_WORDS, MISSING, fits, to_boolean
from tables.column import are_codes
from tables.distinct import Distinct, distinct
from tables.numbers import is_code, is_number
from tables.schema import Class, Kind, Target
from tables.strata import SMALLEST_CLASS
from tables.table import Table

# A note names so many classes.
MOST_NAMED = 5


class Read(NamedTuple):
    """A target as it was read.

    `values` are those of the rows that are kept, a class's its index among the
    target's classes; `rows` are the indices of these rows, None where all are kept.
    """

    target: Target
    values: NDArray[Any]
    rows: NDArray[np.intp] | None = None
    notes: tuple[str, ...] = ()


# Reads a table's column as a target; `kind` says as what, `merge_rare` what to call classes
# of too few rows taken together.
ReadTarget = Callable[[Table, str, Kind | None, str | None], Read]


def labelled(table: Table, target: str) -> tuple[Table, tuple[str, ...]]:
    """Return the table's rows that have a value of the target, and a note on the others.

    Raises DatasetError where there is no such column, or no value in it.
    """
    check_column(table, target)
    texts = distinct(table.columns[target])
    there = _values(texts).codes >= 0
    if there.all():
        return table, ()
    if not there.any():
        raise DatasetError(f"column {target}, the label, has no value in any row")
    missing = np.flatnonzero(~there)
    words = sorted(word for word in texts.words if word in MISSING and _is_missing(word, texts))
    written = f" ({_listed(words)} is read as missing)" if words else ""
    note = (
        f"{target}, the label, has no value in {_rows(len(missing))}{written}, "
        f"first {table.index(int(missing[0]))}; left out"
    )
    return table.take(np.flatnonzero(there)), (note,)


def check_column(table: Table, name: str) -> None:
    """Raise DatasetError where a table has no column of that name."""
    if name not in table.columns:
        raise DatasetError(f"the table has no column {name}; {_near(name, table)}")


def check_ties(table: Table, target: str | None, group: str | None, time: str | None) -> None:
    """Raise DatasetError for columns that cannot say which rows belong together."""
    if group and time:
        raise DatasetError("group and time: only one of them can say which rows are held out")
    for name, column in {"group": group, "time": time}.items():
        if column is not None:
            check_column(table, column)
        if column is not None and column == target:
            raise DatasetError(f"{name}: {column} is the label; another column is needed")


def _values(texts: Distinct) -> Distinct:
    return texts.without({word for word in texts.words if _is_missing(word, texts)})


def _is_missing(word: str, texts: Distinct) -> bool:
    # Among other codes of two capital letters, NA is one: Namibia.
    return word in MISSING and not (word in AMBIGUOUS and are_codes(texts))


def read_classes(
    table: Table, target: str, kind: Kind | None = None, merge_rare: str | None = None
) -> Read:
    """Return the target with its classes, and each row's class as an index into them.

    Classes are booleans where the table has true and false, integers, or else
    texts as the table spells them. `kind` says which. Those of too few rows are
    left out, or merged into one that `merge_rare` names. Raises DatasetError
    for classes that cannot be learnt.
    """
    texts = _values(distinct(table.columns[target]))
    classes, notes = _classes(table, target, texts, kind)
    counts = _counted(classes, texts.counts)
    if len(counts) == 1:
        raise DatasetError(f"column {target} holds one class only, in every row; two are needed")
    notes += _differ_in_case(target, counts)
    rare = sorted((c for c in counts if counts[c] < SMALLEST_CLASS), key=str)
    if rare and merge_rare is not None:
        notes.append(_merged(target, rare, counts, merge_rare))
        classes = [merge_rare if c in rare else _key(c) for c in classes]
        counts = _counted(classes, texts.counts)
        rare = [c for c in counts if counts[c] < SMALLEST_CLASS]
    if rare:
        notes.append(_left_out(target, rare, counts))
    kept = _ordered(counts.keys() - set(rare))
    _check_classes(target, kept)
    index = {value: place for place, value in enumerate(kept)}
    codes = np.array([index.get(value, -1) for value in classes], dtype=np.intp)[texts.codes]
    rows = np.flatnonzero(codes >= 0) if rare else None
    values = codes if rows is None else codes[rows]
    return Read(Target(target, kept), values, rows, tuple(notes))


# ---------------------------------------------------------------- which class a text is


def _classes(
    table: Table, target: str, texts: Distinct, kind: Kind | None
) -> tuple[list[Class], list[str]]:
    """Return the class of each text, and a note where several spell the same one."""
    words = texts.words
    if kind in ("boolean", "integer"):
        strangers = {word for word in words if not _fits(word, kind)}
        if strangers:
            where = table.index(texts.first(strangers))
            raise DatasetError(f"column {target}, {where}: not of kind {kind}")
    if kind == "boolean" or (kind is None and set(words) <= {"true", "false"}):
        return list(map(to_boolean, words)), []
    if kind in ("category", "text"):
        return list(words), []
    if all(word.lower() in BOOLEAN_WORDS for word in words):
        return _yes_and_no(target, texts)
    if all(map(is_number, words)) and not any(map(is_code, words)):
        return [int(float(w)) for w in words] if _are_whole(words) else list(words), []
    return list(words), []


def _fits(word: str, kind: Kind) -> bool:
    return _are_whole([word]) if kind == "integer" else fits(word, kind)


def _are_whole(words: Iterable[str]) -> bool:
    return all(is_number(word) and float(word).is_integer() for word in words)


def _yes_and_no(target: str, texts: Distinct) -> tuple[list[Class], list[str]]:
    """Call the two classes as the table spells them most often."""
    names: dict[bool, str] = {}
    notes = []
    for truth in (False, True):
        spelt = [word for word in texts.words if to_boolean(word) is truth]
        if spelt:
            names[truth] = max(sorted(spelt), key=lambda word: texts.by_word[word])
        if len(spelt) > 1:
            notes.append(f"{target}: {_listed(spelt)} are read as one class, {names[truth]!r}")
    return [names[to_boolean(word)] for word in texts.words], notes


def _counted(classes: Iterable[Class], counts: Iterable[int]) -> Counter[Class]:
    counted: Counter[Class] = Counter()
    for value, count in zip(classes, counts, strict=True):
        counted[value] += count
    return counted


def _ordered(classes: Iterable[Class]) -> tuple[Class, ...]:
    """Return the classes sorted, of yes and no the affirmative one last."""
    found = list(classes)
    if all(isinstance(c, str) and c.lower() in BOOLEAN_WORDS for c in found):
        return tuple(sorted(found, key=lambda c: (to_boolean(str(c)), str(c))))
    return tuple(sorted(found))


def _key(value: Class) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---------------------------------------------------------------- what is said, and refused


def _differ_in_case(target: str, counts: Iterable[Class]) -> list[str]:
    alike: dict[str, list[str]] = {}
    for value in sorted(map(str, counts)):
        alike.setdefault(value.casefold(), []).append(value)
    return [
        f"{target}: the classes {_listed(names)} differ in capitals only; they are kept apart"
        for names in alike.values()
        if len(names) > 1
    ]


def _merged(target: str, rare: list[Class], counts: Counter[Class], name: str) -> str:
    rows = sum(counts[c] for c in rare)
    return f"{target}: {_few(rare)}, {_rows(rows)} in all, merged into the class {name!r}"


def _left_out(target: str, rare: list[Class], counts: Counter[Class]) -> str:
    rows = sum(counts[c] for c in rare)
    if rows > counts.total() / 2:
        raise DatasetError(
            f"column {target}: {_few(rare)}, too few to split into training and hold-out; "
            "merge_rare merges them into one"
        )
    return f"{target}: {_few(rare)}, {_rows(rows)} in all, left out; merge_rare merges them"


def _few(rare: list[Class]) -> str:
    fewer = f"fewer than {SMALLEST_CLASS} rows"
    if len(rare) == 1:
        return f"class {_listed(map(str, rare))} has {fewer}"
    return f"{len(rare)} classes have {fewer}, {_listed(map(str, rare))}"


def are_numbered(values: NDArray[Any]) -> bool:
    """Tell whether numbers are those of classes: 0 or 1, and on without a gap, none rare."""
    numbers, counts = np.unique(values, return_counts=True)
    if not len(numbers) or counts.min() < SMALLEST_CLASS or (numbers % 1).any():
        return False
    return bool(numbers[0] in (0, 1) and numbers[-1] - numbers[0] + 1 == len(numbers))


def _check_classes(target: str, kept: tuple[Class, ...]) -> None:
    if len(kept) < 2:
        raise DatasetError(
            f"column {target}: only one class has {SMALLEST_CLASS} rows or more; two are needed"
        )


def _listed(words: Iterable[str]) -> str:
    given = list(words)
    shown = [repr(word[:LONGEST_NAME]) for word in given[:MOST_NAMED]]
    if len(given) > MOST_NAMED:
        return f"{', '.join(shown)} and {len(given) - MOST_NAMED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _near(target: str, table: Table) -> str:
    near = get_close_matches(target, table.columns, 1)
    return f"did you mean {near[0]}?" if near else f"it has {', '.join(table.columns)}"
