"""From a table to a dataset: rows encoded as serving encodes them, and the target of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import DatasetError
from tables.batch import Batch
from tables.column import Values, as_columns, encode_column, formats_of
from tables.decoding import decoded_row
from tables.dialect import PLAIN_DIALECT
from tables.groups import Groups, equal_rows, groups_of
from tables.leakage import leaking_features
from tables.schema import Feature, Kind, Schema
from tables.schema_inference import Inferred, infer_schema
from tables.table import Table
from tables.target import ReadTarget, check_ties, read_classes
from tables.times import Times, running, times_of


@dataclass(frozen=True)
class Dataset:
    """Encoded rows with the target's value in each, of a class its index.

    Rows of one of the `groups` stay on one side of a split; `times` say which are the latest.
    """

    schema: Schema
    batch: Batch
    target: NDArray[Any]
    notes: tuple[str, ...] = field(default=(), compare=False)
    groups: Groups | None = field(default=None, compare=False)
    times: Times | None = field(default=None, compare=False)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)

    def take(self, indices: NDArray[np.intp]) -> Dataset:
        """Return the dataset of these rows, in this order."""
        texts = tuple([column[i] for i in indices.tolist()] for column in self.batch.texts)
        batch = Batch(np.ascontiguousarray(self.batch.matrix[indices]), texts)
        groups = None if self.groups is None else self.groups.take(indices)
        times = None if self.times is None else self.times.take(indices)
        return Dataset(self.schema, batch, self.target[indices], self.notes, groups, times)

    def drawn(self, most: int, seed: int) -> Dataset:
        """Return the dataset, or as many of its rows drawn at random, in their order."""
        if self.rows <= most:
            return self
        drawn = np.random.default_rng(seed).permutation(self.rows)[:most]
        return self.take(np.sort(drawn))

    def that_imputes(self) -> Dataset:
        """Return the dataset of a model that fills in missing values."""
        return replace(self, schema=msgspec.structs.replace(self.schema, imputes=True))

    def noting(self, note: str) -> Dataset:
        """Return the dataset with one more note."""
        return replace(self, notes=(*self.notes, note))

    def in_unit(self, unit: str) -> Dataset:
        """Return the dataset of a quantity that has a unit."""
        target = msgspec.structs.replace(self.schema.target, unit=unit)
        return replace(self, schema=msgspec.structs.replace(self.schema, target=target))

    def logging(self, log: Mapping[str, bool | Literal["hash"]]) -> Dataset:
        """Return the dataset whose features stand in the prediction log as is said by name.

        Raises DatasetError for a name that is no column's.
        """
        known = {*(feature.name for feature in self.schema.features), *self.schema.ignored}
        for name in log:
            if name not in known:
                raise DatasetError(f"log: the table has no column {name}")
        features = tuple(
            msgspec.structs.replace(feature, log=log.get(feature.name))
            for feature in self.schema.features
        )
        return replace(self, schema=msgspec.structs.replace(self.schema, features=features))

    def objects(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Return rows as a client would send them; encoding them gives the same batch."""
        return [decoded_row(self.schema, self.batch, index) for index in indices]

    @property
    def digest(self) -> str:
        """The sha256 (hex) of everything in it: equal for equal data."""
        hasher = hashlib.sha256(msgspec.json.encode(self.schema))
        hasher.update(self.batch.matrix.tobytes())
        hasher.update(msgspec.json.encode(self.batch.texts))
        kind = np.float64 if self.target.dtype.kind == "f" else np.int64
        hasher.update(self.target.astype(kind).tobytes())
        return hasher.hexdigest()


def read_dataset(
    table: Table,
    target: str,
    aliases: Mapping[str, Mapping[str, str]] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    read_target: ReadTarget = read_classes,
    merge_rare: str | None = None,
    group: str | None = None,
    time: str | None = None,
) -> Dataset:
    """Infer the schema of a table and encode its rows.

    Rows of one value in the column `group` stay together when the table is split; it is
    a feature only if `kinds` names it. `time` is the column by which the latest rows are
    held out. Without either, equal rows stay together. The notes also name the
    features that give classes away. Raises DatasetError, naming column and row,
    for a table that cannot be learnt from.
    """
    check_ties(table, target, group, time)
    left_out = tuple(name for name in (group,) if name and name not in (kinds or {}))
    inferred = infer_schema(table, target, aliases, kinds, read_target, merge_rare, left_out)
    dataset = _tied(inferred, group, time)
    if not dataset.schema.target.classes:
        return dataset
    names = [feature.name for feature in dataset.schema.numeric]
    leaks = (
        f"{name} alone gives {target} away: is it known beforehand?"
        for name in leaking_features(dataset.batch.matrix, dataset.target, names)
    )
    return replace(dataset, notes=(*dataset.notes, *leaks))


def _tied(inferred: Inferred, group: str | None, time: str | None) -> Dataset:
    """Return the dataset with what ties its rows together, and notes on it."""
    schema, notes, batch, values, table = inferred
    groups: Groups | None = None
    times: Times | None = None
    said: tuple[str, ...] = ()
    if time is not None:
        times, said = times_of(schema, batch, time)
    elif group is not None:
        groups, said = groups_of(table.columns[group], group)
    else:
        groups, said = equal_rows(batch, values, bool(schema.target.classes))
        runs = running(schema, batch)
        if runs is not None:
            offer = f"the rows run with {runs}: --time {runs} holds out the latest, not any"
            said = (*said, offer)
    return Dataset(schema, batch, values, (*notes, *said), groups, times)


def encode(table: Table, schema: Schema) -> Batch:
    """Encode a table's rows as `tables.rows` encodes the rows of requests. Raises ValueError."""
    matrix = np.empty((len(table), len(schema.numeric)), dtype=np.float32)
    for feature, where in zip(schema.values, schema.slices, strict=True):
        matrix[:, where] = as_columns(_encoded(table, schema, feature))
    texts = (list(_encoded(table, schema, feature)) for feature in schema.texts)
    return Batch(matrix, tuple(texts))


def encode_feature(table: Table, schema: Schema, feature: Feature) -> NDArray[np.float32]:
    """Encode a column as those of the matrix `[n, columns]`. Raises DatasetError, naming it."""
    try:
        return as_columns(_encoded(table, schema, feature))
    except ValueError as error:
        raise DatasetError(f"column {feature.name}: {error}") from None


def _encoded(table: Table, schema: Schema, feature: Feature) -> Values:
    model = schema.dialect or PLAIN_DIALECT
    same = table.dialect.delimiter == model.delimiter
    formats = formats_of(feature, model.decimal, same)
    return encode_column(feature, table.columns[feature.name], formats)
