"""How well a version ranks, and whether its probabilities come true: ROC, PR, calibration."""

from __future__ import annotations

from collections.abc import Sequence

from learning.quality import Cuts
from serving.pages.figures import Figure, Point, axis
from serving.pages.look import Look
from serving.pages.sections import Picture, Section
from serving.pages.subject import Subject
from serving.pages.threshold import At, every, nearest

# Recall at which the precision is told.
TOLD_RECALL = 0.8


def curves_section(look: Look) -> Section | None:
    """Return the pictures that there are; None where the artifact has nothing to draw."""
    quality, words = look.subject.quality, look.words
    pictures = []
    if quality is not None and quality.cuts is not None:
        found, other = every(quality.cuts), _other(look.other)
        at = nearest(found, look.choices.threshold)
        pictures += [_roc(look, found, other, at), _precision(look, found, other, at, quality.cuts)]
    if look.subject.metrics.get("calibration"):
        pictures.append(_calibration(look))
    return Section("curves", words("curves"), pictures=pictures) if pictures else None


def _other(other: Subject | None) -> list[At]:
    quality = other.quality if other else None
    return every(quality.cuts) if quality and quality.cuts else []


def _roc(look: Look, found: list[At], other: list[At], at: At) -> Picture:
    words, (first, second) = look.words, look.classes
    figure = Figure(
        words("roc_title"),
        axis(0, 1, words("taken_for", first=first, second=second), look.tick_share),
        axis(0, 1, words("found_of", name=second), look.tick_share),
    )
    figure.line([(0, 0), (1, 1)], "base")
    if other:
        figure.line(_curve(other), "other")
    figure.line(_curve(found), "own").dots([(at.false_alarms, at.recall)], "dot")
    said = words(
        "roc_says",
        threshold=look.plain(at.threshold),
        recall=words.percent(at.recall),
        false_alarms=words.percent(at.false_alarms),
        first=first,
        second=second,
    )
    legend = [*look.legend, ("base", words("a_guess")), ("dot", words("the_threshold"))]
    return Picture(words("roc"), figure.svg(), said, legend)


def _curve(found: list[At]) -> list[Point]:
    return [(at.false_alarms, at.recall) for at in found]


def _precision(look: Look, found: list[At], other: list[At], at: At, cuts: Cuts) -> Picture:
    words, second = look.words, look.classes[1]
    base = cuts.rows[1] / max(1, sum(cuts.rows))
    figure = Figure(
        words("pr_title"),
        axis(0, 1, words("found_of", name=second), look.tick_share),
        axis(0, 1, words("are_of", name=second), look.tick_share),
    )
    figure.line([(0, base), (1, base)], "base")
    if other:
        figure.line(_precisions(other), "other")
    figure.line(_precisions(found), "own").dots([(at.recall, at.precision)], "dot")
    told = min((each for each in found if each.recall >= TOLD_RECALL), key=lambda each: each.recall)
    said = words(
        "pr_says",
        recall=words.percent(told.recall),
        precision=words.percent(told.precision),
        base=words.percent(base),
        second=second,
    )
    legend = [*look.legend, ("base", words("base_rate")), ("dot", words("the_threshold"))]
    return Picture(words("pr"), figure.svg(), said, legend)


def _precisions(found: list[At]) -> list[Point]:
    return [(at.recall, at.precision) for at in found if at.tp + at.fp]


def _calibration(look: Look) -> Picture:
    words, bins = look.words, look.subject.metrics["calibration"]
    two = len(look.classes) == 2
    about = words("probability_of", name=look.classes[1]) if two else words("probability_predicted")
    figure = Figure(
        words("calibration_title"),
        axis(0, 1, about, look.tick_share),
        axis(0, 1, words("came_true"), look.tick_share),
    )
    figure.line([(0, 0), (1, 1)], "base")
    if look.other and look.other.metrics.get("calibration"):
        figure.line(_points(look.other.metrics["calibration"]), "other")
    figure.line(_points(bins), "own").dots(_points(bins), "own")
    worst = max(bins, key=lambda one: abs(one["mean_predicted"] - one["fraction_observed"]))
    error = look.subject.metrics.get("expected_calibration_error", 0.0)
    said = words(
        "calibration_says",
        points=words.fixed(100 * float(error), 1),
        count=words.number(worst["count"]),
        predicted=words.percent(worst["mean_predicted"]),
        observed=words.percent(worst["fraction_observed"]),
    )
    legend = [*look.legend, ("base", words("exact"))]
    return Picture(words("calibration"), figure.svg(), said, legend)


def _points(bins: Sequence[dict[str, float]]) -> list[Point]:
    return [(one["mean_predicted"], one["fraction_observed"]) for one in bins]
