"""Explanations as they are asked for and answered: what each feature contributes to a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import numpy as np

from errors import TooManyRows
from learning.explaining.explainer import Explained, Explainer
from serving.champions import Live
from serving.exchange import Exchange
from serving.refusals import RequestError
from tables.batch import Batch
from tables.decoding import decoded_row
from tables.json_text import too_many

# The parameters of a query: how many contributions, of which class, in which language in words.
ASKED, OF, WORDS = "explain", "explain_class", "reasons"
# Rows explained at once, and cells of them; rows of a model whose rows take long.
MOST_ROWS, MOST_CELLS, MOST_SLOW_ROWS = 20_000, 2_000_000, 200
# Words and terms that are listed.
MOST_REASONS, MOST_TERMS = 5, 10

# What is said of a feature, its value, and whether it raises or lowers.
_SENTENCES: Mapping[str, tuple[str, str, str, str]] = {
    "en": ("raises it", "lowers it", "missing", "another value"),
    "pt": ("aumenta", "diminui", "ausente", "outro valor"),
}


class Wanted(NamedTuple):
    """What is asked for: the largest so many, None for all; a class; a language."""

    most: int | None = None
    of: str | None = None
    language: str | None = None


def is_asked(query: bytes) -> bool:
    """Whether a query names an explanation: for all but those, it need not be taken apart."""
    return b"expl" in query or b"reasons" in query


def wanted(query: bytes, always: bool = False) -> Wanted | None:
    """Return which explanation a query asks for, None for none. Raises RequestError."""
    if not (always or is_asked(query)):
        return None
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    asked = given.get(ASKED, ["1" if WORDS in given else "0"])[-1]
    if asked in ("0", "false") and not (always and ASKED not in given):
        return None
    every = always and ASKED not in given
    most = None if every or asked in ("", "1", "true") else _number(asked)
    return Wanted(most, given.get(OF, [None])[-1], _language(given))


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
    if exchange.explanations is None:
        return answers
    pairs = zip(answers, exchange.explanations, strict=True)
    return [{**answer, "explanation": explanation} for answer, explanation in pairs]


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


class Score(NamedTuple):
    """Which score is explained in each row `[n]`, its class, and its sign: -1 for the first of two.

    Of two classes there is one score, that of the second.
    """

    outputs: Sequence[int]
    classes: Sequence[Any]
    sign: float = 1.0


def explanations(live: Live, batch: Batch, prediction: Any, asked: Wanted) -> list[dict[str, Any]]:
    """Return an object for each row. Raises RequestError and TooManyRows."""
    explainer = explainer_of(live)
    rows = len(batch.matrix)
    most = MOST_ROWS if explainer.quick else MOST_SLOW_ROWS
    most = max(1, min(most, MOST_CELLS // max(1, len(live.schema.features))))
    if rows > most:
        raise TooManyRows(f"{too_many(most)} with explanations")
    score = _score(live, prediction, asked.of, rows)
    found = explainer.explain(batch, score.outputs)
    render = _renderer(live, explainer, found, score, asked, batch)
    return [render(index) for index in range(rows)]


def explainer_of(live: Live) -> Explainer:
    """Return what explains a live model. Raises RequestError with the reason why nothing does."""
    if live.explainer is None:
        told = live.info.get("explanation", {}).get("reason")
        reason = told or "it was made by a release that did not explain, or elsewhere"
        raise RequestError(f"{ASKED}: answers of {live.name} are not explained: {reason}")
    return live.explainer


def _score(live: Live, prediction: Any, of: str | None, rows: int) -> Score:
    keys, classes = live.keys, live.schema.target.classes
    if not classes:
        if of is not None:
            raise RequestError(f"{OF}: expected nothing, since a quantity has no classes")
        return Score([0] * rows, [None] * rows)
    if of is not None and of not in keys:
        raise RequestError(f"{OF}: expected one of {', '.join(keys[:20])}")
    if len(classes) == 2:
        index = 1 if of is None else keys.index(of)
        return Score([0] * rows, [classes[index]] * rows, 1.0 if index else -1.0)
    indices = prediction.winners if of is None else [keys.index(of)] * rows
    return Score(indices, [classes[index] for index in indices])


def _renderer(
    live: Live, explainer: Explainer, found: Explained, score: Score, asked: Wanted, batch: Batch
) -> Callable[[int], dict[str, Any]]:
    names = [feature.name for feature in live.schema.features]
    signed = found.contributions * score.sign
    order = np.argsort(-np.abs(signed), axis=1, kind="stable")[:, : asked.most].tolist()
    values, space = signed.tolist(), explainer.space
    # The probability of the first of two classes is what is left of 1 by the second's.
    whole = 1.0 if space == "probability" and score.sign < 0 else 0.0

    def render(index: int) -> dict[str, Any]:
        own, chosen = values[index], order[index]
        made: dict[str, Any] = {"space": space}
        if score.classes[index] is not None:
            made["class"] = score.classes[index]
        made["baseline"] = whole + score.sign * found.baselines[index]
        made["contributions"] = {names[i]: own[i] for i in chosen}
        if len(chosen) < len(own):
            made["others"] = sum(own) - sum(own[i] for i in chosen)
        if found.words:
            made["words"] = _terms(found.words[index], names, score.sign)
        if asked.language is not None:
            row = decoded_row(live.schema, batch, index)
            made["reasons"] = _reasons(row, own, chosen, names, asked.language)
        return made

    return render


def _terms(
    words: Mapping[int, Mapping[str, float]], names: Sequence[str], sign: float
) -> dict[str, dict[str, float]]:
    """Return the terms of each text feature that weigh most."""
    return {
        names[feature]: {
            term: sign * value
            for term, value in sorted(terms.items(), key=lambda pair: -abs(pair[1]))[:MOST_TERMS]
        }
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
    raises, lowers, *_ = _SENTENCES[language]
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
