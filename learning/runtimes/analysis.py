"""How a text becomes words, as data: an artifact carries it, so that serving needs no recipe.

What is noise goes, case is folded, stop words go, and the rest is stemmed by one
of Snowball's stemmers (https://snowballstem.org/algorithms/).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

import msgspec

# A text may be made of words that nobody wrote before; only so many stems are kept.
KEPT_STEMS = 65_536
# No word is longer; what is, is not worth the time it would take to stem.
LONGEST_WORD = 40

Analyse = Callable[[str], list[str]]


class Analysis(msgspec.Struct, frozen=True):
    """Three patterns over the folded text, the words that say nothing, and a stemmer.

    What `noise` finds becomes a space, what `joints` finds nothing, so that its
    two sides are one word; `word` finds the words. `stemmer` is the name of
    Snowball's, empty for none.
    """

    noise: str
    joints: str
    word: str
    stop_words: tuple[str, ...] = ()
    stemmer: str = ""


class Analyser:
    """An analysis as a vectorizer of scikit-learn calls it, and skops can keep it."""

    def __init__(
        self, noise: str, joints: str, word: str, stop_words: tuple[str, ...], stemmer: str
    ) -> None:
        self.noise = noise
        self.joints = joints
        self.word = word
        self.stop_words = stop_words
        self.stemmer = stemmer

    @property
    def analysis(self) -> Analysis:
        """The analysis as an artifact has it."""
        stop_words = tuple(self.stop_words)
        return Analysis(self.noise, self.joints, self.word, stop_words, self.stemmer)

    def __call__(self, text: str) -> list[str]:
        """Return the terms of a text, in order."""
        return analysed(self.analysis)(text)


@cache
def analysed(analysis: Analysis) -> Analyse:
    """Return the function from a text to its terms, in order."""
    words, stop_words = splitter(analysis), frozenset(analysis.stop_words)
    if not analysis.stemmer:
        return lambda text: [word for word in words(text) if word not in stop_words]
    stem = _stem_of(analysis.stemmer)
    return lambda text: [stem(word) for word in words(text) if word not in stop_words]


def splitter(analysis: Analysis) -> Analyse:
    """Return the function from a text to its words, none of them left out or stemmed."""
    noise, joints = re.compile(analysis.noise), re.compile(analysis.joints)
    find = re.compile(analysis.word).findall

    def words(text: str) -> list[str]:
        found: list[str] = find(joints.sub("", noise.sub(" ", text.casefold())))
        return found

    return words


@cache
def _stem_of(language: str) -> Callable[[str], str]:
    @lru_cache(KEPT_STEMS)
    def stem(word: str) -> str:
        return word if len(word) > LONGEST_WORD else _stemmer(language)(word)

    return stem


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    # Imported when the first word is stemmed: a process without a model of texts does without.
    import snowballstemmer

    stem: Callable[[str], str] = snowballstemmer.stemmer(language).stemWord
    return stem
