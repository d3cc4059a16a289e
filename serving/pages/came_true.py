"""What came true of a model's answers: its metrics on rows whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from errors import MiranteError
from serving.pages.look import Look
from serving.pages.metrics import CLASSES, QUANTITY, written
from serving.pages.page import Visit
from serving.pages.sections import Form, Section, Table
from serving.pages.traffic import Traffic

# A log is read for it, which takes a while: only who asks has it done.
ASKED, DAYS = "days", 7


def came_true_section(look: Look, visit: Visit, traffic: Traffic) -> Section | None:
    """Return the metrics of the last days to who asks; nothing, where nothing is logged."""
    words, ask = look.words, visit.place.ask_performance
    if ask is None or traffic.why == "drift_none":
        return None
    title = words("came_true_title")
    if visit.query.get(ASKED) != str(DAYS):
        return Section("came-true", title, form=Form("came_true_form.html", {"days": DAYS}))
    try:
        data = ask(look.subject.name, DAYS, look.subject.version, dict(look.subject.metrics))
    except MiranteError:
        return Section("came-true", title, [words("drift_away")])
    found = msgspec.json.decode(data)
    if not found.get("with_truth"):
        return Section("came-true", title, [words("came_true_none")])
    predictions = words.number(found["predictions"])
    said = [words("came_true_says", n=found["with_truth"], days=DAYS, predictions=predictions)]
    return Section("came-true", title, said, tables=[_table(look, found["metrics"])])


def _table(look: Look, metrics: Mapping[str, Any]) -> Table:
    words = look.words
    rows = []
    for name in (*CLASSES, *QUANTITY):
        if name not in metrics:
            continue
        one = metrics[name]
        ends = [written(look, name, one[end]) for end in ("low", "high") if end in one]
        between = words("ranges", low=ends[0], high=ends[1]) if len(ends) == 2 else "–"
        then = written(look, name, one["holdout"]) if "holdout" in one else "–"
        rows.append([words(f"metric_{name}"), written(look, name, one["value"]), between, then])
    head = [words("metric"), words("came_true_value"), words("interval_95"), words("holdout_value")]
    return Table(words("came_true_caption"), head, rows, frozenset({1, 2, 3}))
