"""From the log's tables to what a watch reads: values of features, and what was answered.

PyArrow is used here: a web process never imports this module.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.logged_rows import codes_of, numbers_of
from monitoring.reading import OUTPUTS
from monitoring.subject import INPUT
from tables.schema import Feature, Schema

Floats = NDArray[np.float32]


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
        return codes_of(feature, column)
    if feature.kind == "text":
        column = pc.utf8_length(column)
    found = numbers_of(column)
    return found if feature.dates is None else found * np.float32(0)
