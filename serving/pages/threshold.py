"""Where two classes are parted: what a threshold finds and misses, and what that costs."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from learning.quality import BARS, Cuts
from serving.pages.choices import Choices
from serving.pages.figures import Figure, axis
from serving.pages.look import Look
from serving.pages.sections import Form, Picture, Section, Table


class At(NamedTuple):
    """The rows at a threshold: right and wrong, called the second class and not."""

    threshold: float
    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.tp + self.fp + self.tn + self.fn

    @property
    def recall(self) -> float:
        """The share of the second class that is found."""
        return self.tp / max(1, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """The share of those called the second class that are; 1, where none is called so."""
        called = self.tp + self.fp
        return self.tp / called if called else 1.0

    @property
    def false_alarms(self) -> float:
        """The share of the first class that is taken for the second."""
        return self.fp / max(1, self.fp + self.tn)

    def cost(self, choices: Choices) -> float:
        """Return what mistakes cost, a row."""
        paid = choices.cost_fp * self.fp + choices.cost_fn * self.fn
        return paid / max(1, self.rows)


def every(cuts: Cuts) -> list[At]:
    """Return what each threshold does, in their order."""
    first, second = cuts.rows
    pairs = zip(cuts.thresholds, *cuts.above, strict=True)
    return [At(t, tp, fp, first - fp, second - tp) for t, fp, tp in pairs]


def nearest(found: list[At], threshold: float) -> At:
    """Return what the threshold does that is nearest to one asked for."""
    index = bisect_left([at.threshold for at in found], threshold)
    near = found[max(0, index - 1) : index + 1]
    return min(near, key=lambda at: abs(at.threshold - threshold))


def cheapest(found: list[At], choices: Choices) -> At:
    """Return the threshold of least cost, of equals the one nearest to a half."""
    return min(found, key=lambda at: (at.cost(choices), abs(at.threshold - 0.5)))


def threshold_section(look: Look) -> Section | None:
    """Return the confusion at the threshold that is set, its cost, and the probabilities."""
    quality, words, choices = look.subject.quality, look.words, look.choices
    if quality is None or quality.cuts is None:
        return None
    found = every(quality.cuts)
    at, best = nearest(found, choices.threshold), cheapest(found, choices)
    said = [words(f"refused_{name}") for name in choices.refused]
    said += [words("threshold_says", **_facts(look, at)), *_costs(look, found, at, best)]
    values = {
        "threshold": _plain(at.threshold),
        "cost_fp": _plain(choices.cost_fp),
        "cost_fn": _plain(choices.cost_fn),
        "best": _plain(best.threshold),
        "best_shown": look.plain(best.threshold),
        "first": look.classes[0],
        "second": look.classes[1],
        "kept": {"feature": choices.feature, "beside": choices.beside},
    }
    form = None if look.still else Form("threshold_form.html", values)
    pictures = [_scores(look, quality.cuts, at), _cost_curve(look, found, at, best)]
    return Section("threshold", words("threshold"), said, form, pictures, [_confusion(look, at)])


def _facts(look: Look, at: At) -> dict[str, str]:
    words, (first, second) = look.words, look.classes
    return {
        "threshold": look.plain(at.threshold),
        "first": first,
        "second": second,
        "recall": words.percent(at.recall),
        "precision": words.percent(at.precision),
        "false_alarms": words.percent(at.false_alarms),
        "wrong": words.number(at.fp + at.fn),
        "rows": words.number(at.rows),
    }


def _costs(look: Look, found: list[At], at: At, best: At) -> list[str]:
    words, choices = look.words, look.choices
    key = "cost_says" if best.cost(choices) < at.cost(choices) else "cost_is_least"
    return [
        words(
            key,
            fp=look.plain(choices.cost_fp),
            fn=look.plain(choices.cost_fn),
            first=look.classes[0],
            second=look.classes[1],
            cost=look.plain(at.cost(choices)),
            best=look.plain(best.threshold),
            least=look.plain(best.cost(choices)),
            none=look.plain(found[-1].cost(choices)),
            all=look.plain(found[0].cost(choices)),
        )
    ]


def _confusion(look: Look, at: At) -> Table:
    words, (first, second) = look.words, look.classes

    def cell(count: int, total: int) -> str:
        return f"{words.number(count)} ({words.percent(count / max(1, total))})"

    negatives, positives = at.tn + at.fp, at.fn + at.tp
    rows = [
        [words("truly", name=first), cell(at.tn, negatives), cell(at.fp, negatives)],
        [words("truly", name=second), cell(at.fn, positives), cell(at.tp, positives)],
    ]
    head = ["", words("called", name=first), words("called", name=second)]
    return Table(words("confusion_caption"), head, rows, frozenset({1, 2}))


def _scores(look: Look, cuts: Cuts, at: At) -> Picture:
    """Return how the probabilities of each class are distributed, with the threshold."""
    words, (first, second) = look.words, look.classes
    shares = [
        [bar / max(1, rows) for bar in bars]
        for bars, rows in zip(cuts.bars, cuts.rows, strict=True)
    ]
    most = max(map(max, shares)) or 1.0
    figure = Figure(
        words("scores_title", second=second),
        axis(0, 1, words("probability_of", name=second), look.tick),
        axis(0, most, words("share_of_class"), look.tick_share),
    )
    bars = [[(i / BARS, (i + 1) / BARS, share) for i, share in enumerate(part)] for part in shares]
    figure.bars(bars[1], "second").steps(bars[0], "first").mark(at.threshold, "chosen")
    legend = [("second", second), ("first", first), ("chosen", words("the_threshold"))]
    middles = [_middle(part) for part in cuts.bars]
    said = words(
        "scores_say",
        first=first,
        second=second,
        low=words.percent(middles[0]),
        high=words.percent(middles[1]),
    )
    return Picture(words("scores"), figure.svg(), said, legend)


def _middle(bars: tuple[int, ...]) -> float:
    """Return about where half of the rows are below."""
    half, below = sum(bars) / 2, 0
    for index, count in enumerate(bars):
        below += count
        if below >= half:
            return (index + 0.5) / len(bars)
    return 0.5


def _cost_curve(look: Look, found: list[At], at: At, best: At) -> Picture:
    words, choices = look.words, look.choices
    costs = [(each.threshold, each.cost(choices)) for each in found]
    figure = Figure(
        words("costs_title"),
        axis(0, 1, words("the_threshold"), look.tick),
        axis(0, max(cost for _, cost in costs) or 1.0, words("cost_a_row"), look.tick),
    )
    figure.line(costs, "own").mark(at.threshold, "chosen")
    figure.dots([(best.threshold, best.cost(choices))], "dot", 4.5)
    legend = [
        ("own", words("cost_a_row")),
        ("chosen", words("the_threshold")),
        ("dot", words("least")),
    ]
    said = words(
        "costs_say",
        best=look.plain(best.threshold),
        least=look.plain(best.cost(choices)),
        all=look.plain(found[0].cost(choices)),
        none=look.plain(found[-1].cost(choices)),
        first=look.classes[0],
        second=look.classes[1],
    )
    return Picture(words("costs"), figure.svg(), said, legend)


def _plain(value: float) -> str:
    """Return a number as a form's field has it."""
    return f"{value:.6g}" if value < 1e6 else f"{value:.0f}"
