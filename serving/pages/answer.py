"""An answer as people read it: the value, how sure, why, and what is odd in the row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from serving.champions import Live
from serving.contributions import Wanted
from serving.explanations import explanations
from serving.pages.language import Catalogue
from tables.rows import Decoded
from tables.schema import Schema

# Classes and contributions that are shown by themselves; the rest is one line.
MOST_CLASSES, MOST_STEPS = 6, 12
# The interval of a quantity.
LEVEL = 0.9
# Of a value beside its contribution.
LONGEST = 28
# A bar's drawing is so wide.
SCALE = 100.0


class Shown(NamedTuple):
    """A class and its probability; the name of the rest is empty, and says how many they are."""

    name: str
    probability: float
    rest: int = 0


class Step(NamedTuple):
    """One line of the waterfall: from where to where it goes, in hundredths of the drawing."""

    name: str
    value: str
    amount: float
    left: float
    width: float
    rest: int = 0


class Waterfall(NamedTuple):
    """From the baseline by each contribution to the score: they add up to it."""

    space: str
    of: str
    baseline: float
    steps: Sequence[Step]
    score: float
    marks: tuple[float, float]
    places: int
    means: tuple[float, float] | None
    words: Mapping[str, Mapping[str, float]]


class Answered(NamedTuple):
    """What a row was answered."""

    value: str
    probability: float | None
    classes: Sequence[Shown]
    unit: str
    interval: tuple[float, float] | None
    warnings: Sequence[str]
    waterfall: Waterfall | None


def look_at(live: Live, row: Mapping[str, Any], words: Catalogue) -> Answered:
    """Answer one row. Raises RowsError, ParseError and ModelFault."""
    decoded = live.codec.decode_json(msgspec.json.encode(row), single=True)
    prediction = live.predict(decoded.batch)
    explanation = None
    if live.explainer is not None:
        explanation = explanations(live, decoded.batch, prediction, Wanted(MOST_STEPS))[0]
    return answered(live, row, decoded, prediction, explanation, words)


def answered(
    live: Live,
    row: Mapping[str, Any],
    decoded: Decoded,
    prediction: Any,
    explanation: Mapping[str, Any] | None,
    words: Catalogue,
) -> Answered:
    """Return what is shown of a prediction of one row, and of its explanation if there is one."""
    target = live.schema.target
    if not target.classes and live.intervals is not None:
        prediction = live.within(prediction, LEVEL)
    told = live.task.answers(prediction, target)[0]
    is_class = bool(target.classes)
    interval = told.get("interval")
    return Answered(
        _word(told["value"]) if is_class else words.number(told["value"]),
        told["probability"] if is_class else None,
        _classes(told["probabilities"]) if is_class else (),
        target.unit,
        tuple(interval) if interval else None,
        _warnings(live.schema, row, decoded, words),
        waterfall(explanation, row, words) if explanation else None,
    )


def waterfall(
    explanation: Mapping[str, Any], row: Mapping[str, Any], words: Catalogue
) -> Waterfall:
    """Return an explanation as steps from the baseline to the score."""
    named = list(explanation["contributions"].items())
    shown, rest = named[:MOST_STEPS], named[MOST_STEPS:]
    others = explanation.get("others", 0.0) + sum(amount for _, amount in rest)
    amounts = [amount for _, amount in shown] + ([others] if others else [])
    baseline = float(explanation["baseline"])
    levels = [baseline]
    for amount in amounts:
        levels.append(levels[-1] + amount)
    low, high = min(levels), max(levels)
    scale = SCALE / (high - low) if high > low else 0.0
    left_out = max(0, len(row) - len(shown))
    labels = [(name, _said(row.get(name), words), 0) for name, _ in shown] + [("", "", left_out)]
    steps = [
        Step(*label[:2], amount, *_bar(start, end, low, scale), label[2])
        for label, amount, start, end in zip(labels, amounts, levels, levels[1:], strict=False)
    ]
    space = explanation["space"]
    return Waterfall(
        space,
        _word(explanation["class"]) if "class" in explanation else "",
        baseline,
        steps,
        levels[-1],
        ((baseline - low) * scale, (levels[-1] - low) * scale),
        _places(amounts),
        _means(space, baseline, levels[-1]),
        explanation.get("words", {}),
    )


def _bar(start: float, end: float, low: float, scale: float) -> tuple[float, float]:
    return (min(start, end) - low) * scale, max(abs(end - start) * scale, 0.4)


def _places(amounts: Sequence[float]) -> int:
    """Return how many places behind the point tell the largest contribution in three digits."""
    largest = max(map(abs, amounts), default=0.0)
    return min(6, max(0, 2 - math.floor(math.log10(largest)))) if largest > 0 else 2


def _means(space: str, baseline: float, score: float) -> tuple[float, float] | None:
    """Return what baseline and score are as an answer, where the space is not the answer's own."""
    if space == "log_odds":
        return _logistic(baseline), _logistic(score)
    if space == "log_value":
        return math.exp(min(baseline, 700)), math.exp(min(score, 700))
    return None


def _logistic(score: float) -> float:
    return 1 / (1 + math.exp(-score)) if score > -700 else 0.0


def _classes(probabilities: Mapping[str, float]) -> list[Shown]:
    """Return the most probable classes, the most probable first, and the rest in one."""
    ordered = sorted(probabilities.items(), key=lambda pair: -pair[1])
    shown = [Shown(name, probability) for name, probability in ordered[:MOST_CLASSES]]
    rest = ordered[MOST_CLASSES:]
    return shown + ([Shown("", sum(p for _, p in rest), len(rest))] if rest else [])


def _warnings(
    schema: Schema, row: Mapping[str, Any], decoded: Decoded, words: Catalogue
) -> list[str]:
    said = [words("warning_unseen", field=name) for _, name in decoded.unknown]
    said += [words("warning_missing", field=name) for _, name in decoded.missing]
    for feature in schema.features:
        value = row.get(feature.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        low, high = feature.minimum, feature.maximum
        if low is not None and high is not None and not low <= value <= high:
            ends = {"low": words.number(low, 6), "high": words.number(high, 6)}
            said.append(words("warning_range", field=feature.name, **ends))
    return said


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said(value: Any, words: Catalogue) -> str:
    """Return a value as it stands beside its contribution, cut where it is long."""
    if value is None:
        return words("missing")
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, int | float):
        return words.number(value, 6)
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
