"""A version's features one by one: kind, range, what is missing, distribution, and traffic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from learning.histograms import Histogram, total
from serving.pages.figures import Axis, Figure
from serving.pages.look import Look
from serving.pages.names import shown
from serving.pages.sections import Picture, Table
from serving.pages.traffic import Traffic, shares_by_bar
from tables.schema import Feature
from tables.sketch import Counts, Sketch

# Categories that are listed, and letters of each.
MOST_CATEGORIES, MOST_LETTERS = 8, 40
HEIGHT = 110


class Told(NamedTuple):
    """A feature as it is told: its kind, facts and verdicts, a picture or a table of its values."""

    name: str
    kind: str
    facts: Sequence[str]
    verdicts: Sequence[str] = ()
    alarm: bool = False
    picture: Picture | None = None
    table: Table | None = None


def told(look: Look, feature: Feature, histogram: Histogram | None, traffic: Traffic) -> Told:
    """Return what is told of a feature."""
    words, name = look.words, shown(feature.name)
    facts = [*_range(look, feature, histogram), _missing(look, feature, histogram)]
    column = traffic.column(feature.name)
    verdicts = _verdicts(look, column)
    found = Told(
        name,
        words(f"kind_{feature.kind}"),
        facts,
        verdicts,
        bool(column.get("alarm") or column.get("other")),
    )
    if histogram is None or not histogram.counts:
        return found
    shares = _shares(look, feature, histogram, traffic)
    if feature.kind in ("category", "boolean"):
        return found._replace(table=_values(look, feature, histogram, shares))
    return found._replace(picture=_picture(look, feature, histogram, shares))


def _range(look: Look, feature: Feature, histogram: Histogram | None) -> list[str]:
    words = look.words
    if feature.minimum is not None and feature.maximum is not None:
        low, high = look.plain(feature.minimum, 6), look.plain(feature.maximum, 6)
        return [words("ranges", low=low, high=high)]
    if feature.dates is not None:
        return [words("ranges", low=shown(feature.dates.first), high=shown(feature.dates.last))]
    if feature.categories:
        return [words("of_categories", n=len(feature.categories))]
    if feature.kind == "text" and histogram is not None and histogram.counts:
        least, most = map(look.plain, _ends(histogram))
        return [words("text_letters", low=least, high=most)]
    return []


def _missing(look: Look, feature: Feature, histogram: Histogram | None) -> str:
    words = look.words
    if histogram is None:
        return words("may_be_missing") if feature.nullable else words("never_missing")
    if not histogram.missing:
        return words("never_missing")
    return words("missing_share", share=words.percent(histogram.missing / total(histogram)))


def _verdicts(look: Look, column: object) -> list[str]:
    """Return what the report of drift says of a feature, in words."""
    words = look.words
    if not isinstance(column, dict) or not column.get("rows"):
        return []
    said = []
    if column.get("alarm"):
        said.append(words("verdict_alarm", when=shown((column.get("alarms") or ["–"])[-1])))
    if column.get("other"):
        distance, chance = look.plain(column["distance"]), look.plain(column["by_chance"])
        said.append(words("verdict_other", distance=distance, chance=chance))
    elif not column.get("alarm"):
        said.append(words("verdict_same"))
    missing = column.get("missing", {})
    if abs(missing.get("now", 0.0) - missing.get("training", 0.0)) >= 0.005:
        then = words.percent(missing["training"])
        said.append(words("verdict_missing", now=words.percent(missing["now"]), training=then))
    for key, outside in (("out_of_range", "verdict_outside"), ("unseen", "verdict_unseen")):
        if column.get(key, {}).get("now", 0.0) > column.get(key, {}).get("training", 0.0):
            said.append(words(outside, now=words.percent(column[key]["now"])))
    return said


class _Shares(NamedTuple):
    """The share of the rows with a value in each bar: in training, last week and last day."""

    training: list[float]
    week: list[float]
    day: list[float]


def _shares(look: Look, feature: Feature, histogram: Histogram, traffic: Traffic) -> _Shares:
    rows = max(1, total(histogram) - histogram.missing)
    training = [count / rows for count in histogram.counts]
    profile = look.subject.profile
    sketch = profile.features.get(feature.name) if profile else None
    # Of a date only whether it is there is counted.
    if sketch is None or feature.dates is not None:
        return _Shares(training, [], [])
    found = [
        _by_bar(histogram, sketch, counts.get(feature.name))
        for counts in (traffic.week, traffic.day)
    ]
    return _Shares(training, *found)


def _by_bar(histogram: Histogram, sketch: Sketch, counts: Counts | None) -> list[float]:
    if counts is None or len(counts) != len(sketch.totals) or not counts.sum():
        return []
    return shares_by_bar(histogram, sketch, counts)


def _ends(histogram: Histogram) -> tuple[float, float]:
    if histogram.values:
        return histogram.values[0], histogram.values[-1]
    return histogram.low, histogram.high


def _picture(look: Look, feature: Feature, histogram: Histogram, shares: _Shares) -> Picture:
    words, count = look.words, len(histogram.counts)
    marks = _marks(look, feature, histogram)
    most = max(*shares.training, *shares.week, *shares.day, 1e-9)
    name = shown(feature.name)
    x = Axis(0, count, "", marks)
    y = Axis(0, most, "", ((0, "0 %"), (most, words.percent(most))))
    figure = Figure(words("bars_of", name=name), x, y, height=HEIGHT)
    figure.bars(_bars(shares.training), "training")
    if len(look.classes) == 2:
        figure.bars(_bars(_second(histogram, shares.training)), "second")
    for kind, part in (("week", shares.week), ("day", shares.day)):
        figure.steps(_bars(part), kind)
    return Picture(name, figure.svg(), "")


def legend_of(look: Look, traffic: Traffic) -> list[tuple[str, str]]:
    """Return the marks of all pictures of features; none, where they have one alone."""
    words = look.words
    found = [("training", words("in_training"))]
    if len(look.classes) == 2:
        found.append(("second", words("of_which", second=look.classes[1])))
    found += [("week", words("in_week"))] if traffic.week else []
    found += [("day", words("in_day"))] if traffic.day else []
    return found if len(found) > 1 else []


def _marks(look: Look, feature: Feature, histogram: Histogram) -> tuple[tuple[float, str], ...]:
    """Return the labels below the bars: of single values some, else the ends and the middle."""
    count = len(histogram.counts)
    if histogram.values:
        every = -(-count // 8)
        labels = [look.plain(value) for value in histogram.values]
        return tuple((i + 0.5, label) for i, label in enumerate(labels))[::every]
    low, high = histogram.low, histogram.high
    places = ((0, low), (count / 2, (low + high) / 2), (count, high))
    if feature.minimum is not None and feature.maximum is not None:
        # What is beyond is in the outermost bars.
        below, above = ("≤ " * (feature.minimum < low), "≥ " * (feature.maximum > high))
        signs = (below, "", above)
        return tuple((p, s + look.plain(v)) for (p, v), s in zip(places, signs, strict=True))
    if feature.dates is not None and "days" in feature.dates.parts:
        return tuple((place, day(value)) for place, value in places)
    return tuple((place, look.plain(value)) for place, value in places)


def day(days: float) -> str:
    """Return the date that is so many days after 1970, in ISO 8601."""
    return str(np.datetime64("1970-01-01") + np.timedelta64(int(days), "D"))


def _bars(shares: Sequence[float]) -> list[tuple[float, float, float]]:
    return [(index, index + 1, share) for index, share in enumerate(shares)]


def _second(histogram: Histogram, shares: Sequence[float]) -> list[float]:
    """Return the part of each bar that is of the second class; none, where it is not kept."""
    means = histogram.means[: len(shares)]
    return [share * (mean or 0.0) for share, mean in zip(shares, means, strict=False)]


def _values(look: Look, feature: Feature, histogram: Histogram, shares: _Shares) -> Table:
    """Return the commonest categories with their shares, and with the target's mean."""
    words = look.words
    order = sorted(range(len(histogram.counts)), key=lambda index: -histogram.counts[index])
    kept = order[:MOST_CATEGORIES]
    columns = [(words("in_training"), shares.training)]
    columns += [(words("in_week"), shares.week)] if shares.week else []
    columns += [(words("in_day"), shares.day)] if shares.day else []
    rows = [
        [_category(look, feature, histogram.values[i]), *(words.percent(s[i]) for _, s in columns)]
        for i in kept
    ]
    means = histogram.means
    head = [words("category"), *(title for title, _ in columns)]
    if means:
        head.append(_mean_title(look))
        for row, index in zip(rows, kept, strict=True):
            row.append(_mean(look, means[index]))
    if len(order) > len(kept) or histogram.others:
        rest = [max(0.0, 1 - sum(s[i] for i in kept)) for _, s in columns]
        rows.append([words("other_values"), *map(words.percent, rest), *(["–"] if means else [])])
    bars = {1: [shares.training[index] for index in kept] + [0.0] * (len(rows) - len(kept))}
    name = words("bars_of", name=shown(feature.name))
    return Table(name, head, rows, frozenset(range(1, len(head))), bars)


def _mean_title(look: Look) -> str:
    if len(look.classes) == 2:
        return look.words("share_of", name=look.classes[1])
    return look.words("mean_of", name=look.target)


def _mean(look: Look, value: float | None) -> str:
    if value is None:
        return "–"
    return look.words.percent(value) if look.classes else look.plain(value)


def _category(look: Look, feature: Feature, code: float) -> str:
    if feature.kind == "boolean":
        return look.words("yes" if code else "no")
    index = int(code)
    if 0 <= index < len(feature.categories):
        return shown(feature.categories[index], MOST_LETTERS)
    return look.words("other_values")
