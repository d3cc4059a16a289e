"""Contributions to the scores of answered rows: the class that they are of, and their sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from errors import TooManyRows
from learning.explaining.explainer import Explained, Explainer
from learning.links import Doubles
from serving.champions import Live
from serving.refusals import RequestError
from tables.batch import Batch, joined
from tables.json_text import too_many

# The parameters of a query: how many contributions, and of which class.
ASKED, OF = "explain", "explain_class"
# Rows explained at once, and cells of them; rows of a model whose rows take long.
MOST_ROWS, MOST_CELLS, MOST_SLOW_ROWS = 20_000, 2_000_000, 200
# Numbers that rows take leaf by leaf: some three seconds of one processor.
MOST_WORK = 300_000_000


class Wanted(NamedTuple):
    """What is asked for: the largest so many, None for all; a class; a language."""

    most: int | None = None
    of: str | None = None
    language: str | None = None


class Contributions(NamedTuple):
    """What each feature contributes `[n, features]` to a score of each row; in which space.

    With its row's baseline it adds up to the score of the class explained, None of a quantity.
    `words` are those of each text feature, by its index, for each row; none without texts.
    """

    values: Doubles
    baselines: list[float]
    classes: Sequence[Any]
    space: str
    words: list[dict[int, dict[str, float]]]


class Score(NamedTuple):
    """Which score is explained in each row `[n]`, its class, and its sign: -1 for the first of two.

    Of two classes there is one score, that of the second.
    """

    outputs: Sequence[int]
    classes: Sequence[Any]
    sign: float = 1.0


class Part(NamedTuple):
    """Rows to be explained, and which score of each."""

    batch: Batch
    score: Score


def contributions_of(
    live: Live, batch: Batch, prediction: Any, of: str | None = None
) -> Contributions:
    """Return the contributions to the predicted class's score, or that of the class `of`.

    Raises RequestError and TooManyRows.
    """
    return explained_parts(live, [part_of(live, batch, prediction, of)])[0]


def part_of(live: Live, batch: Batch, prediction: Any, of: str | None) -> Part:
    """Return rows and the scores that are asked for. Raises RequestError and TooManyRows."""
    rows, most = len(batch.matrix), _most_rows(live)
    if rows > most:
        raise TooManyRows(f"{too_many(most)} with explanations")
    return Part(batch, _score(live, prediction, of, rows))


def _most_rows(live: Live) -> int:
    """Return how many rows are explained at once: a thread's work of seconds, one at least."""
    explainer = explainer_of(live)
    most = min(
        MOST_ROWS if explainer.quick else MOST_SLOW_ROWS,
        MOST_CELLS // max(1, len(live.schema.features)),
        MOST_WORK // max(1, explainer.work),
    )
    return max(1, most)


def explained_parts(live: Live, parts: Sequence[Part]) -> list[Contributions]:
    """Return the contributions of each part; many rows at once take less than one by one."""
    explainer = explainer_of(live)
    batch = joined([part.batch for part in parts])
    found = explainer.explain(batch, [output for part in parts for output in part.score.outputs])
    made, start = [], 0
    for part in parts:
        rows = slice(start, start + len(part.batch.matrix))
        made.append(_contributions(found, rows, part.score, explainer.space))
        start = rows.stop
    return made


def _contributions(found: Explained, rows: slice, score: Score, space: str) -> Contributions:
    sign = score.sign
    # The probability of the first of two classes is what is left of 1 by the second's.
    whole = 1.0 if space == "probability" and sign < 0 else 0.0
    baselines = [whole + sign * baseline for baseline in found.baselines[rows]]
    words = [_signed(terms, sign) for terms in found.words[rows]]
    return Contributions(found.contributions[rows] * sign, baselines, score.classes, space, words)


def _signed(terms: dict[int, dict[str, float]], sign: float) -> dict[int, dict[str, float]]:
    return {
        feature: {term: sign * value for term, value in own.items()}
        for feature, own in terms.items()
    }


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
