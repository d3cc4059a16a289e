"""XGBoost's JSON and UBJ models: what `Booster.save_model` and `save_raw` write."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from errors import ModelFileError
from learning.forms.sources import CannotFold
from learning.forms.trees import Forest, thresholds
from learning.forms.xgboost import forest, read, trees_of
from learning.imports.boosted import (
    Boosted,
    Coded,
    Column,
    Doubles,
    Word,
    columned,
    import_boosted,
)
from learning.imports.example import Example
from learning.imports.imported import MOST_COLUMNS, Imported
from tables.schema import Class

ORIGIN = "XGBoost's model"
# XGBoost's names of what a column holds, and what of it is known of each.
CODES, TRUTHS = "c", "i"
# Codes of a column whose categories the file does not name, for rows that are made.
SOME_CODES = 9


def import_xgboost(
    data: bytes,
    example: Example | None,
    target: str,
    classes: tuple[Class, ...] = (),
) -> Imported:
    """Return the model of a JSON or UBJ document, compiled.

    Raises ModelFileError for a document that is damaged, or a model that has no compiled form.
    """
    try:
        model = _model(data, classes)
    except CannotFold as error:
        raise ModelFileError(str(error)) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        kind = type(error).__name__
        raise ModelFileError(f"XGBoost's model is damaged: {kind}") from None
    return import_boosted(model, example, target)


def _model(data: bytes, classes: tuple[Class, ...]) -> Boosted:
    learner = read(data)
    columns = _columns(learner)
    rounds = rounds_of(learner)
    sets = Coded(columns)
    trees = forest(learner, columned(columns, sets, doubles=False), rounds=rounds)
    name = "XGBRegressor" if trees.quantity else "XGBClassifier"
    return Boosted(
        "xgboost",
        data,
        ORIGIN,
        _ranged(columns, trees),
        sets,
        trees,
        _gains(learner, len(columns)),
        {"model_name": name},
        classes,
        rounds,
    )


def rounds_of(learner: Any) -> int:
    """Return how many rounds answer: of scikit-learn's interface those up to the best, else all."""
    told = learner.get("attributes") or {}
    best = told.get("best_iteration")
    return int(best) + 1 if best is not None and "scikit_learn" in told else 0


def _columns(learner: Any) -> tuple[Column, ...]:
    count = int(learner["learner_model_param"]["num_feature"])
    names, kinds = learner.get("feature_names") or [], learner.get("feature_types") or []
    if not 0 < count <= MOST_COLUMNS or not {len(names), len(kinds)} <= {0, count}:
        raise CannotFold("XGBoost's model is damaged: it has not a name for every column")
    if len(set(names)) != len(names) or not all(isinstance(n, str) for n in (*names, *kinds)):
        raise CannotFold("XGBoost's model is damaged: its columns' names are none")
    words = _words(learner, count)
    return tuple(
        _column(names[index] if names else "", kinds[index] if kinds else "q", words[index])
        for index in range(count)
    )


def _column(name: str, kind: str, words: tuple[Word, ...]) -> Column:
    if kind == CODES:
        closed = any(isinstance(word, str) for word in words)
        return Column(name, words=words, codes=True, closed=closed)
    return Column(name, boolean=kind == TRUTHS)


def _words(learner: Any, count: int) -> Sequence[tuple[Word, ...]]:
    """Return each column's categories, which the file has from XGBoost 3.1 on."""
    booster = learner["gradient_booster"]
    model = booster.get("gbtree", booster).get("model", {})
    found = (model.get("cats") or {}).get("enc") or []
    if not found:
        return [()] * count
    if len(found) != count:
        raise CannotFold("XGBoost's model is damaged: it has not categories for every column")
    return [_category(one) for one in found]


def _category(given: Any) -> tuple[Word, ...]:
    values = given["values"]
    if "offsets" not in given:
        return tuple(int(v) if float(v).is_integer() else float(v) for v in values)
    if any(not 0 <= value < 128 for value in values):
        # It counts letters where it should count bytes, and loses what is behind.
        raise ModelFileError(
            "XGBoost's file keeps but a part of categories that are not ASCII; "
            "fit the model on others, such as codes"
        )
    text, offsets = bytes(values).decode("ascii"), given["offsets"]
    return tuple(text[start:end] for start, end in pairwise(offsets))


def _ranged(columns: Sequence[Column], trees: Forest) -> tuple[Column, ...]:
    """Return the columns with ranges around their thresholds: the file has no others."""
    sides = thresholds(trees)
    return tuple(_around(column, sides.get(i, [0.0])) for i, column in enumerate(columns))


def _around(column: Column, sides: list[float]) -> Column:
    if column.codes:
        return column._replace(high=float(SOME_CODES))
    inside = [side for side in sides if abs(side) < 1e30] or [0.0]
    spread = (max(inside) - min(inside)) / 4 or 1.0
    return column._replace(low=min(inside) - spread, high=max(inside) + spread)


def _gains(learner: Any, count: int) -> Doubles:
    """Return what the splits by each column brought."""
    found = np.zeros(count)
    for tree in trees_of(learner):
        kept = np.array(tree["left_children"]) >= 0
        gains = np.array(tree["loss_changes"], np.float64)[kept]
        np.add.at(found, np.array(tree["split_indices"])[kept], np.maximum(gains, 0.0))
    return np.where(np.isfinite(found), found, 0.0)
