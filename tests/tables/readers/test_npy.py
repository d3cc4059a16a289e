"""NumPy's .npy files: what they hold, and what is refused before it costs anything."""

from __future__ import annotations

import io
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import MiranteError, ParseError, RowsError, TooManyRows
from tables.readers.npy import MOST_HEADER, columns_of_array, read_npy, rows_of_array, write_npy
from tables.schema import Feature, Schema, Target

SCHEMA = Schema((Feature("a", "number", True), Feature("b", "boolean")), Target("y", ("no", "yes")))
ONE = Schema((Feature("a", "number"),), SCHEMA.target)


def saved(array: np.ndarray, **options: bool) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def headed(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    size = len(header).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + size + header.encode() + data


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2", "<i4", ">i8", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_type_and_order_are_rows(kind, order):
    array = np.array([[3, 1], [5, 0], [7, 1]], dtype=kind, order=order)
    rows = list(rows_of_array(read_npy(saved(array), SCHEMA, 9), SCHEMA))
    assert rows == [{"a": 3, "b": True}, {"a": 5, "b": False}, {"a": 7, "b": True}]


def test_one_row_may_be_without_its_list_and_nan_is_missing():
    array = np.array([np.nan, 2.5])
    (row,) = rows_of_array(read_npy(saved(array), SCHEMA, 9), SCHEMA)
    assert row == {"a": None, "b": 2.5}
    assert read_npy(saved(np.arange(4.0)), ONE, 9).shape == (4, 1)


def test_texts_are_cells():
    array = read_npy(saved(np.array([["1.5", "yes"], ["", "no"]])), SCHEMA, 9)
    assert columns_of_array(array, SCHEMA) == {"a": ["1.5", ""], "b": ["yes", "no"]}


@pytest.mark.parametrize("letter", [b"\xff\xff\xff\xff", b"\x00\xd8\x00\x00"])
def test_texts_that_are_no_unicode_are_refused(letter):
    body = headed("{'descr': '<U1', 'fortran_order': False, 'shape': (1, 2), }", letter * 2)
    with pytest.raises(ParseError, match="not Unicode"):
        columns_of_array(read_npy(body, SCHEMA, 9), SCHEMA)


def test_an_array_of_objects_is_refused_unread():
    class Trap:
        def __reduce__(self):
            return print, ("a pickle was read",)

    trap = np.array([[Trap(), 1]], dtype=object)
    with pytest.raises(ParseError, match="expected an array of numbers"):
        read_npy(saved(trap, allow_pickle=True), SCHEMA, 9)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), dtype="complex64"),
        np.zeros((2, 2), dtype="M8[s]"),
        np.zeros(2, dtype=[("a", "<f8"), ("b", "<f8")]),
        np.zeros((2, 2), dtype="S3"),
        np.zeros((2, 2), dtype="g"),
    ],
)
def test_other_types_are_refused(array):
    with pytest.raises(ParseError):
        read_npy(saved(array), SCHEMA, 9)


@pytest.mark.parametrize("shape", [(2, 3), (3,), (), (1, 2, 1), (0,)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(RowsError, match=r"expected an array \[n, 2\]"):
        read_npy(saved(np.zeros(shape)), SCHEMA, 9)


def test_more_rows_than_are_taken_are_refused():
    with pytest.raises(TooManyRows):
        read_npy(saved(np.zeros((10, 2))), SCHEMA, 9)


SHAPED = "{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff" + b" " * 70_000,
        b"PK\x03\x04",
        headed(SHAPED.format("(1, 2)"), b"\0" * 15),
        headed(SHAPED.format("(1, 2)"), b"\0" * 17),
        headed(SHAPED.format("(-1, 2)"), b"\0" * 16),
        headed(SHAPED.format("(99999999999999999999, 2)"), b"\0" * 16),
        headed(SHAPED.format("(1e9, 2)")),
        headed(SHAPED.format("(True, 2)"), b"\0" * 16, b"\x03\x00"),
        headed("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2)}", b"\0" * 16),
        headed("{'descr': " + "(" * 400),
        headed("[" * 900),
        headed("{" * 400 + "'"),
        headed("__import__('os')"),
        headed("{'descr': '<f8'" + " " * MOST_HEADER),
    ],
)
def test_what_is_no_npy_is_refused_before_it_costs_anything(body):
    tracemalloc.start()
    try:
        with pytest.raises(ParseError):
            read_npy(body, SCHEMA, 100_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@given(
    header=st.text("{}()[]'\",:<>|fiUO0123456789 \nTruealsdcrhpLx\\", max_size=120),
    data=st.binary(max_size=40),
    version=st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00"]),
)
@settings(max_examples=300, deadline=None)
def test_no_header_is_a_fault_of_ours(header, data, version):
    with suppress(MiranteError):
        read_npy(headed(header, data, version), SCHEMA, 9)


@given(cut=st.integers(0, 200), flip=st.integers(0, 159), to=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_damaged_file_is_a_fault_of_ours(cut, flip, to):
    body = bytearray(saved(np.arange(4.0).reshape(2, 2)))
    body[flip] = to
    with suppress(MiranteError):
        list(rows_of_array(read_npy(bytes(body[:cut]), SCHEMA, 9), SCHEMA))


@pytest.mark.parametrize("values", [["a", "bc"], [1, 2], [True, False], [0.5, 1.0], []])
def test_values_are_written_as_numpy_reads_them(values):
    assert np.load(io.BytesIO(write_npy(values)), allow_pickle=False).tolist() == values
