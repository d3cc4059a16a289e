"""A column read once: what its cells say, what kind of feature they make, and their values.

A column is looked at first, and decided when all of the table's columns are
known: what one leaves open (is 1.167 more than one, or over a thousand; is NA
a country, or nothing), others may say.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import LONGEST_NAME, DatasetError
from tables import arrays
from tables.cells import (
    ALWAYS_MISSING,
    AMBIGUOUS,
    BOOLEAN_WORDS,
    FEW_ROWS,
    FEWEST_KEPT,
    MISSING,
    MISSING_IN_NUMBERS,
    MOST_CATEGORIES,
    MOST_KEPT,
    fits,
    kind_of,
    mostly_numbers,
    read_numbers,
    read_value,
    spell,
    to_float32,
)
from tables.date_parts import chosen, encode_all, every_part, varying
from tables.dates import (
    EXCEL_MIDNIGHTS,
    DateFormat,
    Moment,
    Orders,
    Written,
    are_compact,
    first_number,
    isoformat,
    moment_of,
    moment_of_number,
    orders,
    take_apart,
    unit_of,
)
from tables.distinct import Distinct, distinct
from tables.numbers import (
    COMMA_LOCALE,
    MANY,
    PLAIN_NUMBERS,
    Candidates,
    NumberFormat,
    candidates,
    decide,
    describe,
    is_number,
    is_plain_integer,
    parts_of,
    plainly,
)
from tables.schema import Feature, Kind
from tables.scripts import is_unspaced
from tables.texts import Texts

# A category of more values than this is flagged.
MANY_CATEGORIES = 100
# A table's own texts may be private, and the example is shown to everybody.
TEXT_EXAMPLE = "some words"
# Integers up to this are themselves in 32 bits.
LARGEST_EXACT = 2**24
# A column with more words than these among its numbers is no column of numbers.
MOST_WORDS = 20

Cells = Sequence[Any]
Values = NDArray[np.float32] | list[str]
Where = Callable[[int], str]


class Column(NamedTuple):
    """What a column becomes: a feature and its values, or neither, and what its owner should know.

    `values` are float32 codes of all kinds but text, of a date `[n, parts]`, missing
    NaN, and texts otherwise.
    """

    feature: Feature | None
    values: Values
    notes: tuple[str, ...] = ()


class File(NamedTuple):
    """What all columns of a table say together.

    `delimiter` parts its cells, `decimal` is the sign before fractions if one is
    proven or given, and `missing` are the words that mean so among its numbers.
    `day_first` says whether the first number of its dates is the day, if that is so.
    """

    delimiter: str = ","
    decimal: str | None = None
    missing: frozenset[str] = frozenset()
    day_first: bool | None = None


# What a column may be said to be, to be read as numbers or dates; None is nothing said.
_AS_NUMBERS = (None, "number", "integer")
_AS_DATES = (None, "date")
NOTHING = Distinct([], [], np.empty(0, dtype=np.intp))


class Dates(NamedTuple):
    """The dates of a column, by its different texts, and what they say together."""

    orders: Orders
    written: list[Written]


class Look(NamedTuple):
    """A column looked at, and not yet decided.

    `numbers` are its values if they are plain numbers, `words` its texts
    otherwise; of these `found` says as which numbers they may be read, `dates`
    which dates they are, and `missing` which are no value, with how often.
    `moments` are its values if they are dates in ISO 8601.
    """

    cells: Cells
    numbers: arrays.Numbers | None
    words: Distinct
    found: Candidates | None = None
    dates: Dates | None = None
    moments: arrays.Moments | None = None
    missing: Mapping[str, int] = {}


def read_columns(
    columns: Mapping[str, Cells],
    where: Where,
    kinds: Mapping[str, Kind],
    aliases: Mapping[str, Mapping[str, str]],
    file: File,
) -> tuple[dict[str, Column], File]:
    """Read a table's columns: infer a feature of each from all cells, and encode them.

    `kinds` says what kind a column is, in place of what its cells say, `aliases`
    which further values mean a category, `where` where a row stands, and `file`
    what is known of the table beforehand; what is known then is returned too.
    Raises DatasetError, naming column and row, for a cell that does not go with
    the others.
    """
    looks = {name: look(cells, kinds.get(name)) for name, cells in columns.items()}
    file = together(file, looks.values())
    read = {
        name: _Decision(name, seen, kinds.get(name), aliases.get(name, {}), where, file).column()
        for name, seen in looks.items()
    }
    return read, file


# ---------------------------------------------------------------- looking


def look(cells: Cells, kind: Kind | None = None) -> Look:
    """Look at a column; `kind` says what it is to be read as."""
    if isinstance(cells, Texts) and (whole := _whole(cells, kind)) is not None:
        return whole
    return _look_at(distinct(cells), kind, cells)


def column_of_words(
    name: str,
    words: Distinct,
    kind: Kind | None,
    aliases: Mapping[str, str],
    file: File,
) -> Column:
    """Return what a column becomes of which only the different texts are known, and how often each.

    `values` are those of the texts. Raises DatasetError.
    """
    seen = _look_at(words, kind, words.words)
    return _Decision(name, seen, kind, aliases, lambda _: "some row", file).column()


def _look_at(found: Distinct, kind: Kind | None, cells: Cells) -> Look:
    words = found.without(ALWAYS_MISSING)
    if kind in _AS_NUMBERS:
        numbers, missing = _numbers_among(words, codes=kind is not None)
        if numbers is not None:
            return Look(cells, None, words, numbers, missing=missing)
    if kind in _AS_DATES:
        dates, missing = _dates_among(words)
        if dates is not None:
            return Look(cells, None, words, dates=dates, missing=missing)
    return Look(cells, None, words, missing=_missing_among_booleans(words))


def _whole(cells: Texts, kind: Kind | None) -> Look | None:
    """Look at a packed column that is plain numbers or dates, without looking at each cell."""
    numbers = arrays.read_numbers(cells) if kind in _AS_NUMBERS else None
    if numbers is not None:
        return Look(cells, numbers, NOTHING, missing=numbers.words)
    moments = arrays.read_moments(cells) if kind in _AS_DATES else None
    return None if moments is None else Look(cells, None, NOTHING, moments=moments)


def together(file: File, looks: Iterable[Look]) -> File:
    """Return what the columns say together: how they are written, and their words for missing."""
    signs: Counter[str] = Counter()
    days: Counter[bool] = Counter()
    missing: set[str] = set()
    for seen in looks:
        missing.update(seen.missing)
        decided = seen.numbers or seen.found
        if decided is not None and decided.decimal is not None:
            signs[decided.decimal] += 1
        if seen.dates is not None and seen.dates.orders.day_first is not None:
            days[seen.dates.orders.day_first] += 1
    day_first = _commonest(days) if file.day_first is None else file.day_first
    return file._replace(
        decimal=file.decimal or _commonest(signs), missing=frozenset(missing), day_first=day_first
    )


def _commonest(votes: Counter[Any]) -> Any:
    return max(votes, key=lambda vote: votes[vote], default=None)


def _numbers_among(words: Distinct, codes: bool) -> tuple[Candidates | None, dict[str, int]]:
    numbers, others = _parted(words, lambda word: parts_of(word) is not None)
    if not numbers or not _mean_nothing(others, len(numbers)):
        return None, {}
    return candidates(numbers, codes), others


def _dates_among(words: Distinct) -> tuple[Dates | None, dict[str, int]]:
    read: list[Written] = []

    def is_one(word: str) -> bool:
        found = take_apart(word)
        if found is not None:
            read.append(found)
        return found is not None

    _, others = _parted(words, is_one)
    if not read or not _mean_nothing(others, len(read)):
        return None, {}
    said = orders(read)
    return (None, {}) if said is None else (Dates(said, read), others)


def _parted(words: Distinct, good: Callable[[str], bool]) -> tuple[list[str], dict[str, int]]:
    """Part the words that are good from others; of these no more than it takes to see that."""
    found: list[str] = []
    others: dict[str, int] = {}
    for word, count in zip(words.words, words.counts, strict=True):
        if good(word):
            found.append(word)
        else:
            others[word] = count
            if len(others) > MOST_WORDS:
                break
    return found, others


def _mean_nothing(others: Mapping[str, int], values: int) -> bool:
    """Whether the words among so many different values say that there is none."""
    if others.keys() <= MISSING:
        return True
    strange = [word for word in others if word.lower() not in MISSING_IN_NUMBERS]
    if not strange:
        return values > 1
    # One word that recurs among many numbers is this table's own for a missing one.
    (first, *more) = strange
    return not more and others[first] > 1 and values >= MANY and not any(map(str.isdigit, first))


def _missing_among_booleans(words: Distinct) -> dict[str, int]:
    _, others = _parted(words, lambda word: word.lower() in BOOLEAN_WORDS)
    return others if len(others) < len(words.words) and others.keys() <= AMBIGUOUS else {}


# ---------------------------------------------------------------- deciding


class _Decision:
    """What a column becomes, once the others are known."""

    def __init__(
        self,
        name: str,
        seen: Look,
        kind: Kind | None,
        aliases: Mapping[str, str],
        where: Where,
        file: File,
    ) -> None:
        self.name, self.seen, self.kind, self.aliases = name, seen, kind, aliases
        self.where, self.file = where, file
        self.notes: list[str] = []

    def column(self) -> Column:
        """Return the column. Raises DatasetError."""
        if self.seen.numbers is not None:
            numbers = self.seen.numbers
            return self._of_numbers(numbers.values, numbers.there, numbers.format, None)
        if self.seen.moments is not None:
            return self._of_rows(self.seen.moments)
        if not self.seen.words.words:
            return self._left_out("has no value in any row")
        if self.seen.dates is not None:
            return self._of_dates(self.seen.words.without(self.seen.missing), self.seen.dates)
        if self.kind == "date":
            words = self.seen.words.without(MISSING)
            return (
                self._of_counted(words)
                if words.words
                else self._left_out("has no value in any row")
            )
        if self.seen.found is not None:
            return self._of_written_numbers(self.seen.found)
        return self._of_words()

    def _left_out(self, why: str) -> Column:
        return Column(None, [], (*self.notes, f"{self.name} {why}; it is left out"))

    def _refuse(self, row: int, why: str) -> DatasetError:
        return DatasetError(f"column {self.name}, {self.where(row)}: {why}")

    # ------------------------------------------------ numbers

    def _of_written_numbers(self, found: Candidates) -> Column:
        written, why = decide(found, self.file.decimal, self.file.delimiter)
        words = self.seen.words.without(self.seen.missing)
        plain: list[Any] = [plainly(word, written) for word in words.words]
        whole = all(map(is_plain_integer, plain)) and not written.affix
        values: NDArray[Any] = (
            np.array(list(map(int, plain)), dtype=np.int64)
            if whole
            else np.array(list(map(float, plain)), dtype=np.float64)
        )
        return self._of_numbers(words.spread(values, 0), words.codes >= 0, written, why)

    def _of_numbers(
        self,
        values: NDArray[Any],
        there: NDArray[np.bool_],
        written: NumberFormat,
        why: str | None,
    ) -> Column:
        if self.kind is None and are_compact(values[there]):
            return self._of_compact(values, there)
        kind = self.kind or ("integer" if values.dtype == np.int64 else "number")
        if kind == "integer" and values.dtype != np.int64:
            broken = there & (values % 1 != 0)
            row = int((broken if broken.any() else there).argmax())
            raise self._refuse(row, f"not of kind {kind}")
        present = values[there] if kind == "integer" else values[there].astype(np.float64)
        matrix = np.full(len(values), np.nan, dtype=np.float32)
        with np.errstate(over="ignore"):
            matrix[there] = present.astype(np.float64).astype(np.float32)
        if np.isinf(matrix).any():
            row = int(np.isinf(matrix).argmax())
            raise self._refuse(row, "the number is too large for 32 bits")
        self._note_format(written, why, kind == "integer")
        self._note_missing()
        low, high = present.min(), present.max()
        if low == high:
            return self._left_out("has the same value wherever it has one")
        self._note_integers(kind, present)
        middle = (len(present) - 1) // 2
        feature = Feature(
            self.name,
            kind,
            not bool(there.all()),
            minimum=float(low),
            maximum=float(high),
            example=np.partition(present, middle)[middle].item(),
            written=None if written == PLAIN_NUMBERS else written,
            missing=self._further(self.seen.missing),
        )
        return Column(feature, matrix, tuple(self.notes))

    def _note_format(self, written: NumberFormat, why: str | None, whole: bool) -> None:
        if written != PLAIN_NUMBERS:
            said = f"{self.name} has {describe(written, whole)}, read as numbers"
            self.notes.append(said + (f", {why}; decimal says otherwise" if why else ""))
        elif why:
            self.notes.append(
                f"{self.name} has decimal points before three digits each, {why}; "
                "decimal says otherwise"
            )

    def _note_missing(self) -> None:
        words = self._further(self.seen.missing)
        if words:
            shown = ", ".join(repr(word[:LONGEST_NAME]) for word in words)
            rows = sum(self.seen.missing[word] for word in words)
            count = "1 row" if rows == 1 else f"{rows} rows"
            self.notes.append(f"{self.name}: {shown} is read as missing, in {count}")

    @staticmethod
    def _further(words: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(set(words) - MISSING))

    def _note_integers(self, kind: Kind, present: NDArray[Any]) -> None:
        if kind != "integer":
            return
        if len(present) >= FEW_ROWS and _all_differ(present):
            self.notes.append(
                f"{self.name} looks like an identifier: a different integer in every row; "
                "it is kept, leave it out of the table if it is one"
            )
        if max(-present.min(), present.max()) > LARGEST_EXACT:
            exact = np.unique(present)
            kept = len(np.unique(exact.astype(np.float32)))
            if kept < len(exact):
                self.notes.append(
                    f"{self.name} has {len(exact)} different integers, "
                    f"of which 32 bits tell {kept} apart"
                )

    # ------------------------------------------------ dates

    def _of_dates(self, words: Distinct, dates: Dates) -> Column:
        said = dates.orders
        comma = self.file.decimal == "," or self.file.delimiter == ";"
        day_first, why = first_number(said, self.file.day_first, comma)
        how = DateFormat(day_first, said.shape, zone=said.zone)
        moments = [moment_of(written, how) for written in dates.written]
        if why:
            first = "day" if day_first else "month"
            self.notes.append(
                f"{self.name} has dates that leave open what is the day: the {first} is read "
                f"first, {why}; day_first says otherwise"
            )
        if said.mixed:
            self.notes.append(f"{self.name} has offsets from UTC that differ: UTC's clock is read")
        return self._of_moments(words, moments, how)

    def _of_compact(self, values: NDArray[Any], there: NDArray[np.bool_]) -> Column:
        unique, inverse = np.unique(values[there].astype(np.int64), return_inverse=True)
        self.notes.append(f"{self.name} has numbers such as {unique[0]}, read as dates")
        codes = np.full(len(values), -1, dtype=np.intp)
        codes[there] = inverse
        words = [str(value) for value in unique]
        how = DateFormat(unit="ymd")
        moments = [moment_of(written, how) for written in map(take_apart, words) if written]
        return self._of_moments(Distinct(words, [], codes), moments, how)

    def _of_counted(self, words: Distinct) -> Column:
        """Read numbers as dates, because their owner says so: by what they must count."""
        strangers = {word for word in words.words if not is_number(word)}
        if strangers:
            no_dates = {word for word in strangers if take_apart(word) is None}
            raise self._refuse(words.first(no_dates or strangers), "not of kind date")
        numbers = [float(word) for word in words.words]
        unit = unit_of(min(numbers), max(numbers))
        if unit is None:
            raise self._refuse(0, "no date: expected seconds since 1970, or days of Excel")
        counted = {"excel": "Excel's days", "ms": "milliseconds", "us": "microseconds"}
        self.notes.append(
            f"{self.name} has {counted.get(unit, 'seconds since 1970')}, read as dates"
        )
        moments = [moment_of_number(number, unit) for number in numbers]
        return self._of_moments(words, moments, DateFormat(unit=unit, zone=0))

    def _of_rows(self, found: arrays.Moments) -> Column:
        rows = np.flatnonzero(found.there)
        codes = np.where(found.there, np.cumsum(found.there) - 1, -1)
        days, seconds = found.days[rows], found.seconds[rows]
        if set(days[:1]) <= EXCEL_MIDNIGHTS and (days == days[0]).all():
            return self._of_clocks(seconds, rows, codes)
        return self._of_parts(
            days, seconds, codes, DateFormat(), lambda at: self.seen.cells[rows[at]]
        )

    def _of_clocks(
        self, seconds: NDArray[np.float64], rows: NDArray[np.intp], codes: NDArray[np.intp]
    ) -> Column:
        """Read a workbook's times of day, which have a day as well."""
        how, days = DateFormat(shape="clock"), np.zeros(len(rows), dtype=np.int64)
        return self._of_parts(days, seconds, codes, how, lambda at: self.seen.cells[rows[at]][11:])

    def _of_moments(
        self, words: Distinct, found: Sequence[Moment | None], how: DateFormat
    ) -> Column:
        moments = [moment for moment in found if moment is not None]
        if len(moments) < len(found):
            outside = {w for w, m in zip(words.words, found, strict=True) if m is None}
            raise self._refuse(words.first(outside), "no date between the years 1 and 9999")
        self._note_missing()
        days = np.array([moment.day for moment in moments], dtype=np.int64)
        seconds = np.array([moment.second for moment in moments], dtype=np.float64)
        return self._of_parts(days, seconds, words.codes, how, words.words.__getitem__)

    def _of_parts(
        self,
        days: NDArray[np.int64],
        seconds: NDArray[np.float64],
        codes: NDArray[np.intp],
        how: DateFormat,
        word: Callable[[int], str],
    ) -> Column:
        parts = every_part(days, seconds)
        kept = varying(parts, how.shape == "yearless")
        if not kept:
            return self._left_out("has the same value wherever it has one")
        order = np.lexsort((seconds, days))
        # Each moment once, in the spelling that comes first.
        changes = (np.diff(days[order]) != 0) | (np.diff(seconds[order]) != 0)
        order = order[np.append(True, changes)]
        first, middle, last = (int(order[at]) for at in (0, (len(order) - 1) // 2, -1))
        ends = [Moment(int(days[at]), float(seconds[at])) for at in (first, last)]
        how = msgspec.structs.replace(
            how, parts=kept, first=isoformat(ends[0], how), last=isoformat(ends[1], how)
        )
        feature = Feature(
            self.name,
            "date",
            bool((codes < 0).any()),
            example=word(middle),
            missing=self._further(self.seen.missing),
            dates=how,
        )
        rows = with_missing(parts[:, chosen(how)].astype(np.float32))[codes]
        return Column(feature, rows, tuple(self.notes))

    # ------------------------------------------------ words

    def _of_words(self) -> Column:
        words, missing = self._without_missing()
        if not words.words:
            return self._left_out("has no value in any row")
        kind = self.kind or kind_of(words.by_word)
        if kind is None:
            return self._left_out("holds dates that contradict each other: is the day first?")
        self._check_words(words, kind)
        if kind == "category" and self.kind is None and _all_once(words):
            return self._left_out(
                "looks like an identifier: a different value in every row; kind text says otherwise"
            )
        if kind == "text":
            return self._of_texts()
        return self._of_codes(words, kind, missing)

    def _without_missing(self) -> tuple[Distinct, tuple[str, ...]]:
        """Return the column without the words that are missing values in this file."""
        words = self.seen.words
        missing = {word for word in words.words if word in self.file.missing}
        missing |= set(self.seen.missing)
        ambiguous = AMBIGUOUS & set(words.words)
        if ambiguous and are_codes(words):
            missing -= ambiguous
        kept = sorted(ambiguous - missing)
        if kept and self.kind != "text":
            self.notes.append(f"{self.name}: {', '.join(kept)} is read as a value, not as missing")
        return words.without(missing), self._further(missing)

    def _check_words(self, words: Distinct, kind: Kind) -> None:
        strangers = {word for word in words.words if not fits(word, kind)}
        if strangers:
            raise self._refuse(words.first(strangers), f"not of kind {kind}")
        if self.kind is None and kind in ("category", "text") and mostly_numbers(words.by_word):
            others = {word for word in words.words if not is_number(word)}
            raise self._refuse(
                words.first(others),
                "not a number, as nearly all of the column is; correct it or leave it empty",
            )

    def _of_texts(self) -> Column:
        values = as_texts(self.seen.cells)
        there = {value for value in values if value}
        if len(there) == 1:
            return self._left_out("has the same value wherever it has one")
        unspaced = is_unspaced(value for value in values if value)
        feature = Feature(self.name, "text", "" in values, example=TEXT_EXAMPLE, unspaced=unspaced)
        return Column(feature, values, tuple(self.notes))

    def _of_codes(self, words: Distinct, kind: Kind, missing: tuple[str, ...]) -> Column:
        read = [read_value(self.aliases.get(word, word), kind) for word in words.words]
        counts: Counter[Any] = Counter()
        for value, count in zip(read, words.counts, strict=True):
            counts[value] += count
        if len(counts) == 1:
            return self._left_out("has the same value wherever it has one")
        kept = _kept(counts) if kind == "category" else set()
        other = len(kept) < len(counts) and kind == "category"
        if other and not kept:
            return self._left_out(
                "looks like an identifier: hardly a value recurs; kind text says otherwise"
            )
        categories = tuple(sorted(kept))
        feature = Feature(
            self.name,
            kind,
            bool((words.codes < 0).any()),
            categories,
            {alias: known for alias, known in self.aliases.items() if known in categories},
            example=min(kept or counts, key=lambda value: (-counts[value], value)),
            missing=missing,
            other=other,
        )
        if other:
            self.notes.append(
                f"{self.name} has {len(counts)} categories in {counts.total()} rows: the "
                f"{len(kept)} commonest are told apart, and the rest are one"
            )
        elif kind == "category" and len(words.words) > min(MANY_CATEGORIES, counts.total() / 2):
            self.notes.append(
                f"{self.name} has {len(words.words)} categories in {counts.total()} rows"
            )
        codes = _codes(feature, read)
        return Column(feature, words.spread(codes, math.nan), tuple(self.notes))


def _kept(counts: Counter[str]) -> set[str]:
    """Return the categories to tell apart: all of them, but of too many only the commonest."""
    if len(counts) <= MOST_CATEGORIES:
        return set(counts)
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    kept = {value for value in ordered[:MOST_KEPT] if counts[value] >= FEWEST_KEPT}
    # One that would mean missing elsewhere is read as a value only if it is known.
    return kept and kept | (counts.keys() & MISSING)


def _all_differ(values: NDArray[Any]) -> bool:
    """Whether no value stands twice; most columns show one that does among their first."""
    head = values[:1000]
    return len(np.unique(head)) == len(head) and len(np.unique(values)) == len(values)


def _all_once(words: Distinct) -> bool:
    return len(words.words) == sum(words.counts) >= FEW_ROWS


def are_codes(words: Distinct) -> bool:
    """Whether a column is of two capital letters each, as countries and states are."""
    return len(words.words) > 2 and all(len(w) == 2 and w.isupper() for w in words.words)


# ---------------------------------------------------------------- encoding


def as_texts(cells: Cells) -> list[str]:
    """Return cells as texts, an empty one where one is missing."""
    return ["" if cell is None or cell.strip() in MISSING else cell for cell in cells]


def as_columns(values: Values) -> NDArray[np.float32]:
    """Return a feature's values as columns of the matrix, `[n, columns]`."""
    found = np.asarray(values)
    return found if found.ndim == 2 else found[:, np.newaxis]


def formats_of(feature: Feature, model: str = ".", same: bool = True) -> tuple[NumberFormat, ...]:
    """Return how a row may write a feature's numbers, the likeliest first.

    `model` is the decimal sign of the model's file; `same` says that rows are
    delimited as that file was, so that they are most likely of its locale.
    """
    own = feature.written or (COMMA_LOCALE if model == "," else PLAIN_NUMBERS)
    formats = (own, PLAIN_NUMBERS) if same else (PLAIN_NUMBERS, own, COMMA_LOCALE)
    return tuple(dict.fromkeys(formats))


def missing_of(feature: Feature) -> frozenset[str]:
    """Return the words that mean a missing value of a feature; a category may be any word."""
    if feature.kind == "category" and not feature.nullable:
        return frozenset({""})
    return (MISSING | set(feature.missing)) - set(feature.categories) - feature.aliases.keys()


def encode_column(feature: Feature, cells: Cells, formats: Sequence[NumberFormat]) -> Values:
    """Encode cells as the values of a feature that is known. Raises ValueError."""
    if feature.kind == "text":
        return as_texts(cells)
    if feature.kind in ("number", "integer"):
        return _encode_numbers(feature, cells, formats)
    if feature.dates is not None:
        return _encode_dates(feature, feature.dates, cells)
    words = distinct(cells).without(missing_of(feature))
    values = [read_value(word, feature.kind) for word in words.words]
    return words.spread(_codes(feature, values), math.nan)


def _encode_dates(feature: Feature, how: DateFormat, cells: Cells) -> NDArray[np.float32]:
    plain = how.shape == "date" and not how.unit
    moments = arrays.read_moments(cells) if plain and isinstance(cells, Texts) else None
    if moments is None:
        words = distinct(cells).without(missing_of(feature))
        return with_missing(encode_all(words.words, how))[words.codes]
    parts = every_part(moments.days, moments.seconds)[:, chosen(how)].astype(np.float32)
    parts[~moments.there] = np.nan
    return parts


def with_missing(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of parts, and a last one of a missing date."""
    return np.vstack([parts, np.full((1, parts.shape[1]), np.nan, np.float32)])


def _encode_numbers(
    feature: Feature, cells: Cells, formats: Sequence[NumberFormat]
) -> NDArray[np.float32]:
    numbers = arrays.read_numbers(cells) if isinstance(cells, Texts) else None
    if (
        numbers is not None
        and numbers.format in formats
        and numbers.words.keys() <= missing_of(feature)
    ):
        doubles = np.where(numbers.there, numbers.values, np.nan)
    else:
        doubles = _read_numbers(feature, cells, formats)
    with np.errstate(over="ignore"):
        return doubles.astype(np.float32)


def _read_numbers(
    feature: Feature, cells: Cells, formats: Sequence[NumberFormat]
) -> NDArray[np.float64]:
    missing = missing_of(feature)
    texts = cells if isinstance(cells, Texts) else [spell(cell) or "" for cell in cells]
    for written in formats:
        read = read_numbers(texts, missing, written)
        if read is not None:
            return np.array(read, dtype=np.float64)
    raise ValueError(f"not of kind {feature.kind}")


def _codes(feature: Feature, values: list[Any]) -> NDArray[np.float32]:
    if feature.kind != "category":
        return to_float32(values)
    codes = {category: float(index) for index, category in enumerate(feature.categories)}
    codes |= {alias: codes[category] for alias, category in feature.aliases.items()}
    return to_float32([codes.get(value, feature.fallback) for value in values])
