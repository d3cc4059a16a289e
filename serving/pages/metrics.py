"""The metrics of a version, each with what it means in a sentence of its own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, NamedTuple

from serving.pages.look import Look
from serving.pages.sections import Section, Table
from serving.pages.subject import Subject

CLASSES = (
    "roc_auc",
    "log_loss",
    "brier_score",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "expected_calibration_error",
)
QUANTITY = ("rmse", "mae", "median_absolute_error", "r2")


class Held(NamedTuple):
    """The rows of the hold-out by class; from it comes what who looks at no feature would have."""

    counts: tuple[int, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(self.counts)

    @property
    def shares(self) -> list[float]:
        """The share of each class."""
        return [count / max(1, self.rows) for count in self.counts]


def metrics_section(look: Look) -> Section:
    """Return the metrics beside those of the base rate and of the other version."""
    words, metrics = look.words, look.subject.metrics
    names = [name for name in (*CLASSES, *QUANTITY) if isinstance(metrics.get(name), float | int)]
    if not names:
        return Section("metrics", words("metrics"), [words("no_metrics")])
    held = held_of(look.subject)
    base = base_of(look.subject, held)
    head = [words("metric"), words("model_short"), words("base_rate")]
    beside = look.other.metrics if look.other else None
    head += [words("other_version")] if beside is not None else []
    rows = [_row(look, name, base, held, beside) for name in names]
    figures = frozenset(range(1, len(head)))
    table = Table(words("metrics_caption"), [*head, words("meaning")], rows, figures, words=True)
    return Section("metrics", words("metrics"), list(_said(look, held)), tables=[table])


def held_of(subject: Subject) -> Held:
    """Return the hold-out by class; of a quantity, or where nothing is kept, it is empty."""
    matrix = subject.metrics.get("confusion_matrix") or ()
    return Held(tuple(sum(row) for row in matrix))


def base_of(subject: Subject, held: Held) -> dict[str, float]:
    """Return the metrics of always answering the base rate, those that can be told."""
    metrics, shares, found = subject.metrics, held.shares, {}
    if "base_rate_log_loss" in metrics:
        found["log_loss"] = float(metrics["base_rate_log_loss"])
    if held.rows:
        found |= {"roc_auc": 0.5, "accuracy": max(shares), "balanced_accuracy": 1 / len(shares)}
        squares = 1 - sum(share**2 for share in shares)
        found["brier_score"] = squares / 2 if len(shares) == 2 else squares
    if len(shares) == 2 and shares[1]:
        found["f1"] = 2 * shares[1] / (1 + shares[1])
    if "base_rate_squared_error" in metrics:
        found |= {"rmse": sqrt(float(metrics["base_rate_squared_error"])), "r2": 0.0}
    return found


def _row(
    look: Look,
    name: str,
    base: Mapping[str, float],
    held: Held,
    beside: Mapping[str, Any] | None,
) -> list[str]:
    words, value = look.words, look.subject.metrics[name]
    cells = [words(f"metric_{name}"), written(look, name, value)]
    cells.append(written(look, name, base[name]) if name in base else "–")
    if beside is not None:
        other = beside.get(name)
        cells.append(written(look, name, other) if isinstance(other, float | int) else "–")
    return [*cells, _meaning(look, name, float(value), base, held)]


def written(look: Look, name: str, value: float) -> str:
    """Return a metric's value, all of one metric with as many places."""
    if name in ("rmse", "mae", "median_absolute_error"):
        return look.plain(float(value), 4)
    return look.words.fixed(float(value), 3)


def _meaning(look: Look, name: str, value: float, base: Mapping[str, float], held: Held) -> str:
    """Return what a metric says, in this version's own numbers."""
    words, classes = look.words, look.classes
    two = len(classes) == 2
    key = f"says_{name}"
    if name == "log_loss" and base.get(name, value) < value:
        key = "says_log_loss_worse"
    elif name in ("log_loss", "rmse") and name not in base:
        key = f"says_{name}_alone"
    elif name in ("roc_auc", "f1") and not two:
        key = f"says_{name}_many"
    return words(
        key,
        share=words.percent(value),
        base=written(look, name, base[name]) if name in base else "–",
        base_share=words.percent(base.get(name, 0.0)),
        less=words.percent(1 - value / base[name]) if base.get(name) else "–",
        rows=words.number(held.rows),
        right=words.number(round(value * held.rows)),
        first=classes[0] if two else "",
        second=classes[1] if two else "",
        common=_common(look, held),
        points=words.fixed(100 * value, 1),
        unit_value=look.quantity(value),
    )


def _common(look: Look, held: Held) -> str:
    """Return the class that most rows of the hold-out have."""
    if not held.rows:
        return ""
    return look.classes[max(range(len(held.counts)), key=held.counts.__getitem__)]


def _said(look: Look, held: Held) -> list[str]:
    """Return on which rows the metrics were measured, and the base rate."""
    words, subject = look.words, look.subject
    found = subject.info.get("holdout", {})
    rows = found.get("rows") or held.rows
    said = [
        words(f"held_{found.get('by', 'chance')}", n=int(rows), column=str(found.get("column", "")))
    ]
    if held.rows and len(look.classes) == 2:
        share = words.percent(held.shares[1])
        said.append(words("base_rate_two", share=share, second=look.classes[1], target=look.target))
    elif held.rows:
        share, count = words.percent(max(held.shares)), words.number(len(held.counts))
        common = _common(look, held)
        said.append(words("base_rate_many", share=share, common=common, count=count))
    elif subject.quality and subject.quality.residuals:
        found_at = subject.quality.residuals.true
        low, middle, high = (look.quantity(found_at[index]) for index in (2, 4, 6))
        said.append(words("base_quantity", low=low, middle=middle, high=high, target=look.target))
    return said
