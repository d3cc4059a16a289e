"""The parts of dates: which a column keeps, and that all ways to them agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.column import File, read_columns
from tables.date_parts import PARTS, encode_all, encoder, every_part_of, spelt
from tables.dates import DateFormat, Moment

EVERY = DateFormat(zone=0, parts=PARTS, first="2024-01-01T00:00:00Z")


def parts(cells, **options):
    columns, _ = read_columns({"x": cells * 2}, str, {}, {}, File(**options))
    feature = columns["x"].feature
    return None if feature is None or feature.dates is None else feature.dates.parts


def test_a_moment_has_the_parts_that_it_has():
    found = dict(zip(PARTS, every_part_of([Moment(19786, 23400.5)])[0], strict=True))
    assert {k: found[k] for k in ("year", "month", "day", "weekday", "yearday", "days")} == {
        "year": 2024, "month": 3, "day": 4, "weekday": 0, "yearday": 64, "days": 19786,
    }  # fmt: skip
    assert (found["hour"], found["second"]) == (6, 23400.5)
    assert (found["hour_sin"], found["hour_cos"]) == pytest.approx((1, 0))


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["2024-01-05", "2024-01-06"], {"weekday", "days", "weekday_sin", "weekday_cos"}),
        (["2024-01", "2024-05"], {"month", "days", "yearday_sin", "yearday_cos"}),
        (["06:30", "08:30"], {"hour", "hour_sin", "hour_cos"}),
        (["06:30", "06:31"], {"second"}),
        (["01/05", "12/25"], {"month", "day", "days", "yearday_sin", "yearday_cos"}),
        (["2024-01-05 06:30", "2024-01-05 06:30"], None),
    ],
)
def test_only_parts_that_tell_rows_apart_are_kept(cells, kept):
    found = parts(cells)
    assert kept == (None if found is None else set(found))


def test_many_years_have_all_parts_of_a_day():
    found = parts([f"20{i:02}-0{1 + i % 9}-{1 + i:02} 0{i % 9}:1{i % 9}" for i in range(20)])
    assert set(found) == set(PARTS)


@given(st.lists(st.datetimes(), min_size=1, max_size=20))
def test_a_column_and_its_rows_have_the_same_parts(moments):
    texts = [moment.isoformat(sep=" ") for moment in moments]
    matrix = encode_all(texts, EVERY)
    encode = encoder(EVERY)
    rows = np.array([encode(text) for text in texts], dtype=np.float32)
    np.testing.assert_array_equal(matrix, rows)
    again = [spelt(row, EVERY) for row in matrix.tolist()]
    np.testing.assert_array_equal(encode_all([str(text) for text in again], EVERY), matrix)


def test_a_text_that_is_no_date_is_refused():
    assert encoder(EVERY)("soon") is None
    with pytest.raises(ValueError, match="date"):
        encode_all(["2024-01-01", "soon"], EVERY)
