from __future__ import annotations

import json
from typing import Any

import pytest

from errors import ParseError, RowsError, TooManyRows
from serving.media import CSV, JSON, JSON_LINES
from serving.truth_rows import read_truths

TRUTHS = [{"id": "a", "truth": True}, {"id": "b.1", "truth": 2.5}, {"id": "c", "truth": "yes"}]


def test_json_json_lines_and_csv_say_the_same() -> None:
    assert read_truths(json.dumps(TRUTHS).encode(), JSON, 10) == TRUTHS
    assert read_truths(json.dumps(TRUTHS[0]).encode(), JSON, 10) == TRUTHS[:1]
    lines = "\n".join(map(json.dumps, TRUTHS)).encode()
    assert read_truths(lines, JSON_LINES, 10) == TRUTHS
    texts = [{"id": "a", "truth": "true"}, {"id": "b,1", "truth": "2.5"}]
    for body in (
        b'id,truth\na,true\n"b,1",2.5\n',
        b"\xef\xbb\xbfid;truth;note\r\na;true;x\r\nb,1;2.5;y\r\n",
        b"truth\tid\ntrue\ta\n2.5\tb,1\n",
    ):
        assert read_truths(body, CSV, 10) == texts


def test_csv_is_read_in_the_encodings_that_tables_have() -> None:
    text = "id;truth\r\na;não\r\n"
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        assert read_truths(text.encode(encoding), CSV, 10) == [{"id": "a", "truth": "não"}]
    with pytest.raises(ParseError, match="zero byte"):
        read_truths(b"id,truth\na,\0\n", CSV, 10)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (3, None),
        ([], None),
        ({"truth": 1}, "id"),
        ({"id": "a"}, "truth"),
        ({"id": "a", "truth": None}, "truth"),
        ({"id": 7, "truth": 1}, "id"),
        ({"id": "", "truth": 1}, "id"),
        ({"id": "a" * 257, "truth": 1}, "id"),
        ({"id": "a", "truth": [1]}, "truth"),
        ({"id": "a", "truth": "secret" * 99}, "truth"),
        ({"id": "\ud800", "truth": 1}, "id"),
        ({"id": "a", "truth": "\udfff"}, "truth"),
        ({"id": "a", "truth": 2**63}, "truth"),
        ({"id": "a", "truth": 10**4000}, "truth"),
    ],
)
def test_what_is_no_truth_is_named_and_not_shown(row: Any, field: str | None) -> None:
    with pytest.raises(RowsError) as refused:
        read_truths(json.dumps([TRUTHS[0], row]).encode(), JSON, 10)
    (problem,) = refused.value.problems
    assert (problem.row, problem.field) == (1, field)
    assert "secret" not in f"{refused.value}{problem}"


@pytest.mark.parametrize("body", [b"", b"id,truth\n", b"\xff\xfe", b"id\na\n"])
def test_a_table_without_truths_is_refused(body: bytes) -> None:
    with pytest.raises((RowsError, ParseError)):
        read_truths(body, CSV, 10)
    with pytest.raises((RowsError, ParseError)):
        read_truths(b"[]" if body else b"{", JSON, 10)


@pytest.mark.parametrize("media", [JSON, JSON_LINES])
def test_too_many_are_refused(media: str) -> None:
    rows = [TRUTHS[0]] * 4
    body = (
        json.dumps(rows).encode()
        if media == JSON
        else b"\n".join([json.dumps(TRUTHS[0]).encode()] * 4)
    )
    with pytest.raises(TooManyRows):
        read_truths(body, media, 3)
