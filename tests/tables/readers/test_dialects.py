"""Which dialect a text is written in."""

from __future__ import annotations

import pytest

from tables.dialect import Dialect
from tables.readers.dialects import (
    Fit,
    Malformed,
    find_dialect,
    fit,
    records,
    skip_preamble,
    usual_width,
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_under_which_it_looks_most_like_a_table(delimiter: str) -> None:
    text = delimiter.join(["a", "b"]) + "\n" + delimiter.join(["1", '"x,;|\ty"']) + "\n"
    assert find_dialect(text * 3).delimiter == delimiter


def test_the_delimiter_that_the_file_names_is_taken() -> None:
    assert find_dialect("a,b|c\n1,2|3\n", said="|").delimiter == "|"


def test_spaces_before_quotes_and_escaped_quotes_are_seen() -> None:
    assert find_dialect('a, b\n1, "x, y"\n').spaced
    assert find_dialect('a,b\n1,"say \\"x\\", y"\n').escape == "\\"
    assert find_dialect('a,b\n1,"say ""x"", y"\n') == Dialect()


def test_a_hundred_records_tell() -> None:
    text = "a,b\n" + "1,2\n" * 99 + "1;2;3\n" * 500
    assert fit(text, Dialect()) == Fit(True, 1.0, 2)
    assert fit("a,b\n" + "1,2\n" * 98 + "1\n" * 500, Dialect()).share == 0.99


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b\n", (0, None, 0)),
        ("sep=;\r\na;b\n", (7, ";", 1)),
        ("# made by R\n# today\na,b\n", (20, None, 2)),
        ("#id,b\n1,2\n", (0, None, 0)),  # a name that begins so
    ],
)
def test_what_stands_before_a_table_is_skipped(text: str, found: tuple[int, str, int]) -> None:
    assert skip_preamble(text) == found


def test_records_have_the_lines_on_which_they_begin() -> None:
    text = 'a,b\n\n"x\ny",2\n , \n3,4\n'
    lines = [line for line, _ in records(text, Dialect(), 10)]
    assert lines == [10, 12, 15]


@pytest.mark.parametrize(
    ("text", "why"), [('a\n"x', "line 2: a quote is never closed"), ('a\n"x"y\n', "line 2: a quot")]
)
def test_text_that_is_not_csv_is_refused_by_line(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        list(records(text, Dialect()))


def test_the_usual_width_is_the_commonest_of_two_cells_or_more() -> None:
    assert usual_width([1, 1, 1, 3, 2, 2, 3]) == 3
    assert usual_width([1, 1]) == 0
