"""From the log's tables to what a watch reads: values of features, and what was answered.

PyArrow is used here: a web process never imports this module.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.reading import OUTPUTS
from monitoring.subject import INPUT
from tables.schema import Feature, Schema

Floats = NDArray[np.float32]
NAN = np.float32(np.nan)


def columns_of(schema: Schema) -> list[str]:
    """Return the columns of the log that a watch reads."""
    inputs = (INPUT + feature.columns[0].name for feature in schema.values)
    texts = (INPUT + feature.name for feature in schema.texts)
    return ["version", *OUTPUTS, *inputs, *texts]


def values_of(table: pa.Table, schema: Schema) -> dict[str, Floats]:
    """Return the values of each feature that is logged as it was sent `[n]`.

    They are those that `learning.profile.watched` gives of encoded rows.
    """
    found = {}
    for feature in schema.features:
        columns = feature.columns
        name = INPUT + (columns[0].name if columns else feature.name)
        if name in table.column_names and feature.log != "hash":
            found[feature.name] = _values(feature, table[name].combine_chunks())
    return found


def _values(feature: Feature, column: Any) -> Floats:
    if feature.kind == "category":
        return _codes(feature, column)
    if feature.kind == "text":
        column = pc.utf8_length(column)
    found = np.asarray(pc.fill_null(column.cast(pa.float32()), NAN), dtype=np.float32)
    return found if feature.dates is None else found * np.float32(0)


def _codes(feature: Feature, column: Any) -> Floats:
    known = {word: float(code) for code, word in enumerate(feature.categories)}
    words = column.dictionary.to_pylist()
    codes = np.array([known.get(word, feature.fallback) for word in words] + [NAN], np.float32)
    found: Floats = codes[np.asarray(pc.fill_null(column.indices, len(words)))]
    return found
