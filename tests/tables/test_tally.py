"""Tallies: what cells say, however they are cut into parts."""

from __future__ import annotations

from functools import reduce

import pytest

from tables import tally as tallies
from tables.tally import Made, Numbers, Tally, added, tally
from tables.texts import texts_of


def of(*cells, part=1):
    return tally(texts_of(list(cells)), part)


WORDS = [*(["a", "b", None, " a "] * 100), "NA"]
MANY = [str(number / 8) for number in range(2_000)]


def test_words_are_counted_without_what_is_absent():
    found = of(*WORDS)
    assert found.words == {"a": 200, "b": 100, "NA": 1}
    assert (found.rows, found.absent) == (401, 100)
    assert found.made_of == {"words": Made(1)}


def test_numbers_have_a_range_and_are_whole_or_not():
    assert of("3", "1", None).numbers == Numbers(1.0, 3.0, True)
    assert of("3", "1.5", "").numbers == Numbers(1.5, 3.0, False)
    assert of("3", "x").numbers is None


@pytest.mark.parametrize("cells", [WORDS, MANY, [*MANY, None], [None] * 50])
@pytest.mark.parametrize("size", [7, 100])
def test_parts_add_up_to_the_whole(cells, size):
    parts = [of(*cells[i : i + size]) for i in range(0, len(cells), size)]
    found, whole = reduce(added, parts, Tally()), of(*cells)
    assert (found.rows, found.absent, found.numbers) == (whole.rows, whole.absent, whole.numbers)
    assert whole.words is None or found.words == whole.words


def test_too_many_different_words_are_not_kept(monkeypatch):
    monkeypatch.setattr(tallies, "MOST_WORDS", 3)
    assert of("a", "b", "c").words is not None
    assert of("a", "b", "c", "d").words is None
    assert added(of("a", "b"), of("c", "d")).words is None


def test_it_is_known_where_a_column_was_first_of_a_kind():
    parts = [of(*MANY, part=1), of(*MANY, part=2), of("u", "v", part=3), of("2020-01-01", part=4)]
    found = reduce(added, parts)
    assert found.made_of == {"numbers": Made(1, 2), "words": Made(3), "dates": Made(4)}


def test_a_few_numbers_may_be_codes_among_words():
    assert of(*(["1", "2"] * 50)).made_of == {}
    assert of(None, "", "NA", "unknown").made_of == {}


def test_an_empty_part_says_nothing_of_numbers():
    assert added(of(None, None), of("1", "2")).numbers == Numbers(1.0, 2.0, True)
    assert added(of("1", "2"), of(None)).absent == 1


def test_each_text_is_a_row_of_what_is_decided():
    found = of("a", "b", "a", None).distinct()
    assert found.words == ["a", "b"]
    assert found.counts == [2, 1]
    assert found.codes.tolist() == [0, 1, -1]
