"""What a model reads of a date: its parts, each a column of the matrix.

Seconds since 1970 do not fit float32: days since 1970 and seconds of the day do. A
year's day, a weekday and an hour also stand on a circle, by sine and cosine, for
models that add up: the last of them is beside the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from tables.dates import EPOCH, KEPT, DateFormat, Moment, isoformat, read_moment

_DAY_PARTS = (
    "year", "month", "day", "weekday", "yearday", "days",
    "yearday_sin", "yearday_cos", "weekday_sin", "weekday_cos",
)  # fmt: skip
_CLOCK_PARTS = ("hour", "second", "hour_sin", "hour_cos")
PARTS = _DAY_PARTS + _CLOCK_PARTS
# Those on a circle: trees split the plain ones, and need no second reading of them.
WAVES = frozenset(part for part in PARTS if part.endswith(("_sin", "_cos")))
# A year has up to 366 days; where it begins matters more than a quarter of a day.
YEAR = 366

# Of a second; what float32 holds of a day's last one, and microseconds write exactly.
FINEST = 64

Encode = Callable[[str | float], tuple[float, ...] | None]


def _wave(index: int, period: int) -> tuple[float, float]:
    return sin(2 * pi * index / period), cos(2 * pi * index / period)


_HOURS = tuple(_wave(hour, 24) for hour in range(24))


@lru_cache(KEPT)
def _of_day(number: int) -> tuple[float, ...]:
    day = date.fromordinal(number + EPOCH)
    weekday, yearday = day.weekday(), day.timetuple().tm_yday
    waves = (*_wave(yearday, YEAR), *_wave(weekday, 7))
    return (day.year, day.month, day.day, weekday, yearday, number, *waves)


def _of_second(second: float) -> tuple[float, ...]:
    hour = int(second // 3600)
    return (hour, second * FINEST // 1 / FINEST, *_HOURS[hour])


def every_part(days: NDArray[np.int64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return every part of each moment, `[n, 14]` in the order of PARTS."""
    unique, inverse = np.unique(days, return_inverse=True)
    of_days = np.array([_of_day(int(day)) for day in unique]).reshape(-1, len(_DAY_PARTS))
    hours = (seconds // 3600).astype(np.intp)
    fine = seconds * FINEST // 1 / FINEST
    clock = np.column_stack([hours, fine, np.array(_HOURS)[hours]])
    return np.hstack([of_days[inverse], clock])


def varying(parts: NDArray[np.float64], yearless: bool) -> tuple[str, ...]:
    """Return the parts that tell the rows of `[n, 14]` apart, none that others tell as well."""
    spread = np.ptp(parts.astype(np.float32), axis=0) > 0
    kept = {part for part, varies in zip(PARTS, spread, strict=True) if varies}
    seconds = parts[:, PARTS.index("second")]
    if len(np.unique(seconds % 3600)) == 1:
        kept -= {"second"}
    if "year" not in kept:
        kept -= {"yearday"} if "month" in kept else {"yearday", "day"}
    if "month" not in kept:
        kept -= {"yearday_sin", "yearday_cos"}
    if yearless or (parts[:, PARTS.index("day")] == 1).all():
        kept -= {"weekday", "weekday_sin", "weekday_cos"}
    return tuple(part for part in PARTS if part in kept)


def chosen(how: DateFormat) -> list[int]:
    """Return the indices in PARTS of a column's parts."""
    return [PARTS.index(part) for part in how.parts]


def encoder(how: DateFormat) -> Encode:
    """Return the function from a date to its parts, None if it is none; it keeps what it read."""
    indices = chosen(how)

    @lru_cache(KEPT)
    def encode(value: str | float) -> tuple[float, ...] | None:
        moment = read_moment(value, how)
        if moment is None:
            return None
        found = _of_day(moment.day) + _of_second(moment.second)
        return tuple([found[index] for index in indices])

    return encode


def encode_all(values: Sequence[str], how: DateFormat) -> NDArray[np.float32]:
    """Return the parts of dates, `[n, parts]`. Raises ValueError for a text that is none."""
    moments = [read_moment(value, how) for value in values]
    found = [moment for moment in moments if moment is not None]
    if len(found) < len(moments):
        raise ValueError("not of kind date")
    return every_part_of(found)[:, chosen(how)].astype(np.float32)


def every_part_of(moments: Sequence[Moment]) -> NDArray[np.float64]:
    """Return every part of moments, `[n, 14]`."""
    days = np.array([moment.day for moment in moments], dtype=np.int64)
    return every_part(days, np.array([moment.second for moment in moments], dtype=np.float64))


def spelt(values: Sequence[float], how: DateFormat) -> str | None:
    """Return the date of a row's parts in ISO 8601, None where it is missing."""
    found = dict(zip(how.parts, values, strict=True))
    if any(value != value for value in values):
        return None
    first = read_moment(how.first, how)
    assert first is not None
    hours = found.get("hour", first.second // 3600)
    second = found.get("second", hours * 3600 + first.second % 3600)
    return isoformat(Moment(int(found.get("days", first.day)), second), how)
