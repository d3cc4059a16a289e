"""Which features weigh most: by shuffling them, by the estimator, by their contributions."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from typing import Any

from serving.pages.look import Look
from serving.pages.names import shown
from serving.pages.sections import Section, Table

# So many features in the table, and so many behind a line that opens them.
MOST_SHOWN, MOST_MORE = 15, 200
# A column whose largest number is above this is written in millions, as squared errors want it.
MILLIONS = 1e8


def importances_section(look: Look) -> Section | None:
    """Return the importances that the model tells of, those of shuffling first."""
    words, info = look.words, look.subject.info
    shuffled: dict[str, Any] = info.get("permutation_importances") or {}
    own: dict[str, float] = info.get("feature_importances") or {}
    told = info.get("explanation", {}).get("mean_absolute_contributions") or {}
    means = {name: float(found["mean"]) for name, found in shuffled.items()}
    order = list(means or told or own)
    if not order:
        return None
    columns = [
        (words("shuffled"), means, {n: float(found["std"]) for n, found in shuffled.items()}),
        (words("contributed"), told, {}),
        (words("own_account"), own, {}),
    ]
    columns = [column for column in columns if column[1]]
    first, rest = order[:MOST_SHOWN], order[MOST_SHOWN : MOST_SHOWN + MOST_MORE]
    tables = [_table(look, first, columns, words("importances_caption"))]
    more = [_table(look, rest, columns, words("importances_more", n=len(rest)))] if rest else []
    said = [_says(look, order, means), *_explained(look, columns)]
    return Section("importances", words("importances"), said, tables=tables, more=more)


def _table(look: Look, names: list[str], columns: list[Any], caption: str) -> Table:
    words = look.words
    rows = [[shown(name), *(_cell(look, name, *column) for column in columns)] for name in names]
    head = [words("feature"), *(title for title, _, _ in columns)]
    bars = {}
    for index, (_, values, _) in enumerate(columns, start=1):
        most = max(max(values.values()), 1e-12)
        bars[index] = [max(0.0, values.get(name, 0.0)) / most for name in names]
    figures = frozenset(range(1, len(head)))
    return Table(caption, head, rows, figures, bars)


def _cell(
    look: Look, name: str, title: str, values: Mapping[str, float], spread: Mapping[str, float]
) -> str:
    if name not in values:
        return "–"
    places = _places(values)

    millions = max(map(abs, values.values())) >= MILLIONS

    def written(number: float) -> str:
        if millions:
            return f"{look.words.number(round(number / 1e6))}\u00a0M"
        if not places:
            return look.words.number(round(number))
        return look.words.fixed(number, places).replace("-", "−")

    value = written(values[name])
    return f"{value} ± {written(spread[name])}" if name in spread else value


def _places(values: Mapping[str, float]) -> int:
    """Return how many places a column has: three digits of its largest number."""
    most = max(map(abs, values.values()))
    return int(min(9, max(0, 2 - floor(log10(most))))) if most > 0 else 0


def _says(look: Look, order: list[str], means: dict[str, float]) -> str:
    words, first = look.words, shown(order[0])
    if not means:
        return words("importances_first", first=first)
    loss = words("loss_classes") if look.classes else words("loss_quantity")
    most = means[order[0]]
    grown = (
        f"{words.number(round(most / 1e6))}\u00a0M" if most >= MILLIONS else words.number(most, 3)
    )
    nothing = sum(1 for value in means.values() if value <= 0)
    said = words("importances_say", first=first, grown=grown, loss=loss)
    return said + (" " + words("importances_nothing", n=nothing) if nothing else "")


def _explained(look: Look, columns: list[Any]) -> list[str]:
    keys = {look.words("contributed"): "contributed_says", look.words("own_account"): "own_says"}
    return [look.words(keys[title]) for title, _, _ in columns if title in keys]
