"""Words in any script: what is a text of words rather than a name, and where words end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

# Scripts that are written without spaces: Thai, Lao, Burmese, Khmer, kana, Chinese.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Signs within a word that Python counts as no part of it: accents apart, vowels of India's scripts.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
# A word, or a character of a script without spaces.
WORD = rf"[{UNSPACED}]|[^\W{UNSPACED}]+(?:[{_MARKS}]+[^\W{UNSPACED}]*)*"

# A value is a text rather than a category from this many words on, on average, or characters.
TEXT_WORDS, TEXT_CHARACTERS = 3, 4
# Shorter texts are texts if most of them share words of three letters or more with others.
_SHARED = re.compile(r"[^\W\d_]{3,}")
_FEWEST_SHARED, _MOSTLY, _SAMPLE = 3, 0.95, 2000
_UNSPACED = re.compile(f"[{UNSPACED}]")


def have_many_words(counts: Mapping[str, int]) -> bool:
    """Whether texts, with how often each stands, have three words on average, or characters."""
    total = sum(counts.values())
    words = sum(len(text.split()) * count for text, count in counts.items()) / total
    if words >= TEXT_WORDS:
        return True
    return is_unspaced(counts) and sum(map(len, counts)) / len(counts) >= TEXT_CHARACTERS


def is_unspaced(texts: Iterable[str]) -> bool:
    """Whether at least half of the letters are of scripts that are written without spaces."""
    sample = "".join(islice(texts, _SAMPLE))
    return 2 * len(_UNSPACED.findall(sample)) >= max(1, sum(map(str.isalpha, sample)))


def share_words(texts: Iterable[str]) -> bool:
    """Whether different texts are mostly letters, in words that stand in several of them."""
    sample = list(islice(texts, _SAMPLE))
    joined = "".join(sample)
    if 2 * sum(map(str.isalpha, joined)) < sum(map(str.isalnum, joined)):
        return False
    found = [set(_SHARED.findall(text.lower())) for text in sample]
    stand = Counter(word for words in found for word in words)
    shared = {word for word, n in stand.items() if 1 < n <= _MOSTLY * len(sample)}
    sharing = sum(not shared.isdisjoint(words) for words in found)
    return len(shared) >= _FEWEST_SHARED and 2 * sharing >= len(sample)
