"""Dates: which spellings are one, what they say, and what only looks like one."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.dates import (
    EPOCH,
    DateFormat,
    Moment,
    Written,
    are_compact,
    first_number,
    is_date,
    isoformat,
    moment_of_number,
    orders,
    read_moment,
    take_apart,
    unit_of,
)

ISO = DateFormat()
UTC = DateFormat(zone=0)
DAY_FIRST = DateFormat(day_first=True)
YEARLESS = DateFormat(shape="yearless")
CLOCK = DateFormat(shape="clock")


def iso(text, how=ISO):
    moment = read_moment(text, how)
    return None if moment is None else isoformat(moment, how)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-02-01T10:00:00Z", "2024-02-01T10:00:00"),
        ("2024-01-01 06:30:00.123456+00", "2024-01-01T06:30:00.123456"),
        ("2024-01-01T06:30:00.123456789Z", "2024-01-01T06:30:00.123456"),
        ("2024-01-01T06:30:00+02:00", "2024-01-01T06:30:00"),
        ("2024-01-05 06:30 AM", "2024-01-05T06:30:00"),
        ("31/12/2024", None),
        ("12/31/2024", "2024-12-31"),
        ("1/2/24", "2024-01-02"),
        ("1/2/97", "1997-01-02"),
        ("01/02/2024 06:30", "2024-01-02T06:30:00"),
        ("01/02/2024 12:30 AM", "2024-01-02T00:30:00"),
        ("01/02/2024 12:30:05 p.m.", "2024-01-02T12:30:05"),
        ("2024/1/2", "2024-01-02"),
        ("28-Feb-97", "1997-02-28"),
        ("January 02, 2024", "2024-01-02"),
        ("Jan. 2nd, 2024, 6 PM", "2024-01-02T18:00:00"),
        ("1 janeiro 2024", "2024-01-01"),
        ("5 de março de 2024 às 14h30", "2024-03-05T14:30:00"),
        ("segunda-feira, 5 de fev. de 2024", "2024-02-05"),
        ("Mon, 01 Jan 2024 06:30:00 +0000", "2024-01-01T06:30:00"),
        ("Mon Apr 06 22:19:45 PDT 2009", "2009-04-06T22:19:45"),
        ("Wed Aug 27 13:08:45 +0000 2008", "2008-08-27T13:08:45"),
        ("2024-03", "2024-03-01"),
        ("03/2024", "2024-03-01"),
        ("Mar-24", "2024-03-01"),
        ("20240105", "2024-01-05"),
        ("20240105T063000Z", "2024-01-05T06:30:00"),
    ],
)
def test_dates_and_times_are_read_in_the_spellings_that_people_have(text, said):
    assert is_date(text)
    assert iso(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "", "2024", "1234-56", "1.2.3", "31-12/2024", "12 monkeys", "3:4", "soon", "2024-02-30",
        "31/31/2024", "2024-01-01T25:00", "2024-01-01 06:30 XYZ", "13:30 PM", "March", "75:20",
        "2024-01-01" + " " * 60, "0/0/2024", "١٢/١٢/٢٠٢٤",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_date_is_none(text):
    assert not is_date(text)


def test_the_column_says_which_number_is_the_day():
    assert iso("05/06/2024", DAY_FIRST) == "2024-06-05"
    assert iso("12/31/2024", DAY_FIRST) is None
    assert iso("2024-06-05", DAY_FIRST) == "2024-06-05"


def test_a_clock_is_told_in_the_column_s_offset():
    assert iso("2024-01-01T01:00:00+02:00", UTC) == "2023-12-31T23:00:00Z"
    assert iso("2024-01-01T01:00:00", UTC) == "2024-01-01T01:00:00Z"
    assert iso("2024-01-01T23:00:00Z", DateFormat(zone=120)) == "2024-01-02T01:00:00+02:00"
    assert iso("2024-01-01T01:00:00-03:00", ISO) == "2024-01-01T01:00:00"
    assert read_moment("9999-12-31T23:00:00-10:00", UTC) is None


def test_a_column_without_years_or_without_days_reads_whole_dates_too():
    assert iso("02/29", YEARLESS) == iso("2024-02-29", YEARLESS) == "2000-02-29"
    assert iso("6:30 PM", CLOCK) == iso("2024-02-29 18:30", CLOCK) == "18:30:00"
    assert iso("02/29") is None
    assert iso("18:30") is None


def parts(text: str) -> Written:
    found = take_apart(text)
    assert found is not None
    return found


def test_a_column_is_of_one_shape_and_one_order():
    said = orders(map(parts, ["01/02/2024", "13/02/2024"]))
    assert said is not None
    assert first_number(said, None, comma=False) == (True, "")
    assert orders(map(parts, ["01/13/2024", "13/02/2024"])) is None
    assert orders(map(parts, ["18:30", "13/02/2024"])) is None


def test_what_a_column_leaves_open_the_table_decides():
    slashes = orders([parts("01/02/2024")])
    points = orders([parts("01.02.2024")])
    assert slashes is not None
    assert points is not None
    assert first_number(slashes, True, comma=False)[0]
    assert first_number(slashes, None, comma=True)[0]
    assert not first_number(slashes, None, comma=False)[0]
    assert first_number(points, None, comma=False)[0]


@pytest.mark.parametrize(
    ("number", "unit", "said"),
    [
        (1704436200, "s", "2024-01-05T06:30:00Z"),
        (1704436200123, "ms", "2024-01-05T06:30:00.123000Z"),
        (1704436200123456, "us", "2024-01-05T06:30:00.123456Z"),
        (45296.2708333333, "excel", "2024-01-05T06:30:00Z"),
        (-1, "s", "1969-12-31T23:59:59Z"),
    ],
)
def test_numbers_are_dates_where_their_owner_says_so(number, unit, said):
    moment = moment_of_number(number, unit)
    assert moment is not None
    assert isoformat(moment, UTC) == said
    assert unit_of(number, number) == unit or number < 0
    how = DateFormat(unit=unit, zone=0)
    assert read_moment(number, how) == read_moment(repr(number), how) == moment


@pytest.mark.parametrize("number", [1e17, -1e17, float("inf"), float("nan")])
def test_a_number_outside_the_calendar_is_no_date(number):
    assert read_moment(number, DateFormat(unit="s", zone=0)) is None


def test_integers_are_dates_if_all_of_many_are():
    days = np.array([20240101, 20240229, 20241231, 20230105, 20230106])
    assert are_compact(days)
    assert are_compact(days.astype(float))
    assert not are_compact(days + 0.5)
    assert not are_compact(days[:3])
    assert not are_compact(np.append(days, 20230229))
    assert not are_compact(np.arange(20000000, 20000480))


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001
    st.sampled_from(
        [
            "%Y-%m-%d %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%b-%Y %I:%M %p",
            "%B %d, %Y", "%a, %d %b %Y %H:%M:%S GMT", "%Y%m%d", "%Y/%m/%d", "%d %b %y",
            "%a %b %d %H:%M:%S %Y",
        ]
    ),
)  # fmt: skip
def test_what_python_writes_is_read_as_it_reads_it(when, layout):
    text = when.strftime(layout)
    expected = datetime.strptime(text, layout) - datetime(1970, 1, 1)  # noqa: DTZ001, DTZ007
    moment = read_moment(text, DAY_FIRST)
    assert moment is not None
    assert timedelta(moment.day, moment.second) == expected


@given(st.text(max_size=60))
def test_any_text_is_a_date_of_the_calendar_or_none(text):
    for how in (ISO, DAY_FIRST, YEARLESS, CLOCK, DateFormat(unit="ymd")):
        moment = read_moment(text, how)
        assert moment is None or read_moment(isoformat(moment, how), how) == moment


def test_the_first_day_is_counted_from_1970():
    assert read_moment("1970-01-02 00:00:01", ISO) == Moment(1, 1.0)
    assert datetime.fromordinal(EPOCH).year == 1970
