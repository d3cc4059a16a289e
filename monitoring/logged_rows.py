"""Logged rows read again as a model reads rows: encoded, by that model's own schema.

PyArrow is imported here: a web process never imports this module.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.parquet import ABOUT
from monitoring.subject import INPUT
from tables.batch import Batch
from tables.schema import Feature, Schema

Floats = NDArray[np.float32]
NAN = np.float32(np.nan)


def input_columns(schema: Schema) -> list[str]:
    """Return the columns of the log that a model of the schema reads."""
    matrix = (INPUT + column.name for column in schema.numeric)
    return [*matrix, *(INPUT + feature.name for feature in schema.texts)]


def lacking(table: pa.Table, schema: Schema) -> list[str]:
    """Return the features that a logged table does not have as they were sent.

    They were left out, or hashed, or the version that answered read no such column.
    """
    hashed = msgspec.json.decode(table.schema.metadata[ABOUT]).get("hashed", ())
    return [f.name for f in schema.features if f.name in hashed or not _has(table, f)]


def _has(table: pa.Table, feature: Feature) -> bool:
    columns = feature.columns or (feature,)
    names = [INPUT + column.name for column in columns]
    if not set(names) <= set(table.column_names):
        return False
    kind = table[names[0]].type
    if feature.kind == "category":
        return bool(pa.types.is_dictionary(kind))
    if feature.kind == "text":
        return bool(pa.types.is_string(kind))
    return bool(pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def batch_of(table: pa.Table, schema: Schema) -> Batch:
    """Return a logged table's rows as a model of the schema encodes them; it lacks nothing."""
    columns = [_column(table, column) for column in schema.numeric]
    matrix = np.stack(columns, axis=1) if columns else np.zeros((len(table), 0), np.float32)
    texts = (table[INPUT + feature.name] for feature in schema.texts)
    return Batch(matrix, tuple(pc.fill_null(text, "").to_pylist() for text in texts))


def _column(table: pa.Table, column: Feature) -> Floats:
    found = table[INPUT + column.name].combine_chunks()
    return codes_of(column, found) if column.kind == "category" else numbers_of(found)


def numbers_of(column: Any) -> Floats:
    """Return a logged column of numbers or booleans `[n]`; missing ones are NaN."""
    return np.asarray(pc.fill_null(column.cast(pa.float32()), NAN), dtype=np.float32)


def codes_of(feature: Feature, column: Any) -> Floats:
    """Return the codes of a logged column of words `[n]`; missing ones are NaN."""
    known = {word: float(code) for code, word in enumerate(feature.categories)}
    words = column.dictionary.to_pylist()
    codes = np.array([known.get(word, feature.fallback) for word in words] + [NAN], np.float32)
    found: Floats = codes[np.asarray(pc.fill_null(column.indices, len(words)))]
    return found
