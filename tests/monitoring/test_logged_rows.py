"""Logged rows read again: encoded as the model of a schema encodes what was sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitoring.logged_rows import batch_of, input_columns, lacking
from monitoring.reading import LogReader
from tables.rows import RowCodec
from tables.schema import Feature, Schema
from tests.monitoring.samples import changed, make_logged
from tests.serving.factory import ROW, SIGNATURE, ask

ROWS = [
    ROW,
    ROW | {"home": None, "income": None},
    ROW | {"home": "a cave", "age": 99},
    ROW | {"income": 1e6},
]


def logged(folder: Path, schema: Schema = SIGNATURE, **options: Any) -> Any:
    made = make_logged(folder, schema, **options)
    ask(made.service, "/v0/predict", ROWS)
    made.log.close()
    now = datetime.now(UTC)
    span = now - timedelta(hours=1), now + timedelta(hours=1)
    (table,) = LogReader(made.archive, made.spool).tables("credit", *span)
    return table


def test_rows_are_what_was_sent_as_the_model_encodes_it(tmp_path: Path) -> None:
    table = logged(tmp_path)
    assert lacking(table, SIGNATURE) == []
    assert set(input_columns(SIGNATURE)) <= set(table.column_names)
    expected = RowCodec(SIGNATURE).encode_objects(ROWS)
    np.testing.assert_array_equal(batch_of(table, SIGNATURE).matrix, expected.matrix)


def test_another_model_reads_the_words_by_its_own_codes(tmp_path: Path) -> None:
    table = logged(tmp_path)
    (home,) = (f for f in SIGNATURE.features if f.name == "home")
    other = changed(SIGNATURE, "home", categories=("a cave", *home.categories))
    assert lacking(table, other) == []
    expected = RowCodec(other).encode_objects(ROWS)
    np.testing.assert_array_equal(batch_of(table, other).matrix, expected.matrix)


@pytest.mark.parametrize("log", [False, "hash"])
def test_what_was_left_out_or_hashed_is_lacking(tmp_path: Path, log: Any) -> None:
    table = logged(tmp_path, changed(SIGNATURE, "home", log=log), key=b"secret")
    assert lacking(table, SIGNATURE) == ["home"]


def test_what_the_one_that_answered_did_not_read_is_lacking(tmp_path: Path) -> None:
    table = logged(tmp_path)
    more = Schema((*SIGNATURE.features, Feature("debt", "number")), SIGNATURE.target)
    assert lacking(table, more) == ["debt"]
    assert lacking(table, changed(SIGNATURE, "age", kind="category")) == ["age"]
