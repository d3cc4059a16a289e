"""What older artifacts, which do not carry their analysis, mean by `stemmed`: never changed."""

from __future__ import annotations

from learning.runtimes.analysis import Analysis

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
STEMMED = Analysis(
    noise=r"(?:https?://|www\.)\S+|@\w+",
    joints=r"(?<=\w)['’](?=\w)",
    word=r"[^\W_]+",
    stop_words=tuple(sorted(set(_STOP_WORDS.split()))),
    stemmer="english",
)
