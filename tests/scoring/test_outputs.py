import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from errors import ConfigError, DatasetError
from scoring.outputs import Kind, assembly, header_of, kind_of, packed, part_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.CSV", Kind("csv")),
        ("s3://b/a.csv.gz", Kind("csv", "gzip")),
        ("a.ndjson.zst", Kind("jsonl", "zstd")),
        ("a.b.parquet", Kind("parquet")),
        ("a.feather", Kind("arrow")),
    ],
)
def test_the_ending_says_the_kind(path, kind):
    assert kind_of(path) == kind


@pytest.mark.parametrize("path", ["a", "a.xlsx", "a.parquet.gz", "csv", "a.gz"])
def test_another_ending_is_refused(path):
    with pytest.raises(ConfigError, match="ends in one of"):
        kind_of(path)


def joined(tmp_path, kind, *tables) -> bytes:
    sink = io.BytesIO()
    whole = assembly(sink, kind, {"model": "credit"})
    for index, table in enumerate(tables):
        path = tmp_path / str(index)
        path.write_bytes(part_of(table, kind))
        whole.add(str(path))
    whole.close()
    return sink.getvalue()


def test_text_is_joined_as_it_is_also_packed(tmp_path):
    table = pa.table({"a": ["x", 'say "so", twice', None], "b": [1.5, None, True and 2.0]})
    expected = b'"x",1.5\n"say ""so"", twice",\n,2\n'
    found = joined(tmp_path, Kind("csv", "gzip"), table, table)
    assert gzip.decompress(found) == 2 * expected
    assert header_of(["a", "b,c"], Kind("csv")) == b'a,"b,c"\n'
    assert header_of(["a"], Kind("jsonl")) == b""
    rows = joined(tmp_path, Kind("jsonl"), table)
    assert rows.splitlines()[2] == b'{"a":null,"b":2.0}'


def test_packed_bytes_are_the_same_each_time():
    assert packed(b"abc", Kind("csv", "gzip")) == packed(b"abc", Kind("csv", "gzip"))
    assert packed(b"", Kind("csv", "gzip")) == b""


def test_columns_that_had_no_value_may_have_words_later(tmp_path):
    one = pa.table({"a": pa.nulls(2), "b": [1, 2]})
    two = pa.table({"a": ["x"], "b": [3]})
    found = pq.read_table(io.BytesIO(joined(tmp_path, Kind("parquet"), one, two)))
    assert found.to_pydict() == {"a": [None, None, "x"], "b": [1, 2, 3]}
    assert found.schema.metadata[b"mirante"] == b'{"model":"credit"}'


def test_other_columns_and_other_types_later_are_refused(tmp_path):
    one = pa.table({"b": [1, 2]})
    with pytest.raises(DatasetError, match="same columns"):
        joined(tmp_path, Kind("arrow"), one, pa.table({"c": [1]}))
    with pytest.raises(DatasetError, match="column b holds string in later rows, and int64"):
        joined(tmp_path, Kind("arrow"), one, pa.table({"b": ["x"]}))


def test_csv_takes_words_of_dictionaries_and_no_lists():
    words = pa.table({"a": pa.array(["x", "y"]).dictionary_encode()})
    assert part_of(words, Kind("csv")) == b'"x"\n"y"\n'
    with pytest.raises(DatasetError, match="CSV cannot hold the column a"):
        part_of(pa.table({"a": [[1], [2]]}), Kind("csv"))
