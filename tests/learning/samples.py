"""Small encoded tables for the tests of compilation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning.preparation import pipeline, prepare
from tables.batch import Batch
from tables.schema import Class, Feature, Schema, Target

COLOURS = ("blue", "green", "red", "white", "yellow")
SIZES = ("large", "medium", "small")
WORDS = ("good", "bad", "Très", "café", "naïve", "the", "a", "x", "rain", "SUN", "42", "don't")

FEATURES = (
    Feature("height", "number"),
    Feature("colour", "category", nullable=True, categories=COLOURS),
    Feature("weight", "number", nullable=True),
    Feature("new", "boolean"),
    Feature("size", "category", categories=SIZES),
    Feature("count", "integer"),
)


def schema(*classes: Class, texts: int = 0) -> Schema:
    """A signature with every kind of feature, and so many texts."""
    words = tuple(Feature(f"text{i}", "text") for i in range(texts))
    return Schema((*FEATURES, *words), Target("label", classes or (False, True)))


def batch(rows: int = 400, seed: int = 0, texts: int = 0) -> Batch:
    """Rows of that signature, missing values where it allows them."""
    generator = np.random.default_rng(seed)
    colour = generator.integers(len(COLOURS), size=rows).astype(np.float32)
    colour[generator.random(rows) < 0.1] = np.nan
    weight = generator.normal(size=rows).astype(np.float32)
    weight[generator.random(rows) < 0.2] = np.nan
    columns = (
        generator.normal(50, 20, size=rows),
        colour,
        weight,
        generator.integers(2, size=rows),
        generator.integers(len(SIZES), size=rows),
        generator.integers(-5, 6, size=rows),
    )
    matrix = np.ascontiguousarray(np.column_stack(columns), dtype=np.float32)
    return Batch(matrix, tuple(_texts(rows, generator) for _ in range(texts)))


def _texts(rows: int, generator: np.random.Generator) -> list[str]:
    return [" ".join(generator.choice(WORDS, size=generator.integers(0, 9))) for _ in range(rows)]


def target(batch: Batch, classes: int = 2, seed: int = 0) -> NDArray[np.intp]:
    """Class indexes that depend on every kind of feature, with noise."""
    matrix = np.nan_to_num(batch.matrix, nan=2.0)
    score = matrix[:, 0] / 20 + (matrix[:, 1] == 2) * 2 - (matrix[:, 4] == 1) + matrix[:, 2]
    for texts in batch.texts:
        score = score + np.array([t.count("good") - t.count("bad") for t in texts]) * 2
    score = score + np.random.default_rng(seed).normal(scale=0.3, size=len(score))
    edges = np.quantile(score, np.arange(1, classes) / classes)
    return np.digitize(score, edges)


def prepared(classifier: Any) -> Any:
    """The classifier behind one-hot columns and median imputation, not fitted."""
    return pipeline(prepare(schema()), classifier)


def fitted(estimator: Any, classes: int = 2) -> Any:
    """The estimator, fitted to 400 rows."""
    rows = batch()
    return estimator.fit(rows.matrix, target(rows, classes))
