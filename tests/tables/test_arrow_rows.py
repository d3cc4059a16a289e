from __future__ import annotations

import datetime
import io

import numpy as np
import pyarrow as pa
import pytest

from errors import RowProblem, RowsError
from tables.arrow_rows import ArrowEncoder, reason_of, rows_of
from tables.dataset import read_dataset
from tables.dialect import Dialect
from tables.readers import read_table
from tables.readers.body import read_body
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target

SCHEMA = Schema(
    (
        Feature("age", "integer"),
        Feature("income", "number", nullable=True),
        Feature("home", "category", True, ("owner", "rent"), {"aluguel": "rent"}),
        Feature("records", "boolean"),
    ),
    Target("approved", (False, True)),
)
CODEC = RowCodec(SCHEMA)
GOOD = {
    "age": [30, 40],
    "income": [1.5, None],
    "home": ["rent", "aluguel"],
    "records": [True, False],
}


def encoded(columns, codec=CODEC, **options):
    return ArrowEncoder(codec, **options).encode(pa.table(columns))


def test_types_and_texts_are_the_same_rows():
    texts = {
        "age": ["30", "40"],
        "income": ["1.5", ""],
        "home": ["rent", "aluguel"],
        "records": ["yes", "NO"],
    }
    typed, spelt = encoded(GOOD), encoded(texts)
    assert typed.good is None
    assert typed.batch.matrix.dtype == np.float32
    np.testing.assert_array_equal(typed.batch.matrix, spelt.batch.matrix)
    np.testing.assert_array_equal(typed.batch.matrix, [[30, 1.5, 1, 1], [40, np.nan, 1, 0]])


CELLS = {
    "age": ["1", "30", " 7 ", "9.0", "9.5", "x", "", "NA", "1e3", "007", "-3", "inf", "1e39"],
    "income": ["1.5", "", "NA", "x", "1,5", "1.167", "+2", ".5", "nan", "-", "1e400", "0x1", "２"],
    "home": ["rent", "owner", " rent ", "", "NA", "castle", "aluguel", "RENT", "null", "é", *"abc"],
    "records": ["yes", "no", "TRUE", "False", "tRuE", "1", "0", "", "NA", " yes", "y", "t", "-"],
}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("strict", [False, True])
def test_a_cell_is_read_as_a_request_reads_it(name, strict):
    for cell in CELLS[name]:
        row = {"age": "30", "income": "2", "home": "rent", "records": "no"} | {name: cell}
        columns = {column: [value] for column, value in row.items()}
        asked = CODEC.decode_columns(columns, partial=True, strict=strict)
        found = encoded(columns, strict=strict)
        assert found.problems == list(asked.problems), cell
        np.testing.assert_array_equal(found.batch.matrix, asked.batch.matrix, cell)


def test_credit_is_encoded_as_in_training(root):
    path = root / "data" / "credit.csv"
    dataset = read_dataset(read_table(path), "approved", kinds={"approved": "boolean"})
    codec = RowCodec(dataset.schema)
    from pyarrow import csv

    found = encoded_table(csv.read_csv(io.BytesIO(path.read_bytes())), codec)
    assert found.good is None
    np.testing.assert_array_equal(found.batch.matrix, dataset.batch.matrix)


def encoded_table(table, codec):
    return ArrowEncoder(codec).encode(table)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int8(), [3, 4]),
        (pa.uint64(), [3, 2**63]),
        (pa.float32(), [0.1, 3.5]),
        (pa.float16(), [0.5, 3.5]),
        (pa.decimal128(5, 2), [None, 3]),
        (pa.large_string(), ["3", "0.1"]),
        (pa.string_view(), ["3", "0.1"]),
        (pa.dictionary(pa.int8(), pa.string()), ["3", "0.1"]),
        (pa.dictionary(pa.uint64(), pa.string()), ["3", None]),
        (pa.bool_(), [True, None]),
        (pa.timestamp("s"), [1, None]),
        (pa.null(), [None, None]),
    ],
    ids=str,
)
def test_a_type_is_what_its_text_is(kind, values):
    column = pa.array(values, kind)
    spelt = column.cast(pa.string()).to_pylist()
    typed = encoded(GOOD | {"income": column})
    texts = encoded(GOOD | {"income": pa.array(spelt, pa.string())})
    assert typed.problems == texts.problems
    np.testing.assert_array_equal(typed.batch.matrix, texts.batch.matrix)


def test_categories_may_be_numbers_and_dictionaries():
    schema = Schema((Feature("zone", "category", False, ("1", "2")),), Target("y", (False, True)))
    codec = RowCodec(schema)
    unsigned = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.uint32()), ["2", "1"])
    for column in (pa.array([2, 1]), pa.array(["2", "1"]).dictionary_encode(), unsigned):
        assert encoded({"zone": column}, codec).batch.matrix.tolist() == [[1.0], [0.0]]


def test_dates_are_read_whatever_their_type():
    csv = b"when,y\n" + b"".join(
        b"2024-0%d-1%d,%d\n" % (m, d, d % 2) for m in (1, 5) for d in range(9)
    )
    dataset = read_dataset(read_table(io.BytesIO(csv)), "y")
    codec = RowCodec(dataset.schema)
    day = datetime.date(2024, 5, 13)
    expected = encoded({"when": ["2024-05-13"]}, codec).batch.matrix
    for column in (pa.array([day]), pa.array([day]).cast(pa.timestamp("us"))):
        np.testing.assert_array_equal(encoded({"when": column}, codec).batch.matrix, expected)
    bad = encoded({"when": ["2024-05-13", "someday"]}, codec)
    assert bad.good.tolist() == [True, False]
    np.testing.assert_array_equal(bad.batch.matrix, expected)


def test_decimal_commas_stay_what_the_first_rows_said():
    csv = "x;y\n" + "".join(f"{i},5;{i % 2}\n" for i in range(30))
    dataset = read_dataset(read_table(io.BytesIO(csv.encode())), "y")
    encoder = ArrowEncoder(RowCodec(dataset.schema), dialect=Dialect(";"))
    assert encoder.encode(pa.table({"x": ["1,5", "2"]})).batch.matrix.tolist() == [[1.5], [2.0]]
    # Alone it would be read as 1.5 under the other format, or refused: never both.
    later = encoder.encode(pa.table({"x": ["1.5", "3,5"]}))
    assert later.batch.matrix.tolist() == [[3.5]]
    assert [p.row for p in later.problems] == [0]


def test_a_column_that_is_not_there_is_said_once():
    with pytest.raises(RowsError, match=r"^the table has no column age$"):
        encoded({k: v for k, v in GOOD.items() if k != "age"})
    with pytest.raises(RowsError, match="is Income meant for it"):
        encoded({"Income": [1.0, 2.0]} | {k: v for k, v in GOOD.items() if k != "income"})
    found = encoded({k: v for k, v in GOOD.items() if k != "income"})
    assert np.isnan(found.batch.matrix[:, 1]).all()


def test_a_column_that_stands_twice_is_refused():
    with pytest.raises(RowsError, match="two columns age"):
        ArrowEncoder(CODEC).encode(pa.table([[1], [2]], names=["age", "age"]))


def test_texts_are_kept_as_they_are():
    schema = Schema((Feature("note", "text"),), Target("y", (False, True)))
    found = encoded({"note": [" a b ", None, "NA"]}, RowCodec(schema))
    assert found.batch.texts == ([" a b "],)
    assert [p.row for p in found.problems] == [1, 2]
    assert len(found.batch.matrix) == 1


def test_all_problems_of_all_rows_are_named():
    rows = 1000
    found = encoded(
        {"age": ["x"] * rows, "income": ["y"] * rows, "home": [""] * rows, "records": ["?"] * rows}
    )
    assert len(found.problems) == 3 * rows
    assert rows_of(found.problems) == rows
    assert found.problems[-1] == RowProblem(rows - 1, "records", "true or false", "null")
    assert reason_of(found.problems[-1]) == "expected true or false, got null"


def test_bodies_and_batches_agree(root):
    lines = (root / "data" / "credit.csv").read_bytes().splitlines(keepends=True)
    dataset = read_dataset(read_table(root / "data" / "credit.csv"), "approved")
    body = read_body(b"".join(lines[:700]), dataset.schema)
    codec = RowCodec(dataset.schema)
    found = encoded({n: list(c) for n, c in body.columns.items()}, codec)
    expected = codec.decode_columns(body.columns)
    np.testing.assert_array_equal(found.batch.matrix, expected.batch.matrix)
