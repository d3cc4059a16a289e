"""From encoded rows back to the values that a client would send."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

from tables.batch import Batch
from tables.date_parts import spelt
from tables.schema import Feature, Schema


def decoded_row(schema: Schema, batch: Batch, row: int) -> dict[str, Any]:
    """Return a row as a client would send it; encoding it gives the same row."""
    found = batch.matrix[row].tolist()
    slices = zip(schema.values, schema.slices, strict=True)
    texts = zip(schema.texts, batch.texts, strict=True)
    values = {feature.name: decoded(feature, found[where]) for feature, where in slices}
    values |= {feature.name: column[row] for feature, column in texts}
    return {feature.name: values[feature.name] for feature in schema.features}


def decoded(feature: Feature, found: Sequence[float]) -> Any:
    """Return a feature's value, None where it is missing; `found` are its columns of the matrix."""
    if feature.dates is not None:
        return spelt(found, feature.dates)
    (code,) = found
    if isnan(code):
        return None
    if feature.kind == "category":
        return (*feature.categories, _other(feature))[int(code)]
    return {"boolean": bool, "integer": int, "number": float}[feature.kind](code)


def _other(feature: Feature) -> str:
    """Return a word that is none of a feature's categories."""
    word = "other"
    while word in feature.categories or word in feature.aliases or word in feature.missing:
        word = f"({word})"
    return word
