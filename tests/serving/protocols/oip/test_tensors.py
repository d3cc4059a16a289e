"""Tensors: to rows and back, in values and in binary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import ParseError, RowsError, TooManyRows
from learning.tasks.classification import Prediction
from serving.protocols.oip.tensors import (
    Requested,
    Tensor,
    check_shape,
    decode_tensors,
    output_tensors,
    tensor_of,
    tensor_of_bytes,
    to_bytes,
)
from serving.protocols.oip.values import NUMBERS
from serving.refusals import RequestError
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target
from tests.serving.factory import ROW, SIGNATURE, make_live

CODEC = RowCodec(SIGNATURE)
NUMERIC = Schema(
    tuple(Feature(name, "number", nullable=name == "b") for name in "abc"), Target("y", ("n", "p"))
)
ROWS = [ROW, {"age": -4, "income": None, "home": "owner", "records": "yes"}]


def columns(rows, **datatypes):
    kinds = {"age": "INT64", "income": "FP64", "home": "BYTES", "records": "BYTES"} | datatypes
    return [tensor_of(name, kinds[name], [len(rows)], [row[name] for row in rows]) for name in ROW]


def same(decoded, rows) -> bool:
    expected = CODEC.encode_objects(rows).matrix
    return bool(np.array_equal(decoded.batch.matrix, expected, equal_nan=True))


def test_a_tensor_of_each_feature_is_the_rows():
    assert same(decode_tensors(CODEC, columns(ROWS)), ROWS)


def test_numbers_stand_for_booleans_and_nan_for_a_missing_value():
    tensors = [
        tensor_of("age", "FP32", [2, 1], [[30.0], [-4]]),
        Tensor("income", "FP32", (2,), np.array([12.5, math.nan], "<f4")),
        tensor_of("home", "BYTES", [2], [b"rent", "owner"]),
        tensor_of("records", "BOOL", [2], [False, True]),
    ]
    assert same(decode_tensors(CODEC, tensors), ROWS)
    tensors[3] = tensor_of("records", "UINT8", [2], [0, 1])
    assert same(decode_tensors(CODEC, tensors), ROWS)


def test_one_tensor_of_texts_is_read_as_csv_is():
    cells = [["30", "12.5", "rent", "no"], ["-4", "", "owner", "true"]]
    assert same(decode_tensors(CODEC, [tensor_of("rows", "BYTES", [2, 4], cells)]), ROWS)


def test_null_is_a_missing_value_in_every_datatype():
    tensors = columns([ROW, ROW | {"income": None}])
    assert same(decode_tensors(CODEC, tensors), [ROW, ROW | {"income": None}])
    cells = [["30", None, "rent", "no"]]
    one = decode_tensors(CODEC, [tensor_of("rows", "BYTES", [1, 4], cells)])
    assert same(one, [ROW | {"income": None}])
    for name in ("age", "records"):
        with pytest.raises(RowsError) as refused:
            decode_tensors(CODEC, columns([ROW, ROW | {name: None}]))
        assert (refused.value.problems[0].row, refused.value.problems[0].field) == (1, name)


def test_one_row_may_be_a_tensor_of_one_dimension():
    row = tensor_of("rows", "BYTES", [4], ["30", "12.5", "rent", "no"])
    assert same(decode_tensors(CODEC, [row]), [ROW])
    numbers = tensor_of_bytes("x", "FP64", [3], np.array([1, 2, 3], "<f8").tobytes())
    assert decode_tensors(RowCodec(NUMERIC), [numbers]).batch.matrix.tolist() == [[1, 2, 3]]
    # With a row allowed, a row of more features than that is still one.
    assert len(decode_tensors(RowCodec(NUMERIC), [numbers], most_rows=1).indices) == 1


def test_the_good_rows_are_kept_under_partial():
    rows = [ROW, ROW | {"age": None}, ROW]
    decoded = decode_tensors(CODEC, columns(rows), partial=True)
    assert list(decoded.indices) == [0, 2]
    assert decoded.problems[0].row == 1
    with pytest.raises(RowsError, match="at least one row"):
        decode_tensors(CODEC, columns([ROW | {"age": None}]), partial=True)


def test_more_rows_than_are_taken_are_refused():
    with pytest.raises(TooManyRows):
        decode_tensors(CODEC, columns(ROWS), most_rows=1)


@pytest.mark.parametrize(
    ("name", "shape", "fault"),
    [
        ("age", [11], TooManyRows),
        ("x", [11, 4], TooManyRows),
        ("x", [2, 3], ParseError),
        ("age", [2, 3], ParseError),
        ("age", [2, 1, 1], ParseError),
        ("age", [-1], ParseError),
    ],
)
def test_a_shape_is_refused_before_values_are_read(name, shape, fault):
    with pytest.raises(fault):
        check_shape(SIGNATURE, name, shape, 10)
    for good in ([10], [10, 1], [2, 4]):
        check_shape(SIGNATURE, "age" if good[-1] == 1 else "x", good, 10)


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_one_tensor_of_numbers_is_the_matrix(datatype):
    codec = RowCodec(NUMERIC)
    matrix = np.array([[1, 2, 3], [4.5, -5, 6]], NUMBERS[datatype])
    binary = tensor_of_bytes("x", datatype, [2, 3], matrix.tobytes())
    written = tensor_of("x", datatype, [2, 3], matrix.tolist())
    for tensor in (binary, written):
        assert np.array_equal(decode_tensors(codec, [tensor]).batch.matrix, matrix)
    matrix[1, 1] = np.nan  # b may be missing
    decoded = decode_tensors(codec, [tensor_of_bytes("x", datatype, [2, 3], matrix.tobytes())])
    assert np.array_equal(decoded.batch.matrix, matrix, equal_nan=True)


@pytest.mark.parametrize(
    ("matrix", "got"),
    [
        ([[1.0, 2, math.nan]], "null"),
        ([[1.0, math.inf, 3]], "out of range"),
        ([[1e300, 2, 3]], "out"),
    ],
)
def test_a_number_that_the_model_cannot_read_is_named(matrix, got):
    tensor = tensor_of_bytes("x", "FP64", [1, 3], np.array(matrix, "<f8").tobytes())
    with pytest.raises(RowsError) as refused:
        decode_tensors(RowCodec(NUMERIC), [tensor])
    assert got in refused.value.problems[0].got


def test_an_integer_beyond_every_float_is_named():
    with pytest.raises(RowsError) as refused:
        decode_tensors(RowCodec(NUMERIC), [tensor_of("x", "FP64", [1, 3], [10**400, 1, 2])])
    assert refused.value.problems[0].field == "a"


@pytest.mark.parametrize(
    ("tensors", "fault"),
    [
        ([], ParseError),
        (columns(ROWS)[:3], RowsError),
        ([*columns(ROWS)[:3], tensor_of("records", "BOOL", [1], [True])], ParseError),
        ([*columns(ROWS), columns(ROWS)[0]], ParseError),
        ([*columns(ROWS), tensor_of("agee", "INT64", [2], [1, 2])], RowsError),
        ([tensor_of("x", "BYTES", [1, 3], ["1", "2", "rent"])], ParseError),
        ([tensor_of("x", "FP64", [1, 4], [1, 2, 3, 4])], RowsError),
        ([tensor_of("x", "BYTES", [0, 4], [])], RowsError),
        ([tensor_of("age", "INT64", [1, 2], [1, 2])], ParseError),
    ],
)
def test_tensors_that_are_no_rows_are_refused(tensors, fault):
    with pytest.raises(fault):
        decode_tensors(CODEC, tensors)


@pytest.mark.parametrize(
    ("datatype", "shape", "data"),
    [
        ("FP31", [1], [1]),
        ("FP64", [], []),
        ("FP64", [1, 1, 1], [1]),
        ("FP64", [-1], []),
        ("FP64", [2], [1]),
        ("FP64", [2, 2], [[1, 2], [3]]),
        ("FP64", [2, 2], [[[1, 2], [3, 4]]]),
        ("FP64", [1], ["1"]),
        ("FP64", [1], [True]),
        ("FP64", [1], None),
        ("FP64", [10**9, 10**9], [1]),
        ("INT8", [1], [128]),
        ("UINT64", [1], [-1]),
        ("INT64", [1], [1.0]),
        ("BOOL", [1], [1]),
        ("BYTES", [1], [1]),
        ("BYTES", [1], [b"\xff"]),
    ],
)
def test_data_that_is_not_what_shape_and_datatype_say_is_refused(datatype, shape, data):
    with pytest.raises(ParseError):
        tensor_of("x", datatype, shape, data)


@pytest.mark.parametrize(
    ("datatype", "shape", "raw"),
    [
        ("FP32", [1], b"\0" * 8),
        ("BYTES", [1], b"\5\0\0\0abc"),
        ("BYTES", [1], b"\1\0"),
        ("BYTES", [2], b"\1\0\0\0a"),
        ("BYTES", [1], b"\1\0\0\0\xff"),
        ("NONE", [1], b""),
    ],
)
def test_binary_that_is_not_what_shape_and_datatype_say_is_refused(datatype, shape, raw):
    with pytest.raises(ParseError):
        tensor_of_bytes("x", datatype, shape, raw)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_survive_their_binary_form(texts):
    tensor = tensor_of("x", "BYTES", [len(texts)], texts)
    assert [*tensor_of_bytes("x", "BYTES", [len(texts)], to_bytes(tensor)).values()] == texts


@pytest.mark.parametrize("datatype", sorted(NUMBERS))
def test_numbers_survive_their_binary_form(datatype):
    values = [True, False] if datatype == "BOOL" else [0, 1, 100]
    tensor = tensor_of("x", datatype, [len(values)], values)
    assert [*tensor_of_bytes("x", datatype, [len(values)], to_bytes(tensor)).values()] == values


@pytest.mark.parametrize(
    ("classes", "datatype"),
    [((False, True), "BOOL"), ((1, 2), "INT64"), (("a", "b"), "BYTES")],
)
def test_outputs_are_the_class_and_the_probabilities_in_the_classes_datatype(classes, datatype):
    live = make_live(schema=Schema(SIGNATURE.features, Target("y", classes)))
    prediction = Prediction([[0.25, 0.75], [0.5, 0.5]], [1, 0])
    label, probabilities = output_tensors(live, prediction)
    assert (label.name, label.datatype, label.shape) == ("label", datatype, (2,))
    assert probabilities == Tensor("probabilities", "FP64", (2, 2), [0.25, 0.75, 0.5, 0.5])
    assert len(to_bytes(label)) > 0
    assert output_tensors(live, prediction, [Requested("probabilities")]) == [probabilities]
    with pytest.raises(RequestError):
        output_tensors(live, prediction, [Requested("labels")])


def test_the_most_likely_classes_are_value_index_and_name():
    live = make_live(schema=Schema(SIGNATURE.features, Target("y", ("a", "b:c", "d"))))
    prediction = Prediction([[0.25, 0.5, 0.25], [0.1, 0.2, 0.7]], [1, 2])
    (top,) = output_tensors(live, prediction, [Requested("probabilities", 2)])
    assert (top.datatype, top.shape) == ("BYTES", (2, 2))
    assert top.data == ["0.500000:1:b:c", "0.250000:0:a", "0.700000:2:d", "0.200000:1:b:c"]
    (all_,) = output_tensors(live, prediction, [Requested("probabilities", 9)])
    assert all_.shape == (2, 3)
    with pytest.raises(RequestError, match="classification is of an output"):
        output_tensors(live, prediction, [Requested("label", 1)])
