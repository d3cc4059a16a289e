from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest
from pyarrow import ipc

from serving.media import ARROW, PARQUET
from serving.protocols import sagemaker, v0
from tests.serving.factory import ROW, ask, make_service

ROWS = [ROW, {**ROW, "age": 60}]


def stream(rows) -> bytes:
    table = pa.Table.from_pylist(rows)
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_rows_and_answers_may_both_be_arrow():
    service = make_service()
    answer = ask(service, "/v0/predict", stream(ROWS), content_type=ARROW, accept=ARROW)
    assert (answer.status, answer.content_type) == (200, ARROW.encode())
    found = ipc.open_stream(answer.body).read_all()
    assert found.column_names == [
        *("prediction", "probability", "probability_false", "probability_true"),
    ]
    assert found.schema.field("prediction").type == pa.bool_()
    plain = json.loads(ask(service, "/v0/predict", ROWS).body)["predictions"]
    assert found.column("probability_true").to_pylist() == [
        one["probabilities"]["true"] for one in plain
    ]


def test_a_row_that_is_left_out_is_null():
    service = make_service()
    rows = [ROW, {**ROW, "age": "x"}]
    answer = ask(service, "/v0/predict?partial=1", rows, accept=ARROW)
    found = ipc.open_stream(answer.body).read_all()
    assert found.column("prediction").to_pylist() == [True, None]
    assert found.column("probability").null_count == 1


@pytest.mark.parametrize("path", ["/v0/predict", "/invocations"])
def test_arrow_is_answered_in_json_by_default(path):
    service = make_service(protocols=(v0, sagemaker))
    answer = ask(service, path, stream(ROWS), content_type=ARROW)
    assert answer.status == 200
    assert len(json.loads(answer.body)["predictions"]) == 2


def test_what_is_neither_is_refused():
    service = make_service()
    for media in (ARROW, PARQUET):
        answer = ask(service, "/v0/predict", b"no table", content_type=media)
        assert answer.status == 400
    many = stream([ROW] * 1001)
    assert ask(service, "/v0/predict", many, content_type=ARROW).status == 413
