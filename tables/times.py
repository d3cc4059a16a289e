"""Times: when each row was, so that the latest are held out and the earlier learnt from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.batch import Batch
from tables.date_parts import spelt
from tables.schema import Feature, Schema

DAY = 86_400
# The rank correlation (Spearman's) of row and time from which on a table runs with it.
RUNNING = 0.99
# Of fewer different times nothing is offered: a column of a few days runs by chance.
FEWEST_TIMES = 20


class Times(NamedTuple):
    """The time of each row, later ones larger, NaN where it is not known; `column` names it."""

    values: NDArray[np.float64]
    column: str

    def take(self, indices: NDArray[np.intp]) -> Times:
        """Return the times of these rows."""
        return Times(self.values[indices], self.column)

    @property
    def known(self) -> NDArray[np.float64]:
        """The times, those not known before all others."""
        return np.where(np.isnan(self.values), -np.inf, self.values)


def times_of(schema: Schema, batch: Batch, column: str) -> tuple[Times, tuple[str, ...]]:
    """Return the times in a column, and what its owner should know.

    Raises DatasetError for a column that is neither of dates nor of numbers, or has one time.
    """
    feature = check_time(next((f for f in schema.features if f.name == column), None), column)
    times = Times(_values(feature, batch, _where(schema, feature)), column)
    unknown = int(np.isnan(times.values).sum())
    if len(np.unique(times.values[~np.isnan(times.values)])) < 2:
        raise DatasetError(f"time: all rows have one value of {column}; two times are needed")
    said = f"{column} has no value in {unknown} rows; they are learnt from"
    return times, (said,) if unknown else ()


def check_time(feature: Feature | None, column: str) -> Feature:
    """Return the feature of a column that times are read from.

    Raises DatasetError for one that is left out, or neither of dates nor of numbers.
    """
    if feature is None:
        raise DatasetError(f"time: {column} is left out, having one value or none that tells")
    if feature.kind not in ("date", "number", "integer"):
        raise DatasetError(
            f"time: {column} is read as {feature.kind}; a column of dates or numbers is needed"
        )
    return feature


def running(schema: Schema, batch: Batch) -> str | None:
    """Return the first column of dates in whose order the table's rows are, if there is one."""
    for feature in schema.values:
        if feature.kind == "date":
            values = _values(feature, batch, _where(schema, feature))
            if _runs(values[~np.isnan(values)]):
                return feature.name
    return None


def spelt_time(schema: Schema, batch: Batch, row: int, column: str) -> str | float:
    """Return a row's time as a date in ISO 8601, or as the number that it is."""
    feature = next(f for f in schema.values if f.name == column)
    found = batch.matrix[row, _where(schema, feature)].tolist()
    if feature.dates is None:
        return float(found[0])
    return spelt(found, feature.dates) or ""


def _where(schema: Schema, feature: Feature) -> slice:
    return schema.slices[schema.values.index(feature)]


def _values(feature: Feature, batch: Batch, where: slice) -> NDArray[np.float64]:
    columns = batch.matrix[:, where].astype(np.float64)
    if feature.dates is None:
        return np.asarray(columns[:, 0])
    # A part that is not there is the same in every row.
    parts = dict(zip(feature.dates.parts, columns.T, strict=True))
    nothing = np.where(np.isnan(columns).any(axis=1), np.nan, 0.0)
    seconds = parts.get("second", parts.get("hour", nothing) * 3600)
    return np.asarray(parts.get("days", nothing) * DAY + seconds)


def _runs(values: NDArray[np.float64]) -> bool:
    if len(np.unique(values)) < FEWEST_TIMES:
        return False
    order = np.argsort(values, kind="stable")
    correlation = np.corrcoef(order, np.arange(len(order)))[0, 1]
    return bool(abs(correlation) >= RUNNING)
