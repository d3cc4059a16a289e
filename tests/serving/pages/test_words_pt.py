from string import Formatter

import pytest

from serving.pages import words_en, words_pt


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_neither_language_lacks_a_word():
    assert list(words_pt.WORDS) == list(words_en.WORDS)


@pytest.mark.parametrize("key", list(words_en.WORDS))
def test_both_languages_have_the_same_gaps_and_forms(key):
    english, portuguese = words_en.WORDS[key], words_pt.WORDS[key]
    assert gaps(english) == gaps(portuguese)
    assert english.count("|") == portuguese.count("|")
