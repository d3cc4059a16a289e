"""Contributions in words: which of a row's values raise or lower what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any, NamedTuple

from serving.numbers import marks, written
from tables.batch import Batch
from tables.dates import DateFormat
from tables.decoding import decoded
from tables.schema import Feature, Schema

# Sentences of a row, letters of a text or a word, and digits of a number that is not whole.
MOST_REASONS, MOST_LETTERS, DIGITS = 5, 40, 6


class _Language(NamedTuple):
    """How a language says it. `raises` and `lowers` are of a class, then of a quantity.

    The names of columns have a gender in Portuguese that nobody knows: no word hangs on it.
    """

    raises: tuple[str, str]
    lowers: tuple[str, str]
    missing: str
    unknown: str
    rare: str
    empty: str
    yes: str
    no: str
    day: str
    day_of_year: str


LANGUAGES: Mapping[str, _Language] = {
    "en": _Language(
        ("raises it", "raises it"),
        ("lowers it", "lowers it"),
        "missing {name}",
        "unknown {name}",
        "rare or unknown {name}",
        "empty {name}",
        "yes",
        "no",
        "%Y-%m-%d",
        "%m-%d",
    ),
    "pt": _Language(
        ("aumenta a chance", "aumenta o valor"),
        ("diminui a chance", "diminui o valor"),
        "{name} ausente",
        "{name} com valor desconhecido",
        "{name} com valor raro ou desconhecido",
        "{name} sem texto",
        "sim",
        "não",
        "%d/%m/%Y",
        "%d/%m",
    ),
}
_MARKS = {language: marks(language) for language in LANGUAGES}


class Reasons:
    """Says the contributions to the scores of a batch's rows in a language."""

    def __init__(self, schema: Schema, batch: Batch, language: str) -> None:
        self._features, self._batch = schema.features, batch
        self._words, self._marks = LANGUAGES[language], _MARKS[language]
        self._quantity = not schema.target.classes
        numeric = zip(schema.values, schema.slices, strict=True)
        self._slices = {feature.name: part for feature, part in numeric}
        self._texts = {feature.name: i for i, feature in enumerate(schema.texts)}

    def of(self, row: int, contributions: Sequence[float], order: Iterable[int]) -> list[str]:
        """Return the largest contributions in words; `order` are features, the largest first."""
        words, quantity = self._words, self._quantity
        return [
            f"{self._subject(self._features[index], row)} "
            f"{(words.raises if contributions[index] > 0 else words.lowers)[quantity]}"
            for index in list(order)[:MOST_REASONS]
            if contributions[index]
        ]

    def _subject(self, feature: Feature, row: int) -> str:
        """Return a feature and its value, as the subject of a sentence."""
        name = feature.name
        if feature.kind == "text":
            text = self._batch.texts[self._texts[name]][row]
            said = cut(text)
            return f"{name} “{said}”" if said else self._words.empty.format_map({"name": name})
        values = self._batch.matrix[row, self._slices[name]].tolist()
        if values[0] != values[0]:
            return self._words.missing.format_map({"name": name})
        if feature.kind == "category" and not 0 <= values[0] < len(feature.categories):
            unknown = self._words.rare if feature.other else self._words.unknown
            return unknown.format_map({"name": name})
        value = decoded(feature, values)
        if value is None:  # a date of which a part is missing
            return self._words.missing.format_map({"name": name})
        return f"{name} {self._said(feature, value)}".rstrip()

    def _said(self, feature: Feature, value: Any) -> str:
        if isinstance(value, bool):
            return self._words.yes if value else self._words.no
        if isinstance(value, int | float):
            return written(value, DIGITS).translate(self._marks)
        if feature.dates is not None:
            return self._moment(value, feature.dates)
        word = cut(value)
        plain = word.replace("-", "").replace("_", "").isalnum()
        return word if plain else f"“{word}”"

    def _moment(self, value: str, how: DateFormat) -> str:
        """Return what the model reads of a date, given as ISO 8601, as the language writes it.

        What else a client sends, such as minutes where it reads the hour, is not known here.
        """
        day, _, clock = value.partition("T") if "-" in value[:5] else ("", "", value)
        said = []
        if day and "days" in how.parts:
            form = self._words.day_of_year if how.shape == "yearless" else self._words.day
            said.append(date.fromisoformat(day).strftime(form))
        at = time.fromisoformat(clock.replace("Z", "+00:00") or "00:00")
        if "second" in how.parts:
            said.append(f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}")
        elif "hour" in how.parts:
            said.append(f"{at:%H}h")
        return " ".join(said)


def cut(text: str) -> str:
    """Return the beginning of a text on one line, with a sign where there was more."""
    start = text[: MOST_LETTERS * 4]
    line = " ".join("".join(c if c.isprintable() else " " for c in start).split())
    whole = len(start) == len(text) and len(line) <= MOST_LETTERS
    return line if whole else f"{line[: MOST_LETTERS - 1].rstrip()}…"
