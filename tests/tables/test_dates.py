"""Dates: which spellings are one, and what only looks like it."""

from __future__ import annotations

import pytest

from tables.dates import is_date


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-31",
        "2024-02-01T10:00:00Z",
        "2024-01-01 06:30:00.123456+00",
        "2024-01-01T06:30:00+02:00",
        "31/12/2024",
        "1/1/24",
        "01/01/2024 06:30",
        "01/01/2024 06:30 AM",
        "01.01.2024 06:30",
        "2024/1/2",
        "28-Feb-97",
        "January 01, 2024",
        "1 janeiro 2024",
        "Mon, 01 Jan 2024 06:30:00 +0000",
        "2024-01",
        "10:30",
        "23:59:59",
    ],
)
def test_dates_and_times_are_known_in_the_spellings_that_people_have(text):
    assert is_date(text)


@pytest.mark.parametrize(
    "text", ["", "2024", "20240105", "1234-56", "1.2.3", "31-12/2024", "12 monkeys", "3:4", "soon"]
)
def test_what_only_looks_like_a_date_is_none(text):
    assert not is_date(text)
