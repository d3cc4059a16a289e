from __future__ import annotations

import io
import random
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

from errors import MiranteError, ParseError, RowsError, TooManyRows
from tables.arrow_body import check_messages, decode_arrow, decode_parquet, read_stream
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target
from tests.conftest import ROOT
from tests.serving.factory import SIGNATURE

CODEC = RowCodec(SIGNATURE)


def table(rows: int = 50) -> pa.Table:
    columns = {
        "age": list(range(rows)),
        "income": [1.5 if i % 3 else None for i in range(rows)],
        "home": [("rent", "owner", "aluguel", None)[i % 4] for i in range(rows)],
        "records": [i % 2 == 0 for i in range(rows)],
    }
    return pa.table(columns)


def stream(found: pa.Table, **options) -> bytes:
    sink = io.BytesIO()
    with ipc.new_stream(sink, found.schema, **options) as writer:
        writer.write_table(found, max_chunksize=20)
    return sink.getvalue()


def dictionaries(found: pa.Table) -> pa.Table:
    return found.set_column(2, "home", found.column("home").dictionary_encode())


def views(found: pa.Table) -> pa.Table:
    return found.set_column(2, "home", found.column("home").cast(pa.string_view()))


def categories_of_polars(found: pa.Table) -> pa.Table:
    column = found.column("home").combine_chunks().dictionary_encode()
    words = column.dictionary.cast(pa.string_view())
    made = pa.DictionaryArray.from_arrays(column.indices.cast(pa.uint32()), words)
    return found.set_column(2, "home", made)


@pytest.mark.parametrize("made", [lambda found: found, dictionaries, views, categories_of_polars])
def test_a_stream_is_the_rows_of_json(made):
    rows = table().to_pylist()
    decoded = decode_arrow(stream(made(table())), CODEC)
    np.testing.assert_array_equal(decoded.batch.matrix, CODEC.encode_objects(rows).matrix)
    assert (decoded.rows, len(decoded.indices), decoded.single) == (50, 50, False)


def test_parquet_is_the_same_rows():
    sink = io.BytesIO()
    pq.write_table(dictionaries(table()), sink)
    found = decode_parquet(sink.getvalue(), CODEC)
    np.testing.assert_array_equal(
        found.batch.matrix, decode_arrow(stream(table()), CODEC).batch.matrix
    )
    with pytest.raises(TooManyRows, match="49"):
        decode_parquet(sink.getvalue(), CODEC, most_rows=49)
    with pytest.raises(ParseError, match="no Parquet file"):
        decode_parquet(b"PAR1" + bytes(100), CODEC)


def test_faults_are_told_as_of_csv():
    bad = table().set_column(0, "age", pa.array(["x", *["3"] * 49]))
    with pytest.raises(RowsError) as caught:
        decode_arrow(stream(bad), CODEC)
    assert caught.value.problems[0].field == "age"
    assert len(decode_arrow(stream(bad), CODEC, partial=True).batch.matrix) == 49
    with pytest.raises(RowsError) as caught:
        decode_arrow(stream(table().rename_columns(["aeg", "income", "home", "records"])), CODEC)
    assert caught.value.problems[0].hint == "age"
    lists = table().append_column("l", pa.array([[1]] * 50))
    with pytest.raises(RowsError, match="column l holds list"):
        decode_arrow(stream(lists), CODEC)


def test_categories_never_seen_are_told_and_kept_for_the_log():
    codec = RowCodec(SIGNATURE)
    codec.keeps_words = True
    strange = table().set_column(2, "home", pa.array(["castle", *["rent"] * 49]))
    decoded = decode_arrow(stream(strange), codec)
    assert decoded.unknown == ((0, "home"),)
    assert decoded.unseen == ((0, 2, "castle"),)
    with pytest.raises(RowsError):
        decode_arrow(stream(strange), codec, strict=True)


def test_other_names_of_a_field_are_known():
    feature = Feature("age", "integer", names=("Age",))
    codec = RowCodec(Schema((feature,), Target("y", (False, True))))
    codec.keeps_words = True
    assert decode_arrow(stream(pa.table({"Age": [3]})), codec).batch.matrix.tolist() == [[3.0]]


def test_rows_are_counted_before_they_are_read():
    data = bytearray(stream(table(20)))
    with pytest.raises(TooManyRows):
        check_messages(bytes(data), 19)
    at = data.rindex((20).to_bytes(8, "little"))
    for length in (2**40, 2**63 - 1):
        data[at : at + 8] = length.to_bytes(8, "little")
        with pytest.raises(MiranteError):
            read_stream(bytes(data), 1000)


def test_rows_without_columns_are_counted_too():
    empty = pa.table({"a": [1] * 5}).select([])
    assert empty.num_rows == 5
    with pytest.raises(TooManyRows):
        read_stream(stream(empty), 4)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_packed_buffers_are_refused(codec):
    data = stream(table(), options=ipc.IpcWriteOptions(compression=codec))
    with pytest.raises(ParseError, match="Content-Encoding"):
        decode_arrow(data, CODEC)


@pytest.mark.parametrize("data", [b"", b"{}", b"ARROW1\0\0", b"\xff" * 64, bytes(64)])
def test_what_is_no_stream_is_one_line(data):
    with pytest.raises(ParseError, match="no Arrow stream"):
        decode_arrow(data, CODEC)


def test_a_stream_that_is_cut_short_is_no_stream():
    data = stream(table())
    for end in range(1, len(data) - 8, 97):
        with pytest.raises(MiranteError):
            decode_arrow(data[:end], CODEC)


# Run by a process of its own: what would end it must not end the tests.
MUTANTS = """
import sys
from tests.tables.test_arrow_body import mutate
print(mutate(int(sys.argv[1])))
"""


def mutate(count: int) -> int:
    """Decode so many damaged streams, and return how many were read all the same."""
    generator, read = random.Random(7), 0
    seeds = [stream(table()), stream(dictionaries(table())), stream(views(table()))]
    for _ in range(count):
        data = bytearray(generator.choice(seeds))
        for _ in range(generator.choice((1, 2, 8))):
            at = generator.randrange(len(data)) & ~3
            word = generator.choice((b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f", b"\0\0\1\0"))
            data[at : at + 4] = word
        try:
            decode_arrow(bytes(data), CODEC, partial=True, most_rows=1000)
            read += 1
        except MiranteError:
            continue
    return read


def test_damaged_streams_end_in_an_answer():
    done = subprocess.run(
        [sys.executable, "-c", MUTANTS, "600"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 < int(done.stdout) < 600


LONG = pa.array(["x" * 2**20])


@pytest.mark.parametrize(
    "home",
    [
        pa.DictionaryArray.from_arrays(pa.array([0] * 70, pa.int8()), LONG),
        pa.RunEndEncodedArray.from_arrays(pa.array([70], pa.int32()), LONG),
    ],
)
def test_one_long_text_that_many_rows_share_is_not_copied_for_each(home):
    shared = pa.table({"age": [1] * 70, "income": [1.0] * 70, "home": home, "records": [True] * 70})
    body = stream(shared)
    with pytest.raises(TooManyRows, match="67108864 bytes"):
        decode_arrow(body, CODEC)


def test_a_small_parquet_file_whose_rows_share_one_long_text_is_refused():
    home = pa.DictionaryArray.from_arrays(pa.array([0] * 70, pa.int8()), LONG)
    sink = io.BytesIO()
    pq.write_table(pa.table({"home": home}), sink, compression="zstd")
    assert len(sink.getvalue()) < 4096
    with pytest.raises(TooManyRows):
        decode_parquet(sink.getvalue(), CODEC)
