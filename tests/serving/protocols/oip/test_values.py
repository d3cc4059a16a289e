"""Values of tensors: as JSON and binary have them, one by one and packed."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from errors import ParseError, TooManyRows
from serving.protocols.oip.values import (
    NUMBERS,
    RUN,
    Packed,
    checked,
    datatype_of,
    read_binary,
    read_long,
    runs_of,
)
from tables.json_text import BLOCK_BYTES, LONGEST_ROW

MANY = 100_000  # values: some blocks of JSON, and some runs


def listed(values: Any) -> list[Any]:
    return [value for run in runs_of(values) for value in run]


def long(datatype: str | None, values: Any, shape: list[int], written: str | None = None) -> Any:
    return read_long(datatype, json.dumps(values).encode(), shape, written)


@pytest.mark.parametrize("datatype", [*NUMBERS, "BYTES"])
def test_a_value_that_is_null_is_none_in_every_datatype(datatype: str) -> None:
    assert listed(checked(datatype, [None])) == [None]


@pytest.mark.parametrize(
    ("values", "datatype"),
    [
        ([None, "a"], "BYTES"),
        ([True], "BOOL"),
        ([1, 2.5], "FP64"),
        ([], "FP64"),
        ([["a"]], "BYTES"),
    ],
)
def test_values_without_a_datatype_have_that_of_their_first(values: Any, datatype: str) -> None:
    assert datatype_of(values) == datatype
    assert long(None, values, [len(values)])[0] == datatype


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    ("datatype", "pattern"),
    [
        ("BYTES", ["rent", None, "", "às\u20ac"]),
        ("FP64", [1, 2.5, None, -1e300]),
        ("INT64", [1, -(2**63), None, 2**63 - 1]),
        ("UINT8", [0, 255, 1, 2]),
        ("BOOL", [True, False, None, True]),
        ("BOOL", [True, False, True, True]),
    ],
)
def test_long_data_is_the_same_values(datatype: str, pattern: list[Any], nested: bool) -> None:
    values = pattern * (MANY // 4)
    rows = [values[i : i + 4] for i in range(0, len(values), 4)]
    kind, packed = long(datatype, rows if nested else values, [MANY // 4, 4])
    assert kind == datatype
    assert len(packed) == len(values)
    found = listed(packed)
    assert all(a == b or (b is None and math.isnan(a)) for a, b in zip(found, values, strict=True))


@pytest.mark.parametrize(
    ("datatype", "values", "shape"),
    [
        ("BYTES", ["a"] * MANY, [MANY + 1]),
        ("BYTES", ["a"] * MANY, [MANY - 1]),
        ("BYTES", [*["a"] * MANY, 1], [MANY + 1]),
        ("BYTES", [[["a"]]] * MANY, [MANY, 1]),
        ("INT8", [*[1] * MANY, 128], [MANY + 1]),
        ("INT64", [*[1] * MANY, 2**63], [MANY + 1]),
        ("INT64", [*[1] * MANY, 1.5], [MANY + 1]),
        ("BOOL", [*[True] * MANY, 1], [MANY + 1]),
        ("FP64", {"a": 1}, [1]),
        ("FP64", None, [1]),
        ("FP64", [[1, 2], 3], [3]),
    ],
)
def test_long_data_of_another_kind_is_refused(datatype: str, values: Any, shape: Any) -> None:
    with pytest.raises((ParseError, TooManyRows)):
        long(datatype, values, shape)


@pytest.mark.parametrize("text", [b"[1,,2]", b"[1,2", b"[nan]", b'["\xff"]', b""])
def test_long_data_that_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        read_long("FP64", text, [2])


def test_one_value_may_be_long_and_not_longer_than_a_row() -> None:
    text = "a" * (BLOCK_BYTES + 1)
    assert listed(long("BYTES", [text, "b"], [2])[1]) == [text, "b"]
    with pytest.raises(TooManyRows, match="longer than"):
        long("BYTES", ["a" * (LONGEST_ROW + 1)], [1])


def test_texts_that_no_array_holds_are_kept_as_they_are() -> None:
    # A half of a surrogate pair is JSON, and no Unicode.
    assert listed(long("BYTES", ["\ud800"] * 2, [2])[1]) == ["\ud800"] * 2


@pytest.mark.parametrize("many", [False, True])
def test_mlservers_codecs_are_read(many: bool) -> None:
    times = MANY if many else 1
    assert listed(checked("BYTES", ["cmVudA==", None] * times, "base64")) == ["rent", None] * times
    assert listed(long("BYTES", ["cmVudA=="] * times, [times], "base64")[1]) == ["rent"] * times
    mixed = ['"a"', "1", "null", "true"] * times
    assert listed(checked("BYTES", mixed, "pd_json")) == ["a", 1, None, True] * times
    assert listed(long("BYTES", mixed, [4 * times], "pd_json")[1]) == ["a", 1, None, True] * times
    raw = (struct.pack("<I", 8) + b"cmVudA==") * times
    assert listed(read_binary("BYTES", raw, times, "base64")) == ["rent"] * times
    for content_type in ("str", "np", "pd", "datetime"):
        assert listed(checked("BYTES", ["cmVudA=="], content_type)) == ["cmVudA=="]


@pytest.mark.parametrize(
    ("text", "content_type"), [("rent!", "base64"), ("/w==", "base64"), ("{}", "pd_json")]
)
def test_what_is_not_what_its_codec_writes_is_refused(text: str, content_type: str) -> None:
    with pytest.raises(ParseError):
        checked("BYTES", [text], content_type)


def test_many_binary_texts_are_packed() -> None:
    texts = ["a", "", "às"] * RUN
    raw = b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in texts)
    packed = read_binary("BYTES", raw, len(texts))
    assert isinstance(packed, Packed)
    assert listed(packed) == texts
    with pytest.raises(ParseError, match="for its shape"):
        read_binary("BYTES", raw, len(texts) - 1)


def test_packed_texts_are_columns_whatever_the_parts() -> None:
    cells = [str(i) if i % 7 else None for i in range(3 * 5000)]
    _, packed = long("BYTES", cells, [5000, 3])
    lists = Packed([cells[:4000], cells[4000:]])
    for index in range(3):
        expected = [cell or "" for cell in cells[index::3]]
        assert list(packed.columns(3)[index]) == expected
        assert list(lists.columns(3)[index]) == expected


def test_packed_numbers_are_one_array_if_all_are_there() -> None:
    _, packed = long("FP32", [0.5] * MANY, [MANY])
    numbers = packed.numbers()
    assert numbers is not None
    assert numbers.dtype == np.float64
    assert len(numbers) == MANY
    assert long("INT8", [None], [1])[1].numbers() is None


PROGRAM = """
import json, random, sys
import pyarrow as pa
from serving.protocols import oip
from tables.schema import Feature, Schema, Target
from tests.serving.factory import ask, make_live, make_service

def megabytes(key):
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines[key].split()[0]) / 1024

features = tuple(Feature(f"c{i}", "category", categories=("rent", "owner")) for i in range(20))
live = make_live(schema=Schema(features, Target("y", (False, True))))
service = make_service(live, protocols=(oip,), max_body_bytes=2**24, max_rows=100_000)
rows, draw = 60_000, random.Random(1).randrange
text = lambda: "%04x" % draw(1 << 16)
shape = [rows, 20] if sys.argv[1] == "nested" else [rows]
data = [text() for _ in range(20 * rows)]
if sys.argv[1] == "nested":
    inputs = [{"name": "x", "data": [data[i : i + 20] for i in range(0, len(data), 20)]}]
else:
    inputs = [{"name": f"c{i}", "data": data[i::20]} for i in range(20)]
inputs = [one | {"datatype": "BYTES", "shape": shape} for one in inputs]
body = json.dumps({"inputs": inputs}, separators=(",", ":")).encode()
del data, inputs
pa.array(["a"])  # imports pandas, where it is
ask(service, "/v2/models/credit/infer", {"inputs": []})
from serving.memory import give_back
give_back()
open("/proc/self/clear_refs", "w").write("5")  # the highest mark is from here on
before = megabytes("VmRSS")
assert ask(service, "/v2/models/credit/infer", body).status == 200
print((megabytes("VmHWM") - before) / (len(body) / 2**20), megabytes("VmRSS") - before)
"""


@pytest.mark.parametrize("form", ["nested", "columns"])
def test_a_long_body_of_texts_takes_about_ten_times_its_size_and_gives_it_back(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True
    )
    times, kept = map(float, done.stdout.split())
    assert times < 12
    assert kept < 30
