"""Small versions of every kind, trained once: what pages of quality and data are made of."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from build_model import build_model
from learning.estimators import ready_made
from persistence.artifact import Artifact
from serving.champions import Live, load_live
from serving.pages.choices import Choices
from serving.pages.language import CATALOGUES
from serving.pages.look import Look
from serving.pages.subject import Subject, subject_of_artifact
from tables.table import Table
from tests.learning.tables import mixed_table, without
from tests.persistence.artifacts import make_registry

FEW = {"n_estimators": 5}
# What a stranger may call a column, a category, a class.
TAG = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TURNED = "\u202egnorw\u2066"
PIPES = "a|b`c`*d*_e_[f](http://g.example)~~h~~$i$ www.j.example\n# k"
LONG = "long" * 2_500
HOSTILE = (TAG, TURNED, PIPES, LONG, '"><svg onload=x>', "'};{{7*7}}{% x %}", "# a", "1. b", "- c")


@cache
def artifact(kind: str) -> Artifact:
    """Return a version of two classes, of many, of a quantity, or of hostile names."""
    target = {"two": "stays", "many": "plan", "quantity": "spent", "hostile": TAG}[kind]
    # Trees do not stand on words in one runtime; a logistic regression does.
    learner = "forest" if kind == "quantity" else "logistic"
    recipe = ready_made(kind, lambda: table(kind), target, learner)
    recipe = replace(recipe, show_rows=kind != "quantity", unit="kUSD" * (kind == "quantity"))
    registry = make_registry()
    built = build_model(recipe, registry=registry, parameters=FEW if learner == "forest" else {})
    return registry.read(built.name, built.version)


def table(kind: str) -> Table:
    """Return the table that a version of that kind is learnt from."""
    if kind == "hostile":
        return hostile_table()
    found = mixed_table(300) if kind == "two" else without(mixed_table(300), "comment")
    if kind != "quantity":
        return found
    chance = random.Random(3)
    spent = [age * 2.5 + chance.uniform(0, 20) for age in found.columns["age"]]
    return Table({**found.columns, "spent": spent})


def hostile_table(rows: int = 240) -> Table:
    """Return a table whose names, categories and classes are all meant to do harm."""
    chance = random.Random(4)
    columns: dict[str, list[object]] = {}
    for index, name in enumerate(HOSTILE[1:]):
        words = [HOSTILE[(index + step) % len(HOSTILE)] for step in range(3)]
        numbers = index % 2
        columns[name] = [chance.random() if numbers else chance.choice(words) for _ in range(rows)]
    columns["said"] = [f"{TAG} {chance.random()} {PIPES} {TURNED}" for _ in range(rows)]
    first = list(columns.values())[1]
    columns[TAG] = [PIPES if value > 0.5 else TAG for value in first]  # type: ignore[operator]
    return Table(columns)


@cache
def live(kind: str) -> Live:
    """Return the version as a live model."""
    return load_live(artifact(kind))


def subject(kind: str) -> Subject:
    """Return the version as pages see it."""
    return subject_of_artifact(artifact(kind))


def look(kind: str, language: str = "en", choices: Choices | None = None, **more: object) -> Look:
    """Return a look at the version."""
    found = Look(subject(kind), CATALOGUES[language], choices or Choices())
    return found._replace(**more)  # type: ignore[arg-type]
