from dataclasses import replace

import msgspec
import pytest

from learning.shown_rows import MEMBER, ShownRow, ShownRows
from serving.pages.samples import sample_of
from tests.serving.factory import SIGNATURE, make_live
from tests.serving.pages.site import Site


def shown(age: int, truth: bool) -> ShownRow:
    return ShownRow((age, 1.5, "rent", None), truth, 0.5)


ROWS = ShownRows((shown(20, False), shown(21, True)), (shown(40, True),))
LIVE = replace(make_live(), kept={MEMBER: msgspec.json.encode(ROWS)})


@pytest.mark.parametrize(
    ("asked", "age", "truth", "following"),
    [
        ("", 30, "", {"w": "w0", "t": "t0"}),
        ("w0", 20, "false", {"w": "w1", "t": "t0"}),
        ("w1", 21, "true", {"w": "w0", "t": "t0"}),
        ("t0", 40, "true", {"w": "w0", "t": "t0"}),
        ("w2", 30, "", {"w": "w1", "t": "t0"}),
        ("w-1", 30, "", {"w": "w0", "t": "t0"}),
        ("w٣", 30, "", {"w": "w0", "t": "t0"}),
        ("x0", 30, "", {"w": "w0", "t": "t0"}),
        ("w99999999", 30, "", {"w": "w0", "t": "t0"}),
    ],
)
def test_an_address_asks_for_a_row_and_tells_the_next(asked, age, truth, following):
    sample = sample_of(LIVE, asked)
    assert (sample.row["age"], sample.truth, sample.next) == (age, truth, following)
    assert list(sample.row) == [feature.name for feature in SIGNATURE.features]


@pytest.mark.parametrize("kept", [{}, {MEMBER: b"damaged"}])
def test_without_rows_there_is_the_example_alone(kept):
    sample = sample_of(replace(make_live(), kept=kept), "w0")
    assert (sample.row["age"], sample.next) == (30, {})


def test_the_page_is_filled_with_the_row_and_says_what_was_true(tmp_path):
    text = Site(tmp_path, LIVE).ask("/models/credit?row=w1").text
    assert 'value="21"' in text
    assert "What was true of it: true." in text
    assert '<a href="/models/credit?row=w0">A row that was wrong</a>' in text
