"""What the worker found of a model's traffic, in words: rows, features that are other, harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.pages.look import Look
from serving.pages.names import shown
from serving.pages.sections import Section
from serving.pages.traffic import Traffic

# So many features are named.
MOST_NAMED = 10
# Under so many rows the report has no verdict.
FEWEST_ROWS = 200


def verdict_section(look: Look, traffic: Traffic) -> Section:
    """Return what is found of the last days, or why there is nothing."""
    words, report = look.words, traffic.report
    if report is None:
        return Section("drift", words("drift"), [words(traffic.why)])
    rows = int(report.get("rows", 0))
    when = shown(report.get("looked_at", "–"))
    said = [words("drift_rows", n=rows, days=report.get("days", 7), when=when)]
    if rows < FEWEST_ROWS:
        said.append(words("drift_few"))
    else:
        said += [*_inputs(look, report), _score(look, report), *_harm(look, report)]
    return Section("drift", words("drift"), said)


def _inputs(look: Look, report: Mapping[str, Any]) -> list[str]:
    words, columns = look.words, report.get("inputs", {}).get("columns", ())
    other = [c["name"] for c in columns if c.get("alarm") or c.get("other")]
    if not other:
        return [words("drift_quiet")]
    names = ", ".join(shown(name, 40) for name in other[:MOST_NAMED])
    names += words("and_more", n=len(other) - MOST_NAMED) if len(other) > MOST_NAMED else ""
    alarm = [words("drift_alarm")] if report.get("alarm") else []
    return [*alarm, words("drift_other", n=len(other), names=names)]


def _score(look: Look, report: Mapping[str, Any]) -> str:
    score = report.get("score", {})
    columns = score.get("columns", ())
    other = score.get("alarm") or any(column.get("other") for column in columns)
    return look.words("score_other" if other else "score_same")


def _harm(look: Look, report: Mapping[str, Any]) -> list[str]:
    """Return what is lost, to be expected and measured, beside the hold-out."""
    words, harm, said = look.words, report.get("harm", {}), []
    loss = words("loss_named_classes" if look.classes else "loss_named_quantity")
    for key in ("expected", "measured"):
        found = harm.get(key, {})
        if "value" not in found:
            continue
        low, high = found.get("difference", (0.0, 0.0))
        verdict = "harm_worse" if low > 0 else "harm_better" if high < 0 else "harm_same"
        said.append(
            words(
                f"harm_{key}",
                loss=loss,
                rows=words.number(found.get("rows", 0)),
                now=look.plain(found["value"]),
                then=look.plain(found["holdout"]),
                verdict=words(verdict),
            )
        )
    return said
