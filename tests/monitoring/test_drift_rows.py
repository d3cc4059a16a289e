"""What a watch reads of the log is what training saw of the same rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from learning.profile import watched
from monitoring.drift_rows import columns_of, values_of
from monitoring.reading import LogReader, outputs_of
from tables.rows import RowCodec
from tables.schema import Schema
from tests.monitoring.samples import Logged, changed, make_logged
from tests.serving.factory import ROW, SIGNATURE, ask

ROWS = [
    ROW,
    ROW | {"home": None, "income": None},
    ROW | {"home": "a cave", "age": 99},
    ROW | {"income": 1e6},
]


def table_of(logged: Logged, schema: Schema) -> Any:
    logged.log.close()
    reader = LogReader(logged.archive, logged.spool)
    now = datetime.now(UTC)
    span = now - timedelta(hours=1), now + timedelta(hours=1)
    (table,) = reader.tables("credit", *span, columns_of(schema))
    return table


def test_values_are_those_of_encoded_rows(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    ask(logged.service, "/v0/predict", ROWS)
    found = values_of(table_of(logged, SIGNATURE), SIGNATURE)
    expected = dict(watched(SIGNATURE, RowCodec(SIGNATURE).encode_objects(ROWS)))
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_answers_are_those_that_were_served(tmp_path: Path) -> None:
    logged = make_logged(tmp_path)
    answer = ask(logged.service, "/v0/predict", ROWS)
    found = outputs_of(table_of(logged, SIGNATURE))
    assert found.shape == (4, 2)
    assert found.sum(axis=1).tolist() == [1.0] * 4
    assert answer is not None


def test_what_is_left_out_or_hashed_is_not_read(tmp_path: Path) -> None:
    schema = changed(changed(SIGNATURE, "home", log="hash"), "age", log=False)
    logged = make_logged(tmp_path, schema, key=b"secret")
    ask(logged.service, "/v0/predict", ROWS)
    found = values_of(table_of(logged, schema), schema)
    assert set(found) == {f.name for f in SIGNATURE.features} - {"home", "age"}
