"""What a tweet comes to once everything that is not its words is removed.

The classical pipeline: URLs, names of people and punctuation removed, case
folded, split at spaces, stop words removed, the rest stemmed (Snowball's
English stemmer, https://snowballstem.org/algorithms/english/stemmer.html).
"""

from __future__ import annotations

from learning.runtimes.analysis import Analyser

# Words that build sentences and say nothing of their mood. Those that turn a
# sentence round ("not", "no", "never", "but") are left out of the list on purpose.
_STOP_WORDS = """
    a an the this that these those there here
    i me my mine myself we us our ours you your yours he him his he she her hers it its
    they them their theirs who whom whose which what
    am is are was were be been being do does did have has had having
    will would shall should can could may might must
    im ive id youre youve hes shes its were theyre thats
    and or if as of at by for from in into on onto to with about than then so
    because while when where how
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def analyser() -> Analyser:
    """Return what makes stems of a tweet: "don't" is the one word "dont"."""
    return Analyser(
        noise=r"(?:https?://|www\.)\S+|@\w+",
        joints=r"(?<=\w)['’](?=\w)",
        word=r"[^\W_]+",
        stop_words=tuple(sorted(STOP_WORDS)),
        stemmer="english",
    )
