from __future__ import annotations

import gzip
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

from errors import DatasetError
from tables.readers import batches, read_table
from tables.readers.batches import Piece, read_batches

CSV = b"id,note,x\n" + b"".join(b'%d,"a ""b""\n%d",%d.5\n' % (i, i, i) for i in range(5000))


def pieces(data: bytes, **options) -> list[Piece]:
    return list(read_batches(io.BytesIO(data), len(data), **options).pieces)


def whole(found: list[Piece]) -> pa.Table:
    return pa.concat_tables([piece.table for piece in found])


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_BYTES", 10_000)
    monkeypatch.setattr(batches, "SAMPLE_BYTES", 10_000)


PACKED = {
    "plain": CSV,
    "semicolons": CSV.replace(b",", b";"),
    "mark": b"\xef\xbb\xbf" + CSV,
    "utf-16": CSV.decode().encode("utf-16"),
    "gzip": gzip.compress(CSV, mtime=0),
    "two members": gzip.compress(CSV[:30_000], mtime=0) + gzip.compress(CSV[30_000:], mtime=0),
    "zstd": pa.Codec("zstd").compress(CSV, asbytes=True),
    "carriage returns": CSV.replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("name", PACKED)
def test_parts_are_what_the_whole_is(name):
    data = PACKED[name]
    table = read_table(io.BytesIO(data))
    found = pieces(data)
    assert len(found) > 5
    joined = whole(found)
    for column, cells in table.columns.items():
        assert joined.column(column).to_pylist() == list(cells)
    numbers = [number for piece in found for number in piece.numbers.tolist()]
    assert numbers == list(range(1, 5001))
    shares = [piece.done for piece in found]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_zip_of_one_table_is_read_as_it():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", CSV)
    assert whole(pieces(sink.getvalue())).num_rows == 5000
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("u.csv", CSV)
    with pytest.raises(DatasetError, match="holds 2 files"):
        pieces(sink.getvalue())


def test_rows_of_another_width_keep_their_numbers():
    lines = [f"{i},{i}" for i in range(2000)]
    lines[1500] = "1,2,3"
    lines[3] = "1"
    found = pieces(("a,b\n" + "\n".join(lines)).encode())
    problems = [problem for piece in found for problem in piece.problems]
    assert [(p.row, p.expected, p.got) for p in problems] == [
        (4, "2 cells", "1 cells"),
        (1501, "2 cells", "3 cells"),
    ]
    numbers = [number for piece in found for number in piece.numbers.tolist()]
    assert numbers == [i for i in range(1, 2001) if i not in (4, 1501)]


def test_a_row_without_an_end_is_told(monkeypatch):
    monkeypatch.setattr(batches, "LONGEST_ROW", 50_000)
    with pytest.raises(DatasetError, match="longer than 50000 bytes"):
        pieces(b"a,b\n" + b"1,2\n" * 5000 + b'"' + b"x" * 200_000)


def test_a_byte_that_cannot_be_is_told_by_its_line():
    lines = [b"%d,%d" % (i, i) for i in range(5000)]
    lines[3999] = b"1,\xff"
    with pytest.raises(DatasetError, match="line 4001"):
        pieces(b"a,b\n" + b"\n".join(lines))


def test_parquet_and_arrow_come_in_batches():
    table = pa.table({"a": range(1000), "b": ["x"] * 1000})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    opened = read_batches(io.BytesIO(sink.getvalue()), 1, most_rows=300)
    assert opened.rows == 1000
    found = list(opened.pieces)
    assert [piece.table.num_rows for piece in found] == [300, 300, 300, 100]
    assert found[-1].numbers[-1] == 1000
    for make in (ipc.new_file, ipc.new_stream):
        sink = io.BytesIO()
        with make(sink, table.schema) as writer:
            writer.write_table(table)
        assert whole(pieces(sink.getvalue(), most_rows=300)).equals(table)


def test_long_cells_make_batches_of_few_rows(monkeypatch):
    monkeypatch.setattr(batches, "MOST_BYTES", 10_000)
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": ["x" * 1000] * 100}), sink, use_dictionary=False)
    assert max(piece.table.num_rows for piece in pieces(sink.getvalue())) <= 10


def test_json_lines_keep_types_and_bad_lines_are_told():
    rows = [{"a": i, "b": "x" if i % 2 else None, "c": i / 2} for i in range(1000)]
    lines = [json.dumps(row) for row in rows]
    lines[10] = "{nonsense"
    found = pieces("\n".join(lines).encode())
    assert whole(found).schema.types == [pa.int64(), pa.string(), pa.float64()]
    assert [p.row for piece in found for p in piece.problems] == [11]
    assert found[0].numbers.tolist()[9:11] == [10, 12]


def test_values_of_several_types_are_texts():
    data = b'{"a":1,"b":[1]}\n{"a":"x","b":2}\n{"a":12345678901234567890123,"b":null}\n'
    assert whole(pieces(data)).to_pydict() == {
        "a": ["1", "x", "12345678901234567890123"],
        "b": ["[1]", "2", None],
    }


def test_what_is_read_whole_is_bounded(monkeypatch):
    data = json.dumps([{"a": 1}, {"a": 2}]).encode()
    assert whole(pieces(data)).to_pydict() == {"a": [1, 2]}
    monkeypatch.setattr(batches, "MOST_WHOLE", 10)
    with pytest.raises(DatasetError, match="more than 10 bytes"):
        pieces(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.4",
        b"PAR1 and nothing",
        b"ARROW1 and nothing",
        gzip.compress(CSV, mtime=0)[:200],
        b"\x28\xb5\x2f\xfd\0\0",
        b"PK\x03\x04 and nothing",
    ],
    ids=["empty", "pdf", "parquet", "arrow", "gzip", "zstd", "zip"],
)
def test_what_is_no_table_is_one_line(data):
    with pytest.raises(DatasetError) as caught:
        pieces(data)
    assert "\n" not in str(caught.value)


def test_a_sample_that_ends_within_quotes_is_no_whole_text(monkeypatch):
    monkeypatch.setattr(batches, "SAMPLE_BYTES", 2**20)
    long = "é" * 9_000
    data = ("a,b\nx,1\n" + f'"{long}, more",2\n' * 80).encode()
    pieces = list(read_batches(io.BytesIO(data), len(data)).pieces)
    assert sum(piece.table.num_rows for piece in pieces) == 81
