"""This learner against other libraries on many tables: `make quality`.

    python -m benchmarks.quality [--learners NAME ...] [--tables NAME ...] [--folds 3] [--write]

Each table is cut into three folds; every learner answers each fold after learning from the
others, all learners of a fold one after the other. A run that was stopped goes on: what is
in `work/quality/scores.jsonl` is not measured again unless it is deleted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from benchmarks.environments import ROOT, WORK, Unavailable, last_line, programs
from benchmarks.machine import processor
from benchmarks.quality_others import OUT
from benchmarks.quality_scores import (
    Found,
    Score,
    Standing,
    of_classes,
    of_quantities,
    standings,
    truth_of,
)
from benchmarks.quality_tables import FOLDS, TABLES, Listed
from benchmarks.report import table, write_section

NAME = "quality"
FOLDER = WORK / "quality"
SCORES = FOLDER / "scores.jsonl"
# A learner that does not end within so many seconds beyond its budget is stopped.
GRACE = 600

OWN = ("auto", "forest", "boosting", "logistic")
# The environment of every other learner. The last may take what time it likes to be best.
OTHERS = {
    "lightgbm": "quality",
    "xgboost": "quality",
    "catboost": "quality",
    "skrub": "quality",
    "flaml": "quality-flaml",
    "autogluon-medium": "quality-autogluon",
    "autogluon-best": "quality-autogluon",
}
LEARNERS = (*OWN, *OTHERS)
UNRANKED = "autogluon-best"

Key = tuple[str, int, str]


class Place(NamedTuple):
    """A fold of a table."""

    listed: Listed
    fold: int

    @property
    def folder(self) -> Path:
        """Where its table lies."""
        return FOLDER / "tables" / self.listed.name


def main() -> None:
    """Measure what is missing, print, and write the section if that is asked for."""
    options = parsed()
    chosen = [t for t in TABLES if not options.tables or t.name in options.tables]
    prepare(chosen)
    scores = read_scores()
    for place in (Place(listed, fold) for listed in chosen for fold in range(options.folds)):
        for learner in options.learners:
            if (place.listed.name, place.fold, learner) not in scores:
                keep(scores, place, learner, options.seconds)
    section = render(scores, chosen, list(options.learners), options.seconds)
    print(section)
    if options.write:
        write_section(NAME, section)


def parsed() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--learners", nargs="+", choices=LEARNERS, default=LEARNERS, metavar="NAME")
    add("--tables", nargs="+", choices=[t.name for t in TABLES], default=[], metavar="NAME")
    add("--folds", type=int, choices=range(1, FOLDS + 1), default=FOLDS)
    add("--seconds", type=int, default=60, help="the budget of those that take one")
    add("--write", action="store_true", help="into RESULTS.md")
    return parser.parse_args()


def prepare(chosen: Sequence[Listed]) -> None:
    """Write the tables."""
    python = programs("quality") / "python"
    names = [listed.name for listed in chosen]
    command: list[str | Path] = [
        python,
        "-m",
        "benchmarks.quality_tables",
        FOLDER / "tables",
        *names,
    ]
    subprocess.run(command, cwd=ROOT, check=True)


def read_scores() -> dict[Key, Score]:
    """Return what was measured before."""
    lines = SCORES.read_text().splitlines() if SCORES.exists() else []
    found = [json.loads(line) for line in lines]
    return {(one["table"], one["fold"], one["learner"]): Score(*one["score"]) for one in found}


def keep(scores: dict[Key, Score], place: Place, learner: str, seconds: int) -> None:
    """Measure, and add to what is kept; a learner that fails is said and left out."""
    try:
        score = measure(place, learner, seconds)
    except Unavailable as reason:
        print(f"{place.listed.name} {place.fold} {learner}: {reason}", file=sys.stderr, flush=True)
        return
    scores[(place.listed.name, place.fold, learner)] = score
    one = {"table": place.listed.name, "fold": place.fold, "learner": learner, "score": score}
    with SCORES.open("a") as file:
        file.write(json.dumps(one) + "\n")
    print(
        f"{place.listed.name} {place.fold} {learner} {score.loss:.4f} {score.cpu:.1f} s", flush=True
    )


def measure(place: Place, learner: str, seconds: int) -> Score:
    """Learn and answer in a process of its own. Raises Unavailable where that fails."""
    python = programs(OTHERS.get(learner)) / "python"
    module = "quality_own" if learner in OWN else "quality_others"
    words = (learner, place.folder, place.fold, seconds, place.listed.task)
    command: list[str | Path] = [python, "-m", f"benchmarks.{module}", *map(str, words)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + GRACE, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"did not end in {seconds + GRACE} s") from None
    if done.returncode:
        raise Unavailable(last_line(done.stderr))
    return score_of(place, learner, json.loads(done.stdout.splitlines()[-1]))


def score_of(place: Place, learner: str, told: dict[str, Any]) -> Score:
    """Score the outputs that a learner left."""
    outputs = np.load(place.folder / f"{learner}-{place.fold}-{OUT}").astype(np.float64)
    truth = truth_of(answers(place), told["classes"])
    if told["classes"] is None:
        return of_quantities(outputs.ravel(), truth, told["cpu"], told["row_us"])
    return of_classes(outputs, truth, told["cpu"], told["row_us"])


def answers(place: Place) -> list[str]:
    """Return the target of the fold's rows."""
    folds = np.load(place.folder / "folds.npy")
    with (place.folder / "table.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row[-1] for row, fold in zip(rows, folds.tolist(), strict=True) if fold == place.fold]


# ---------------------------------------------------------------- what is printed


def render(
    scores: dict[Key, Score], chosen: Sequence[Listed], learners: list[str], seconds: int
) -> str:
    """Return the section's text."""
    names = {listed.name for listed in chosen}
    found: dict[tuple[str, int], dict[str, Score]] = {}
    for (name, fold, learner), score in scores.items():
        if name in names and learner in learners:
            found.setdefault((name, fold), {})[learner] = score
    standing = standings(found, learners, _ranked(found, learners))
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    where = f"{os.cpu_count()} cores of {processor()}, Python {platform.python_version()}"
    return f"""## How good the answers are

{len(chosen)} tables, folds of a third each; a budget of {seconds} s for those that take one.
Losses over the first learner's are geometric means over the folds that both answered; ranks are
among those that have one, over the folds that all of these answered; calibration error is of
tables of classes. Seconds and microseconds are medians.

{_overall(standing)}
Each table's mean loss over its folds, in brackets where fewer were answered; the least in bold.

{_each(found, chosen, learners)}
`python -m benchmarks.quality`, {when}, on {where}.
"""


def _ranked(found: Found, learners: list[str]) -> list[str]:
    """Return those that answered most folds; best quality is another class."""
    answered = {name: sum(name in scores for scores in found.values()) for name in learners}
    return [name for name in learners if name != UNRANKED and answered[name] * 2 > len(found)]


def _overall(standing: dict[str, Standing]) -> str:
    headings = ("learner", "tables", "folds", "loss ÷", "mean rank", "calibration error")
    rows = [
        (
            name,
            str(one.tables),
            str(one.folds),
            f"{one.ratio:.4f}",
            _number(one.rank, ".2f"),
            _number(one.error, ".4f"),
            f"{one.cpu:.1f}",
            f"{one.row:,.0f}",
        )
        for name, one in standing.items()
    ]
    return table((*headings, "CPU s", "µs a row"), rows)


def _each(found: Found, chosen: Sequence[Listed], learners: list[str]) -> str:
    rows = []
    for listed in chosen:
        folds = [scores for (name, _), scores in found.items() if name == listed.name]
        losses = {name: [s[name].loss for s in folds if name in s] for name in learners}
        whole = {name: fmean(one) for name, one in losses.items() if one and len(one) == len(folds)}
        best = min(whole.values(), default=0.0)
        cells = [_loss(losses[name], len(folds), best) for name in learners]
        rows.append((listed.name, "RMSE" if listed.task == "regression" else "log loss", *cells))
    return table(("table", "loss", *learners), rows)


def _loss(losses: list[float], folds: int, best: float) -> str:
    if not losses:
        return "-"
    loss = fmean(losses)
    text = f"{loss:.4f}" if loss < 10 else f"{loss:,.1f}"
    if len(losses) < folds:
        return f"({text})"
    return f"**{text}**" if loss <= best else text


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


if __name__ == "__main__":
    main()
