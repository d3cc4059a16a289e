"""Strings of a stranger's table as they are shown: bounded, in one line, and turned by nothing."""

from __future__ import annotations

import pytest

from serving.pages.names import MOST_LETTERS, shown


def test_a_plain_name_is_shown_as_it_is() -> None:
    assert shown("Ação de Graças – 休日 é") == "Ação de Graças – 休日 é"
    assert shown("شركة") == "شركة"
    assert shown(12) == "12"


def test_a_long_one_is_cut() -> None:
    assert shown("a" * 10_000) == "a" * (MOST_LETTERS - 1) + "…"
    assert shown("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    "mark", "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u061c\x00\x1b"
)
def test_marks_that_turn_or_hide_are_shown_as_their_numbers(mark: str) -> None:
    found = shown(f"a{mark}b")
    assert found == f"a⟨{ord(mark):04X}⟩b"


def test_lines_become_one_and_nothing_is_seen() -> None:
    assert shown("a\nb\tc\u2028d") == "a b c d"
    assert shown("  ") == shown("") == "⟨⟩"


def test_a_half_of_a_pair_can_be_sent() -> None:
    assert shown("\ud800").encode() == "⟨D800⟩".encode()
