"""Explanations as they are asked for and answered: what each feature contributes to a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.champions import Live
from serving.contributions import ASKED, OF, Contributions, Wanted, contributions_of
from serving.exchange import Exchange, parameters_of
from serving.reasons import LANGUAGES, Reasons
from serving.refusals import RequestError
from tables.batch import Batch

# The parameter of a query that asks for words, in which language.
WORDS = "reasons"
NO_NUMBER = f"{ASKED}: expected true or false, since all contributions are answered"
# Terms that are listed.
MOST_TERMS = 10


def is_asked(query: bytes) -> bool:
    """Whether a query names an explanation: for all but those, it need not be taken apart."""
    return b"expl" in query or b"reasons" in query


def wanted(query: bytes, always: bool = False) -> Wanted | None:
    """Return which explanation a query asks for, None for none. Raises RequestError."""
    if not (always or is_asked(query)):
        return None
    given = parameters_of(query)
    asked = given.get(ASKED, ["1" if WORDS in given or OF in given else "0"])[-1].lower()
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
    if language is not None and language not in LANGUAGES:
        raise RequestError(f"{WORDS}: expected {' or '.join(LANGUAGES)}")
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


def columns(exchange: Exchange) -> tuple[tuple[str, ...], list[list[Any]]] | None:
    """Return explanations as columns: their names, and the cells of each row; None for none.

    They are the same whatever the rows, in the schema's order: not every client reads a header.
    A contribution that was not asked for has an empty cell.
    """
    found = explanations_of(exchange)
    if found is None:
        return None
    asked, schema = exchange.wanted or Wanted(), exchange.live.schema
    features = [feature.name for feature in schema.features]
    of = ("explained_class",) if schema.target.classes else ()
    more = ("others",) if asked.most is not None else ()
    told = (WORDS,) if asked.language is not None else ()
    names = ("space", *of, "baseline", *(f"contribution_{n}" for n in features), *more, *told)
    return names, [_cells(one, features, bool(of), bool(more), bool(told)) for one in found]


def _cells(
    one: Mapping[str, Any], features: Sequence[str], of: bool, others: bool, told: bool
) -> list[Any]:
    explained = one.get("class")
    return [
        one["space"],
        *([str(explained).lower() if isinstance(explained, bool) else explained] if of else []),
        one["baseline"],
        *(one["contributions"].get(name, "") for name in features),
        *([one.get("others", 0.0)] if others else []),
        *(["; ".join(one["reasons"])] if told else []),
    ]


def explanations(live: Live, batch: Batch, prediction: Any, asked: Wanted) -> list[dict[str, Any]]:
    """Return an object for each row. Raises RequestError and TooManyRows."""
    return objects(live, batch, contributions_of(live, batch, prediction, asked.of), asked)


def objects(live: Live, batch: Batch, found: Contributions, asked: Wanted) -> list[dict[str, Any]]:
    """Return the contributions of each row as an object, the largest first."""
    names = [feature.name for feature in live.schema.features]
    order = np.argsort(-np.abs(found.values), axis=1, kind="stable")[:, : asked.most].tolist()
    values = found.values.tolist()
    said = Reasons(live.schema, batch, asked.language) if asked.language is not None else None

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
        if said is not None:
            made["reasons"] = said.of(index, own, chosen)
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
