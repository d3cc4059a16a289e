"""Numbers in every locale: decided by the column and the table, not by the cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.numbers import (
    PLAIN_NUMBERS,
    NumberFormat,
    candidates,
    decide,
    describe,
    is_number,
    read_number,
)


def read(words, decimal=None, delimiter=","):
    found = candidates(words)
    if found is None:
        return None
    written, _ = decide(found, decimal, delimiter)
    return [read_number(word, written) for word in words]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["1", "-2.5", "+3", ".5", "1e3", "2."], [1, -2.5, 3, 0.5, 1000, 2]),
        (["1,234.5", "12", "1,234,567"], [1234.5, 12, 1234567]),
        (["1.234,5", "12", "1.234.567"], [1234.5, 12, 1234567]),
        (["1 234,5", "12"], [1234.5, 12]),
        (["1\u00a0234,5", "1\u202f234\u202f567"], [1234.5, 1234567]),
        (["1'234.5", "12"], [1234.5, 12]),
        (["1’234", "12"], [1234, 12]),
        (["12,34,567.5", "1,234"], [1234567.5, 1234]),
        (["1,5", "2"], [1.5, 2]),
        (["$1,234.50", "-$5", "$-6", "7"], [1234.5, -5, -6, 7]),
        (["R$ 88.833,00", "R$ 5,50"], [88833, 5.5]),
        (["5,00 €", "1.234,00 €"], [5, 1234]),
        (["EUR 5", "EUR 7.25"], [5, 7.25]),
        (["2,5%", "10 %"], [2.5, 10]),
        (["(1,234.50)", "5.00"], [-1234.5, 5]),
        (["−5", "4"], [-5, 4]),
        (["1,5e3", "2"], [1500, 2]),
    ],
)
def test_numbers_of_every_locale_are_read(words, values):
    assert read(words) == values


@pytest.mark.parametrize(
    "words",
    [
        ["1", "x"],
        ["1_000"],
        ["1.2.3"],
        ["1,23,4"],
        ["007", "12"],
        ["٣"],
        ["5%", "5"],
        ["$5", "€5"],
        ["(1)", "(2)"],
        ["1.234,5", "1,234.5"],
        ["--5"],
        ["$5$"],
        ["(5"],
        [" "],
    ],
)
def test_what_is_no_number_or_not_of_one_format_is_none(words):
    assert read(words) is None


@pytest.mark.parametrize(
    ("words", "decimal", "delimiter", "values"),
    [
        # What a semicolon file has before three digits is a thousand.
        (["1.167", "836"], None, ";", [1167, 836]),
        (["1.167", "836"], None, ",", [1.167, 836]),
        (["1.167", "836"], None, "\t", [1.167, 836]),
        (["1.167", "836"], ".", ";", [1.167, 836]),
        (["1.167", "836"], ",", ",", [1167, 836]),
        (["1.167", "0.836"], None, ";", [1.167, 0.836]),
        (["1.167", "8.36"], None, ";", [1.167, 8.36]),
        # A comma in a comma file is in quotes, as a program of a decimal point has it.
        (["25,575", "836"], None, ",", [25575, 836]),
        (["25,575", "836"], None, ";", [25.575, 836]),
        (["25,575", "836"], ".", ";", [25575, 836]),
        (["25,575", "836"], ",", ",", [25.575, 836]),
        (["1,234", "1.567"], ".", ",", [1234, 1.567]),
        (["1,234", "1.567"], ",", ",", [1.234, 1567]),
    ],
)
def test_what_a_column_leaves_open_the_table_says(words, decimal, delimiter, values):
    assert read(words, decimal, delimiter) == values


def test_many_points_in_groups_beside_whole_numbers_are_thousands_in_a_tab_file():
    words = [f"1.{i:03}" for i in range(100, 119)] + ["836"]
    assert read(words, None, "\t")[0] == 1.1
    assert read([*words, "2.345"], None, "\t")[0] == 1100


def sign(words):
    found = candidates(words)
    assert found is not None
    return found.decimal


def test_a_column_says_which_sign_is_its_decimal_one_where_it_is_proven():
    assert sign(["1,5"]) == ","
    assert sign(["1.5"]) == "."
    assert sign(["1.234.567"]) == ","
    assert sign(["1.234"]) is None
    assert sign(["5"]) is None


def test_codes_are_numbers_only_when_that_is_said():
    assert candidates(["007"], codes=True) is not None


def test_a_format_is_said_in_words():
    assert describe(PLAIN_NUMBERS) == ""
    assert describe(NumberFormat(",")) == "decimal commas"
    written = NumberFormat(",", ".", "R$", True)
    assert describe(written) == (
        "thousands parted by points, decimal commas, the sign R$ and parentheses for a minus"
    )
    assert describe(NumberFormat(",", "."), whole=True) == "thousands parted by points"


def write(value: float, written: NumberFormat) -> str:
    text = f"{abs(value):,.2f}".replace(",", "g").replace(".", written.decimal)
    text = text.replace("g", written.group)
    return "-" * (value < 0) + written.affix + text


formats = st.builds(
    NumberFormat,
    st.sampled_from(".,"),
    st.sampled_from(["", ",", ".", " ", "'"]),
    st.sampled_from(["", "$", "R$", "€"]),
).filter(lambda written: written.decimal != written.group)
values = st.lists(st.integers(-(10**9), 10**9).map(lambda cents: cents / 100), min_size=1)


@given(values, formats)
def test_what_is_written_in_a_locale_is_read_back(numbers, written):
    words = [write(number, written) for number in numbers]
    assert read(words) == numbers


@given(st.text("0123456789.,+-eE '$%()inf", max_size=8))
def test_a_plain_number_is_what_python_reads(text):
    if is_number(text) and text.strip() == text:
        assert read_number(text) == float(text)
