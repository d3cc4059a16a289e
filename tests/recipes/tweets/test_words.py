"""What a tweet comes to: its words, and their stems."""

from __future__ import annotations

import pytest

from learning.runtimes.analysis import splitter
from learning.runtimes.stemmed import STEMMED
from recipes.tweets.words import STOP_WORDS, analyser

words_of = splitter(analyser().analysis)
stems = analyser()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("LOVING It!!!", ["loving", "it"]),
        ("see https://example.org/a?b=c#d and www.example.org.", ["see", "and"]),
        ("@someone good-morning, #sunshine", ["good", "morning", "sunshine"]),
        ("Don't — can’t — 'quoted'", ["dont", "cant", "quoted"]),
        ("Straße café ÉTÉ 42nd", ["strasse", "café", "été", "42nd"]),
        (":) ... !!!", []),
        ("", []),
    ],
)
def test_words_are_what_is_left(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_stems_fold_forms_of_a_word_together() -> None:
    assert stems("connect connected connecting connection") == ["connect"] * 4


def test_stop_words_go_and_negations_stay() -> None:
    assert stems("the weather is not good, and that was never the plan") == [
        "weather",
        "not",
        "good",
        "never",
        "plan",
    ]
    assert not {"not", "no", "never", "nor", "but", "dont"} & STOP_WORDS


def test_until_somebody_edits_it_it_is_what_older_artifacts_mean() -> None:
    assert analyser().analysis == STEMMED
