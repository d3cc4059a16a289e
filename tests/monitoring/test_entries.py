from __future__ import annotations

import time

import numpy as np

from monitoring.entries import Answered, Rows, decode, encode, rows_of
from monitoring.subject import Subject, select
from serving.champions import Live
from tests.monitoring.samples import changed
from tests.serving.factory import ROW, SIGNATURE, make_live


def answered(live: Live, count: int, name: str = "a", route: str = "/v0/predict") -> Answered:
    live.codec.keeps_words = True
    decoded = live.codec.decode_objects([ROW | {"home": "cave"}] * count)
    prediction = live.predict(decoded.batch)
    return Answered(live, decoded, prediction, name, time.time(), 0.25, route, 1000)


def test_requests_become_columns() -> None:
    live = make_live()
    rows = rows_of(select(live, 4, 1.0, b""), [answered(live, 1), answered(live, 2, "b", "/other")])
    assert rows.subject == 4
    assert rows.ids == ["a", "b"]
    assert np.frombuffer(rows.sizes, np.int32).tolist() == [1, 2]
    assert np.frombuffer(rows.latencies, np.int32).tolist() == [250_000] * 2
    assert [rows.routes[i] for i in np.frombuffer(rows.took, np.uint16)] == [
        "/v0/predict",
        "/other",
    ]
    assert np.frombuffer(rows.matrix, np.float32).reshape(3, 4)[:, 0].tolist() == [30.0] * 3
    assert len(np.frombuffer(rows.outputs, np.float32)) == 6
    assert rows.unseen == [(0, 2, "cave"), (1, 2, "cave"), (2, 2, "cave")]
    assert decode(encode(rows)) == rows


def test_a_word_of_a_column_that_is_left_out_is_not_kept() -> None:
    live = make_live(schema=changed(SIGNATURE, "home", log=False))
    rows = rows_of(select(live, 0, 1.0, b""), [answered(live, 2)])
    assert rows.unseen == []
    assert b"cave" not in encode(rows)


def test_an_entry_is_a_subject_or_rows() -> None:
    live = make_live()
    selection = select(live, 0, 1.0, b"")
    assert isinstance(decode(encode(selection.subject)), Subject)
    assert isinstance(decode(encode(rows_of(selection, [answered(live, 1)]))), Rows)
