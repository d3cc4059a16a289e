"""Words: what a text comes to once everything that is not its words is taken away.

The classical pipeline: URLs, names of people and punctuation removed, case
folded, split at spaces, stop words removed, the rest stemmed (Snowball's
English stemmer, https://snowballstem.org/algorithms/english/stemmer.html).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

# Words that build sentences and say nothing of their mood. Those that turn a
# sentence round ("not", "no", "never", "but") are left out of the list on purpose.
_STOP_WORDS = """
    a an the this that these those there here
    i me my mine myself we us our ours you your yours he him his she her hers it its
    they them their theirs who whom whose which what
    am is are was were be been being do does did have has had having
    will would shall should can could may might must
    im ive id youre youve hes shes its were theyre thats
    and or if as of at by for from in into on onto to with about than then so
    because while when where how
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
# A text may be made of words that nobody wrote before; only so many stems are kept.
KEPT_STEMS = 65_536
# No word is longer; what is, is not worth the time it would take to stem.
LONGEST_WORD = 40

_NOISE = re.compile(r"(?:https?://|www\.)\S+|@\w+")
_APOSTROPHES = re.compile(r"(?<=\w)['’](?=\w)")
_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> list[str]:
    """Return the words of a text, case folded; "don't" is the one word "dont"."""
    bare = _NOISE.sub(" ", text.casefold())
    return _WORD.findall(_APOSTROPHES.sub("", bare))


def stems(text: str) -> list[str]:
    """Return the stems of the words of a text, in order, without the stop words."""
    return [_stem(word) for word in split_words(text) if word not in STOP_WORDS]


@lru_cache(KEPT_STEMS)
def _stem(word: str) -> str:
    return word if len(word) > LONGEST_WORD else _stemmer()(word)


@cache
def _stemmer() -> Callable[[str], str]:
    # Imported when the first word is stemmed: a process without a model of texts does without.
    import snowballstemmer

    stem: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord
    return stem
