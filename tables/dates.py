"""Dates and times: which texts are one, what they say, and how a column writes them.

A text is taken apart by itself; whether 01/05/2024 is in January or in May is decided
by the column. The same reading serves a table to learn from and the rows of requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Shape = Literal["date", "yearless", "clock"]
Order = Literal["", "open", "day", "month"]
Unit = Literal["", "ymd", "s", "ms", "us", "excel"]

LONGEST = 50
# Days that are kept read; most tables come back to few of them.
KEPT = 16_384
EPOCH = date(1970, 1, 1).toordinal()
DAY = 86_400
# Excel's day 0, counted from 1970.
EXCEL = -25_569
# What stands for no day before a time of day.
EXCEL_MIDNIGHTS = frozenset({EXCEL, EXCEL + 1})
# A year that every day of a year without one is read in: it has a 29 February.
LEAP_YEAR = 2000
# Two digits below this are of this century, as in POSIX.
CENTURY = 69
MOST_ZONE = 14 * 60
# Integers within these may be dates, if so many different ones are.
EARLIEST_COMPACT, LATEST_COMPACT, FEWEST_COMPACT = 1900_01_01, 2099_12_31, 5
# Numbers below these are Excel's days until 2310, or seconds until 2286, milliseconds and so on.
LATEST_EXCEL, LATEST_SECOND = 150_000, 1e10
_SINCE_1970: dict[Unit, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_SECONDS: dict[Unit, float] = {**_SINCE_1970, "excel": float(DAY)}

# A month's names in English, Portuguese, Spanish, French and German.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janeiro ene enero janv janvier januar",
            "feb february fev fevereiro febrero févr fév février februar",
            "mar march março marco marzo mars märz mrz",
            "apr april abr abril avr avril",
            "may mai maio mayo",
            "jun june junho junio juin juni",
            "jul july julho julio juil juillet juli",
            "aug august ago agosto août aout",
            "sep sept september set setembro septiembre septembre",
            "oct october out outubro octubre octobre okt oktober",
            "nov november novembro noviembre novembre",
            "dec december dez dezembro dic diciembre déc décembre dezember",
        ),
        start=1,
    )
    for name in names.split()
}
_WEEKDAYS = frozenset(
    (
        *("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        *("seg", "ter", "qua", "qui", "sex", "sab", "sáb", "dom"),
        *("lun", "mié", "mie", "jue", "vie", "mer", "jeu", "ven", "sam", "dim"),
        *("die", "mit", "don", "fre", "son"),
    )
)
_FILLERS = frozenset(("de", "del", "of", "the", "st", "nd", "rd", "th", "at", "às", "as", "um"))
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120,
    "eet": 120, "eest": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420,
    "mdt": -360, "pst": -480, "pdt": -420, "brt": -180, "brst": -120, "jst": 540, "aest": 600,
    "aedt": 660,
}  # fmt: skip

_CLOCK = re.compile(
    r"(?:^|[T ,]) ?([0-2]?[0-9])(?:[:h]([0-5][0-9])(?::([0-6][0-9](?:[.,][0-9]{1,9})?))?)?"
    r"(?: ?([AaPp])\.?[Mm]\.?)?(?: ?([A-Za-z]{1,4}|[+-][0-9]{2}(?::?[0-9]{2})?))?(?: \([A-Z]+\))?$"
)
# As the C library writes a time: the year behind the clock.
_YEAR_LAST = re.compile(r"(.+) ([0-9]{1,2}:[0-9:]{2,5}(?: [A-Z]{3,4}| [+-][0-9]{4})?) ([0-9]{4})")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_YEAR_BEHIND = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_COMPACT = re.compile(
    r"((?:1[5-9]|2[01])[0-9]{2})([0-9]{2})([0-9]{2})"
    r"(?:T?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])?Z?)?"
)
_MONTH_OF_YEAR = re.compile(r"((?:1[5-9]|2[01])[0-9]{2})[-/](0[1-9]|1[0-2])")
_YEAR_OF_MONTH = re.compile(r"(0?[1-9]|1[0-2])/((?:1[5-9]|2[01])[0-9]{2})")
_NO_YEAR = re.compile(r"([0-9]{2})/([0-9]{2})")
_NAMED = re.compile(r"[\w .,/ºª'-]+")
_TOKENS = re.compile(r"[0-9]+|[^\W\d_]+")


class DateFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a column writes its dates, and what of them a model reads.

    `day_first` says that of two numbers the first is the day. `shape` tells dates
    from days without a year and from times of day alone. `unit` is what its numbers
    count: seconds, milliseconds or microseconds since 1970, or Excel's days; `ymd` is
    20240105. Where it has none, dates are texts. `zone` is the offset from UTC in
    minutes that all of them have; None where they have none. `parts` are its columns
    of the matrix (see `tables.date_parts`), `first` and `last` its range in training,
    in ISO 8601.
    """

    day_first: bool = False
    shape: Shape = "date"
    unit: Unit = ""
    zone: int | None = None
    parts: tuple[str, ...] = ()
    first: str = ""
    last: str = ""


class Written(NamedTuple):
    """A date taken apart; where its order is open, the first of two numbers is `month`."""

    year: int
    month: int
    day: int
    second: float = 0.0
    zone: int | None = None
    shape: Shape = "date"
    order: Order = ""
    sign: str = ""


_MIDNIGHT = datetime.combine(date(1970, 1, 1), time())
_NO_DAY = Written(1970, 1, 1, shape="clock")


class Moment(NamedTuple):
    """A day, counted from 1970, and the seconds that have passed in it."""

    day: int
    second: float


class Orders(NamedTuple):
    """What the dates of a column say: their shape, offset, and which number is the day.

    `mixed` says that their offsets differ. `day_first` is None where no date has a
    number above 12; `sign` then stands between the two, and is empty where the
    question does not arise.
    """

    shape: Shape
    zone: int | None
    mixed: bool
    day_first: bool | None
    sign: str


# ---------------------------------------------------------------- one text


def is_date(text: str) -> bool:
    """Whether a stripped text is a date, a time, or both, in a spelling that people have."""
    return take_apart(text) is not None


def take_apart(text: str) -> Written | None:
    """Return what a stripped text says as a date, a time, or both; None if it is none."""
    if not 4 <= len(text) <= LONGEST:
        return None
    if text[4:5] == "-" and text[7:8] == "-" and text.isascii():
        found = _iso(text)
        if found is not None:
            return found
    if text[-5:-4] == " " and (last := _YEAR_LAST.fullmatch(text)):
        text = f"{last[1]} {last[3]} {last[2]}"
    return _with_clock(text)


def _iso(text: str) -> Written | None:
    if len(text) != 10 and (len(text) < 16 or text[10] not in "T "):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    second = found.hour * 3600 + found.minute * 60 + found.second + found.microsecond / 1e6
    offset = found.utcoffset()
    zone = None if offset is None else int(offset / timedelta(minutes=1))
    return Written(found.year, found.month, found.day, second, zone)


def _with_clock(text: str) -> Written | None:
    if compact := _COMPACT.fullmatch(text):
        return _compact(compact)
    clock = _CLOCK.search(text)
    if clock is None or not (clock[2] or clock[4]):
        return _day(text)
    second, zone = _second(clock), _zone(clock[5])
    if second is None or (clock[5] and zone is None):
        return None
    head = text[: clock.start()].rstrip(" ,")
    day = _day(head) if head else _NO_DAY
    return None if day is None else day._replace(second=second, zone=zone)


def _second(clock: re.Match[str]) -> float | None:
    hour, half = int(clock[1]), (clock[4] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half == "p")
    second = float((clock[3] or "0").replace(",", "."))
    if hour > 23 or second >= 61:
        return None
    # A leap second is read as the one before it.
    return hour * 3600 + int(clock[2] or 0) * 60 + min(second, 59.999999)


def _zone(text: str | None) -> int | None:
    if not text:
        return None
    if text[0] in "+-":
        digits = text[1:].replace(":", "").ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        return (-minutes if text[0] == "-" else minutes) if minutes <= MOST_ZONE else None
    return _ZONES.get(text.lower())


def _compact(found: re.Match[str]) -> Written | None:
    hour, minute, second = (int(found[i] or 0) for i in (4, 5, 6))
    zone = 0 if found[0].endswith("Z") else None
    return _there(
        Written(
            int(found[1]),
            int(found[2]),
            int(found[3]),
            float(hour * 3600 + minute * 60 + second),
            zone,
        )
    )


@lru_cache(KEPT)
def _day(text: str) -> Written | None:
    if found := _YEAR_FIRST.fullmatch(text):
        return _there(Written(int(found[1]), int(found[3]), int(found[4])))
    if found := _YEAR_BEHIND.fullmatch(text):
        first, last = int(found[1]), int(found[3])
        return _ordered(Written(_year(found[4]), first, last, sign=found[2]))
    if found := _MONTH_OF_YEAR.fullmatch(text):
        return Written(int(found[1]), int(found[2]), 1)
    if found := _YEAR_OF_MONTH.fullmatch(text):
        return Written(int(found[2]), int(found[1]), 1)
    if found := _NO_YEAR.fullmatch(text):
        first, last = int(found[1]), int(found[2])
        return _ordered(Written(LEAP_YEAR, first, last, shape="yearless", sign="/"))
    return _named(text) if _NAMED.fullmatch(text) else None


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (2000 if year < CENTURY else 1900)


def _ordered(made: Written) -> Written | None:
    """Say of a date of two numbers which is the day, if one of them is above 12."""
    if made.month > 12:
        return _there(made._replace(month=made.day, day=made.month, order="day"))
    return _there(made._replace(order="month" if made.day > 12 else "open"))


def _there(made: Written) -> Written | None:
    """Return the date if the calendar has it."""
    try:
        date(made.year, made.month, made.day)
    except ValueError:
        return None
    return made


def _named(text: str) -> Written | None:
    tokens = [t for t in _TOKENS.findall(text.lower()) if t not in _FILLERS]
    while tokens and tokens[0] not in _MONTHS and tokens[0][:3] in _WEEKDAYS:
        tokens = [t for t in tokens[1:] if t != "feira"]
    names = [i for i, token in enumerate(tokens) if token in _MONTHS]
    if len(names) != 1:
        return None
    month = _MONTHS[tokens.pop(names[0])]
    if not all(map(str.isdecimal, tokens)):
        return None
    return _beside(tokens, month, yearly=names[0] == 0 and "-" in text)


def _beside(numbers: list[str], month: int, yearly: bool) -> Written | None:
    """Return the date of the numbers beside a month's name; of `Jan-24` the year, if `yearly`."""
    match numbers:
        case [year, day] if len(year) == 4 and len(day) <= 2:
            return _there(Written(int(year), month, int(day)))
        case [day, year] if len(day) <= 2 and len(year) in (2, 4):
            return _there(Written(_year(year), month, int(day)))
        case [year] if len(year) == 4 or (len(year) == 2 and yearly):
            return _there(Written(_year(year), month, 1))
        case [day] if len(day) <= 2:
            return _there(Written(LEAP_YEAR, month, int(day), shape="yearless"))
    return None


# ---------------------------------------------------------------- a column


def orders(dates: Iterable[Written]) -> Orders | None:
    """Return what all of these dates say together; None if they contradict each other."""
    found = list(dates)
    shapes, zones = {one.shape for one in found}, {one.zone for one in found}
    days = {one.order for one in found} - {""}
    if len(shapes) != 1 or {"day", "month"} <= days:
        return None
    sign = next((one.sign for one in found if one.order == "open"), "")
    proven = None if days <= {"open"} else "day" in days
    # Offsets that differ are all told by UTC's clock.
    zone = zones.pop() if len(zones) == 1 else 0
    return Orders(shapes.pop(), zone, bool(zones), proven, "" if proven is not None else sign)


def first_number(found: Orders, day_first: bool | None, comma: bool) -> tuple[bool, str]:
    """Return whether a column's first number is the day, and why, where it leaves that open.

    `day_first` is what the table's owner or its other columns say, and `comma` that
    it is written as in countries with decimal commas.
    """
    if found.day_first is not None or not found.sign:
        return bool(found.day_first), ""
    if day_first is not None:
        return day_first, "as the table's other dates are"
    if found.sign == ".":
        return True, "as dates with points are"
    return comma, f"as where decimals have {'commas' if comma else 'points'}"


def moment_of(written: Written, how: DateFormat) -> Moment | None:
    """Return when a date is, by a column's order and offset; None if it is no such date."""
    if written.shape != how.shape:
        if written.shape != "date":
            return None
        written = _reshaped(written, how.shape)
    year, month, day, second, zone = written[:5]
    if how.day_first and written.order == "open":
        month, day = day, month
    elif written.order == ("month" if how.day_first else "day"):
        return None
    number = date(year, month, day).toordinal() - EPOCH
    if zone is None or how.zone is None or zone == how.zone:
        return Moment(number, second)
    days, second = divmod(second + (how.zone - zone) * 60, DAY)
    number = 0 if how.shape == "clock" else number + int(days)
    return Moment(number, second) if in_calendar(number) else None


def _reshaped(written: Written, shape: Shape) -> Written:
    """Return the part of a whole date that a column without years, or without days, has."""
    if shape == "clock":
        return Written(1970, 1, 1, written.second, written.zone, "clock")
    return written._replace(year=LEAP_YEAR, shape=shape)


def moment_of_number(number: float, unit: Unit) -> Moment | None:
    """Return when so many units since 1970, or Excel's days, are; None outside the calendar."""
    days, second = divmod(round(number * _SECONDS[unit], 6), DAY)
    day = int(days) + (EXCEL if unit == "excel" else 0)
    # Excel keeps a fraction of a day, which is a whole second nearly always.
    second = round(second, 3) % DAY if unit == "excel" else second
    return Moment(day, second) if in_calendar(day) else None


def in_calendar(day: int) -> bool:
    """Whether Python's calendar has the day: the years 1 to 9999."""
    return date.min.toordinal() <= day + EPOCH <= date.max.toordinal()


def read_moment(value: str | float, how: DateFormat) -> Moment | None:
    """Return when a value of a column is, a text or a number; None if it is no date."""
    text = value.strip() if isinstance(value, str) else _plain(value)
    if how.unit in _SECONDS and (number := _number(text)) is not None:
        return moment_of_number(number, how.unit)
    # A column of integers that has gaps is one of floats to many a program.
    written = take_apart(text.removesuffix(".0") if how.unit else text)
    return None if written is None else moment_of(written, how)


def _plain(value: float) -> str:
    return str(int(value)) if abs(value) < 1e18 and value == int(value) else repr(value)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e18 else None


def unit_of(low: float, high: float) -> Unit | None:
    """Return what numbers from `low` to `high` count, if they are dates; None if they cannot be."""
    if low >= 1 and high < LATEST_EXCEL:
        return "excel"
    found = [unit for unit, seconds in _SINCE_1970.items() if high * seconds < LATEST_SECOND]
    return found[0] if found else None


def are_compact(values: NDArray[Any]) -> bool:
    """Whether numbers are dates such as 20240105: all of them, and too many for an accident."""
    low, high = values.min(), values.max()
    if not EARLIEST_COMPACT <= low <= high <= LATEST_COMPACT or (values % 1).any():
        return False
    unique = np.unique(values.astype(np.int64))
    months, days = unique // 100 % 100, unique % 100
    plausible = (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    return (
        len(unique) >= FEWEST_COMPACT
        and bool(plausible.all())
        and all(is_date(str(value)) for value in unique.tolist())
    )


def isoformat(moment: Moment, how: DateFormat) -> str:
    """Return a moment in ISO 8601, as a column of that format reads it."""
    clock = timedelta(seconds=moment.second)
    if how.shape == "clock":
        return (_MIDNIGHT + clock).time().isoformat()
    day = date.fromordinal(moment.day + EPOCH)
    if how.shape == "yearless":
        day = day.replace(year=LEAP_YEAR)
    if not moment.second and how.zone is None:
        return day.isoformat()
    return (datetime.combine(day, time()) + clock).isoformat() + _offset(how.zone)


def _offset(zone: int | None) -> str:
    if not zone:
        return "" if zone is None else "Z"
    hours, minutes = divmod(abs(zone), 60)
    return f"{'-' if zone < 0 else '+'}{hours:02}:{minutes:02}"
