"""Long JSON: parsed in blocks as the standard library parses it whole, and bounded before that."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import ParseError, TooManyRows
from tables import json_text
from tables.json_text import LateList, blocks, lines_of, parse_json

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=40
)


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "BLOCK_BYTES", 12)
        patch.setattr(json_text, "_CHUNK", 7)
        patch.setattr(json_text, "LONG_DEPTH", 64)
        yield


@settings(max_examples=100, deadline=None)
@given(anything, st.booleans(), st.sampled_from([None, 1]))
def test_a_long_text_is_parsed_as_a_short_one(value, ascii_only, indent):
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")
    assert parse_json(body) == json.loads(body)


@settings(max_examples=100, deadline=None)
@given(st.lists(anything, max_size=30), st.text(alphabet='[]{},:"\\ 1', min_size=1, max_size=3))
def test_a_damaged_text_is_refused_as_a_short_one_is(value, damage):
    body = json.dumps(value).encode()
    half = len(body) // 2
    body = body[:half] + damage.encode() + body[half:]
    try:
        expected = json.loads(body)
    except ValueError:
        with pytest.raises(ParseError, match="not JSON"):
            parse_json(body)
    else:
        assert parse_json(body) == expected


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(), leaves), max_size=30))
def test_the_blocks_of_a_list_hold_its_rows_in_order(rows):
    body = json.dumps(rows).encode()
    found = [row for _, block in blocks(body, 1000) for row in json.loads(block)]
    assert found == rows


def test_where_a_long_text_is_malformed_is_said_of_the_whole():
    body = b'[{"a": 1},\n' + b'{"a": 2},\n' * 8 + b'{"a": x}]'
    with pytest.raises(ParseError, match=r"Expecting value, line 10 column 7$"):
        parse_json(body)


@pytest.mark.parametrize("body", [b"[" * 5_000_000, b'{"a":' * 3_000_000, b"[1, [" * 1_000_000])
def test_a_text_is_not_nested_without_end(body):
    with pytest.raises(ParseError, match="nested too deep"):
        parse_json(body)


@pytest.mark.parametrize("item", [b"{}", b"[]", b"1", b'","', b'"\\""'])
def test_rows_are_counted_before_they_are_parsed(item):
    assert len(list(blocks(b"[" + b",".join([item] * 100) + b"]", 100))) > 1
    with pytest.raises(TooManyRows, match=re.escape("more than 99 rows; at most 99")):
        list(blocks(b"[" + b",".join([item] * 100) + b"]", 99))


def test_lists_and_objects_are_counted_wherever_they_stand():
    body = b'{"a":[' + b",".join([b"[]"] * 600) + b"]}"
    assert parse_json(body, 200) == {"a": [[]] * 600}
    with pytest.raises(TooManyRows, match="more than 464 lists and objects"):
        parse_json(body, 100)


def test_values_are_counted_where_a_row_has_so_many():
    body = b'{"a":[' + b",".join([b"1"] * 600) + b"]}"
    assert parse_json(body, 100, 2) == {"a": [1] * 600}
    with pytest.raises(TooManyRows, match="more than 564 values"):
        parse_json(body, 100, 1)


def test_a_row_is_bounded(monkeypatch):
    monkeypatch.setattr(json_text, "LONGEST_ROW", 40)
    body = b'[{"a": 1}, {"a": "%s"}]' % (b"x" * 40)
    with pytest.raises(TooManyRows, match="a row is longer than 40 bytes"):
        list(blocks(body, 10))
    with pytest.raises(TooManyRows, match="a row is longer than 40 bytes"):
        list(lines_of(b'{"a": 1}\n{"a": "%s"}' % (b"x" * 40)))


def test_json_lines_are_read_one_by_one():
    assert list(lines_of(b'{"a": 1}\r\n\n  \n{"a": 2}')) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("split_at", range(1, 12))
def test_json_lines_are_read_wherever_they_are_split(monkeypatch, split_at):
    monkeypatch.setattr(json_text, "LINES_BYTES", split_at)
    assert list(lines_of(b'\r\n{"a": 1}\r\n\n\r{"b": "\\n"}\n')) == [{"a": 1}, {"b": "\n"}]


@settings(max_examples=20, deadline=None)
@given(*[st.lists(leaves | st.lists(leaves), min_size=13, max_size=20)] * 2)
def test_a_late_list_holds_what_a_list_does_whenever_it_is_read(rows, others):
    body = json.dumps({"frame": {"data": rows, "index": others}, "data": others}).encode()
    parsed = parse_json(body, late={("frame", "data")})
    late = parsed["frame"]["data"]
    assert isinstance(late, LateList)
    assert [list(late), list(late)] == [rows, rows]
    assert (parsed["frame"]["index"], parsed["data"]) == (others, others)
    assert list(parse_json(json.dumps(rows).encode(), late={()})) == rows


def test_a_fault_in_a_late_list_is_said_when_it_is_read():
    late = parse_json(b"[[1, 2], [3, 4], [5, x]]", late={()})
    with pytest.raises(ParseError, match=r"Expecting value, line 1 column 22$"):
        list(late)
