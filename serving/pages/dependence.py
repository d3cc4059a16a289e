"""How the answer changes with one feature: the mean over rows, and some rows one by one."""

from __future__ import annotations

from typing import Any

from learning.curves import Curve
from serving.pages.figures import Figure, Point, axis, labelled
from serving.pages.look import Look
from serving.pages.names import shown
from serving.pages.sections import Form, Picture, Section
from tables.schema import Feature

# A file that nobody can choose in shows the first so many; lines of classes, at most.
MOST_STILL, MOST_LINES = 6, 5
KINDS = ("own", "other", "third", "fourth", "fifth")


def dependence_section(look: Look) -> Section | None:
    """Return the picture of the feature that is set, of a file those that weigh most."""
    words, curves = look.words, look.subject.curves
    features = {f.name: f for f in look.subject.schema.features if f.name in curves}
    names = [name for name in curves if name in features]
    if not names:
        return None
    by_mark = {_mark(name, index): name for index, name in enumerate(names)}
    chosen = by_mark.get(look.choices.feature, names[0])
    drawn = names[:MOST_STILL] if look.still else [chosen]
    pictures = [_picture(look, features[name], curves[name]) for name in drawn]
    values = {
        "names": [(mark, shown(name)) for mark, name in by_mark.items()],
        "chosen": _mark(chosen, names.index(chosen)),
        "kept": {
            "threshold": look.choices.threshold,
            "cost_fp": look.choices.cost_fp,
            "cost_fn": look.choices.cost_fn,
            "beside": look.choices.beside,
        },
    }
    form = None if look.still else Form("feature_form.html", values)
    return Section("dependence", words("dependence"), [words("dependence_how")], form, pictures)


def _mark(name: str, index: int) -> str:
    """Return what an address calls a feature: its name, if that is shown as it is."""
    return name if shown(name) == name else f"#{index}"


def _picture(look: Look, feature: Feature, curve: Curve) -> Picture:
    lines = _lines(look, curve)
    numbers = [value for value in curve.values if isinstance(value, int | float)]
    ordered = feature.kind in ("number", "integer") and len(numbers) == len(curve.values)
    every = [*(y for _, ys in lines for y in ys), *(y for row in curve.rows for y in row)]
    low, high = (0.0, 1.0) if look.classes else (min(every), max(every))
    x = (
        axis(min(numbers), max(numbers), shown(feature.name, 40), look.tick)
        if ordered
        else labelled([_value(look, value) for value in curve.values], shown(feature.name, 40))
    )
    title = look.words("dependence_title", name=shown(feature.name))
    write = look.tick_share if look.classes else look.tick
    figure = Figure(title, x, axis(low, high, _answer(look), write))
    places = list(map(float, numbers)) if ordered else [i + 0.5 for i in range(len(curve.values))]
    for row in curve.rows:
        figure.line(_points(places, row), "row")
    for kind, (_, ys) in zip(KINDS, lines, strict=False):
        figure.line(_points(places, ys), kind)
        if not ordered:
            figure.dots(_points(places, ys), kind)
    legend = [(kind, name) for kind, (name, _) in zip(KINDS, lines, strict=False)]
    if curve.rows:
        legend.append(("row", look.words("single_rows")))
    name = shown(feature.name)
    return Picture(name, figure.svg(), _says(look, name, curve, lines[0]), legend)


def _lines(look: Look, curve: Curve) -> list[tuple[str, list[float]]]:
    """Return the lines to draw, each with its name: of many classes those that change most."""
    columns = list(map(list, zip(*curve.mean, strict=True)))
    if len(columns) == 1:
        return [(look.words("mean_of_rows"), columns[0])]
    if len(columns) == 2:
        return [(look.words("mean_of_rows"), columns[1])]
    names = [look.classes[index] for index in curve.classes or range(len(columns))]
    pairs = list(zip(names, columns, strict=True))
    return sorted(pairs, key=lambda pair: min(pair[1]) - max(pair[1]))[:MOST_LINES]


def _points(places: list[float], ys: list[float]) -> list[Point]:
    return list(zip(places, ys, strict=True))


def _answer(look: Look) -> str:
    if not look.classes:
        return look.target
    two = len(look.classes) == 2
    return look.words("probability_of", name=look.classes[1]) if two else look.words("probability")


def _says(look: Look, name: str, curve: Curve, line: tuple[str, list[float]]) -> str:
    words, (called, ys) = look.words, line
    least, most = ys.index(min(ys)), ys.index(max(ys))
    write = words.percent if look.classes else look.quantity
    many = len(look.classes) > 2
    about = words("probability_of", name=called) if many else _answer(look)
    key = "dependence_says" if ys[least] < ys[most] else "dependence_flat"
    return words(
        key,
        name=name,
        about=about,
        low=write(ys[least]),
        low_at=_value(look, curve.values[least]),
        high=write(ys[most]),
        high_at=_value(look, curve.values[most]),
    )


def _value(look: Look, value: Any) -> str:
    if value is None:
        return look.words("missing")
    if isinstance(value, bool):
        return look.words("yes" if value else "no")
    return look.plain(value, 6) if isinstance(value, int | float) else shown(value, 40)
