"""Words in any script: which columns are texts, and where words end."""

from __future__ import annotations

import random
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.scripts import WORD, have_many_words, is_unspaced, share_words

NAMES = ["ana", "marco", "lucía", "ivo", "paula", "joão", "zoë", "наташа"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop_it, 42!", ["don", "t", "stop_it", "42"]),
        ("这个很好 OK", ["这", "个", "很", "好", "OK"]),
        ("とても良い", ["と", "て", "も", "良", "い"]),
        ("ไม่ดี", ["ไ", "ม", "่", "ด", "ี"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("cafe\u0301 déjà", ["cafe\u0301", "déjà"]),
        ("좋은 제품", ["좋은", "제품"]),
    ],
)
def test_words_end_where_their_script_says(text, words):
    assert re.findall(WORD, text) == words


@given(st.text("abcßéž0_ -.,\n", max_size=40))
def test_words_of_letters_with_spaces_are_what_they_always_were(text):
    assert re.findall(WORD, text) == re.findall(r"(?u)\b\w+\b", text)


@pytest.mark.parametrize(
    ("texts", "unspaced"),
    [(["这个很好"], True), (["ดีมาก"], True), (["good", "很"], False), (["42"], False), ([], False)],
)
def test_a_script_without_spaces_is_known_by_its_letters(texts, unspaced):
    assert is_unspaced(texts) == unspaced


def test_names_urls_and_search_words_share_words():
    assert share_words([f"{NAMES[i % 8]} {i}" for i in range(40)])
    assert share_words([f"https://shop.example/{NAMES[i % 8]}/page{i}" for i in range(40)])
    assert share_words([f"{NAMES[i % 8]}{i}@{NAMES[i % 3]}.example" for i in range(40)])


def test_identifiers_share_none():
    drawn = random.Random(0)
    for texts in (
        [f"CUSTOMER{i:05}" for i in range(100)],
        [str(uuid.UUID(int=drawn.getrandbits(128))) for _ in range(500)],
        ["".join(drawn.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(500)],
        [f"NYC-{i:04}" if i % 2 else f"BOS-{i:04}" for i in range(100)],
        [f"{drawn.choice('ABC')}{drawn.choice('XYZ')}Q{i:05}" for i in range(100)],
    ):
        assert not share_words(texts)


def test_three_words_or_a_few_characters_make_a_text():
    assert have_many_words({"one two three": 1, "four five six": 2})
    assert not have_many_words({"one two": 1})
    assert have_many_words({"这个很好": 1})
    assert not have_many_words({"上海": 1})
