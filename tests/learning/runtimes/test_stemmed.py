"""What artifacts without an analysis of their own mean by `stemmed`: it never changes."""

from __future__ import annotations

import hashlib

import msgspec

from learning.runtimes.analysis import Analyser
from learning.runtimes.stemmed import STEMMED


def test_it_is_what_it_was_in_the_first_release() -> None:
    written = msgspec.json.encode(STEMMED)
    digest = "e6ee90acdc75d3b4478a5a89bef1b745cc4e422220f7d4a45c338a4634d9aab1"
    assert hashlib.sha256(written).hexdigest() == digest


def test_a_tweet_comes_to_its_stems() -> None:
    analyse = Analyser(**msgspec.structs.asdict(STEMMED))
    assert list(analyse("@you I'm loving it, don't: https://t.co/x")) == ["love", "dont"]
