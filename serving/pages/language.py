"""The language of a page: which one a browser asks for, and every word of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from serving.numbers import marks, written
from serving.pages import words_en, words_pt

LANGUAGES = ("en", "pt")
# Names the cookie and the parameter of an address that choose one.
CHOICE = "lang"


MINUS = "\u2212"  # as wide as a plus


class Catalogue:
    """The words of one language, and how it writes numbers."""

    def __init__(self, language: str, words: Mapping[str, str]) -> None:
        self.language = language
        self.words = words
        self._marks = marks(language, MINUS)

    def __call__(self, key: str, **values: Any) -> str:
        """Return the words of a key, its gaps filled in. Raises KeyError for one that is not known.

        Of two forms, parted by `|`, the first is that of `n` = 1.
        """
        text = self.words[key]
        if "n" in values and "|" in text:
            one, many = text.split("|")
            text = one if values["n"] == 1 else many
            values["n"] = self.number(values["n"])
        return text.format_map(values) if values else text

    def number(self, value: float, digits: int = 4) -> str:
        """Return a number with so many significant digits, whole numbers with all of theirs."""
        return written(value, digits).translate(self._marks)

    def fixed(self, value: float, places: int) -> str:
        """Return a number with so many places behind its point, so that a column is aligned."""
        return f"{value:,.{places}f}".translate(self._marks)

    def percent(self, share: float) -> str:
        """Return a share (0 to 1) as a percentage; none is said to be 0 or 100 that is not."""
        found = 100 * share
        if 0 < found < 0.1:
            return "< " + self.fixed(0.1, 1) + " %"
        if 99.9 < found < 100:
            return "> " + self.fixed(99.9, 1) + " %"
        return self.fixed(found, 1) + " %"


CATALOGUES: Mapping[str, Catalogue] = {
    "en": Catalogue("en", words_en.WORDS),
    "pt": Catalogue("pt", words_pt.WORDS),
}


def language_of(choices: Iterable[str | None], accept: str | None) -> str:
    """Return the first language chosen that there is, else what the browser likes best.

    `accept` is its Accept-Language (RFC 9110, 12.5.4); English, where it likes none.
    """
    for choice in choices:
        if choice in CATALOGUES:
            return str(choice)
    weighted = [_weighted(part) for part in (accept or "").lower().split(",")[:20]]
    liked = [(quality, tag) for quality, tag in weighted if tag in CATALOGUES and quality > 0]
    return max(liked, key=lambda pair: pair[0])[1] if liked else LANGUAGES[0]


def _weighted(part: str) -> tuple[float, str]:
    tag, _, parameter = part.partition(";")
    language = tag.strip().partition("-")[0]
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0, language
    try:
        return float(value), language
    except ValueError:
        return 0.0, language
