"""Explanations as they are asked for and answered: what each feature contributes to a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.champions import Live
from serving.contributions import ASKED, OF, Contributions, Wanted, contributions_of
from serving.exchange import Exchange, parameters_of
from serving.refusals import RequestError
from tables.batch import Batch
from tables.decoding import decoded_row

# The parameter of a query that asks for words, in which language.
WORDS = "reasons"
NO_NUMBER = f"{ASKED}: expected true or false, since all contributions are answered"
# Words and terms that are listed.
MOST_REASONS, MOST_TERMS = 5, 10

# What is said of a feature that raises the score, of one that lowers it, of a missing value.
_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "en": ("raises it", "lowers it", "missing"),
    "pt": ("aumenta", "diminui", "ausente"),
}


def is_asked(query: bytes) -> bool:
    """Whether a query names an explanation: for all but those, it need not be taken apart."""
    return b"expl" in query or b"reasons" in query


def wanted(query: bytes, always: bool = False) -> Wanted | None:
    """Return which explanation a query asks for, None for none. Raises RequestError."""
    if not (always or is_asked(query)):
        return None
    given = parameters_of(query)
    asked = given.get(ASKED, ["1" if WORDS in given else "0"])[-1]
    if asked in ("0", "false") and not (always and ASKED not in given):
        return None
    every = always and ASKED not in given
    most = None if every or asked in ("", "1", "true") else _number(asked)
    return Wanted(most, given.get(OF, [None])[-1], _language(given))


def wanted_whole(query: bytes) -> Wanted | None:
    """Return what a query asks for where there is room for all contributions, and for no words.

    Raises RequestError.
    """
    asked = wanted(query)
    if asked is not None and asked.most is not None:
        raise RequestError(NO_NUMBER)
    if asked is not None and asked.language is not None:
        raise RequestError(f"{WORDS}: this protocol has no room for words")
    return asked


def _number(asked: str) -> int:
    if not (asked.isascii() and asked.isdigit() and len(asked) < 6 and int(asked)):
        raise RequestError(f"{ASKED}: expected 1, true, or how many contributions, such as 5")
    return int(asked)


def _language(given: Mapping[str, list[str]]) -> str | None:
    language = given.get(WORDS, [None])[-1]
    if language is not None and language not in _SENTENCES:
        raise RequestError(f"{WORDS}: expected {' or '.join(_SENTENCES)}")
    return language


def explained(exchange: Exchange, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row's answers with their explanations, where these were asked for."""
    found = explanations_of(exchange)
    if found is None:
        return answers
    pairs = zip(answers, found, strict=True)
    return [{**answer, "explanation": explanation} for answer, explanation in pairs]


def explanations_of(exchange: Exchange) -> list[dict[str, Any]] | None:
    """Return an object for each row, None where none was asked for."""
    if exchange.contributions is None:
        return None
    asked, found = exchange.wanted or Wanted(), exchange.contributions
    return objects(exchange.live, exchange.decoded.batch, found, asked)


def columns(explanations: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[list[Any]]]:
    """Return explanations as columns of CSV: their names, and the cells of each row.

    A contribution that was not asked for has an empty cell.
    """
    names = list(dict.fromkeys(name for one in explanations for name in one["contributions"]))
    rows = [
        [one["space"], one["baseline"], *(one["contributions"].get(name, "") for name in names)]
        for one in explanations
    ]
    return ("space", "baseline", *(f"contribution_{name}" for name in names)), rows


def explanations(live: Live, batch: Batch, prediction: Any, asked: Wanted) -> list[dict[str, Any]]:
    """Return an object for each row. Raises RequestError and TooManyRows."""
    return objects(live, batch, contributions_of(live, batch, prediction, asked.of), asked)


def objects(live: Live, batch: Batch, found: Contributions, asked: Wanted) -> list[dict[str, Any]]:
    """Return the contributions of each row as an object, the largest first."""
    names = [feature.name for feature in live.schema.features]
    order = np.argsort(-np.abs(found.values), axis=1, kind="stable")[:, : asked.most].tolist()
    values = found.values.tolist()

    def render(index: int) -> dict[str, Any]:
        own, chosen = values[index], order[index]
        made: dict[str, Any] = {"space": found.space}
        if found.classes[index] is not None:
            made["class"] = found.classes[index]
        made["baseline"] = found.baselines[index]
        made["contributions"] = {names[i]: own[i] for i in chosen}
        if len(chosen) < len(own):
            made["others"] = sum(own) - sum(own[i] for i in chosen)
        if found.words:
            made["words"] = _terms(found.words[index], names)
        if asked.language is not None:
            row = decoded_row(live.schema, batch, index)
            made["reasons"] = _reasons(row, own, chosen, names, asked.language)
        return made

    return [render(index) for index in range(len(values))]


def _terms(
    words: Mapping[int, Mapping[str, float]], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return the terms of each text feature that weigh most."""
    return {
        names[feature]: dict(sorted(terms.items(), key=lambda pair: -abs(pair[1]))[:MOST_TERMS])
        for feature, terms in words.items()
    }


def _reasons(
    row: Mapping[str, Any],
    contributions: Sequence[float],
    order: Sequence[int],
    names: Sequence[str],
    language: str,
) -> list[str]:
    """Return the largest contributions in words."""
    raises, lowers, _ = _SENTENCES[language]
    return [
        f"{names[i]} {_said(row[names[i]], language)}{raises if contributions[i] > 0 else lowers}"
        for i in order[:MOST_REASONS]
        if contributions[i]
    ]


def _said(value: Any, language: str) -> str:
    """Return a value as a sentence has it, with a space behind it; of a long text nothing."""
    if value is None:
        return f"{_SENTENCES[language][2]} "
    if isinstance(value, bool):
        return f"{str(value).lower()} "
    if isinstance(value, float):
        return f"{value:g} "
    return f"{value} " if len(str(value)) <= 40 else ""
