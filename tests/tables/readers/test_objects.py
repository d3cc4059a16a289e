"""Objects of a store that speaks S3, read as the files that they are."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from errors import DatasetError
from tables.readers.objects import objects_of
from tables.readers.partitions import find_partitions, read_chunks
from tests.conftest import require
from tests.servers import INSTALL_S3, s3_server
from tests.tables.readers.parted import rows_of, split, write_parts


@pytest.fixture(scope="module")
def s3():
    require(find_spec("obstore") is not None, "obstore", INSTALL_S3)
    with s3_server() as server:
        yield server


@pytest.fixture(scope="module")
def bucket(s3, tmp_path_factory):
    """A bucket with a table in three parts, as Parquet and as CSV."""
    import obstore
    from obstore.store import S3Store

    options: Any = s3.client_options
    store = S3Store(s3.bucket, config=options, client_options={"allow_http": True})
    for kind in ("csv", "parquet"):
        folder = tmp_path_factory.mktemp(kind)
        for file in write_parts(folder, split(rows_of(300), 3), kind).iterdir():
            obstore.put(store, f"tables/{file.name}", file.read_bytes())
    return f"s3://{s3.bucket}"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_pattern_names_the_parts_of_a_table(s3, bucket, kind):
    parts = find_partitions(f"{bucket}/tables/part-*.{kind}", s3.client_options)
    assert [part.number for part in parts] == [1, 2, 3]
    ages = [age for part in parts for chunk in read_chunks(part) for age in chunk.columns["age"]]
    assert ages == [str(age) for age in rows_of(300)["age"].to_pylist()]


def test_an_object_is_named_by_its_key(s3, bucket):
    address = f"{bucket}/tables/part-001.csv"
    assert objects_of(address, s3.client_options) == [address]
    assert objects_of(f"{bucket}/other/part-*", s3.client_options) == []


def test_what_a_store_refuses_is_one_line(s3, bucket):
    with pytest.raises(DatasetError, match=r"none\.csv: there is no such object"):
        find_partitions(f"{bucket}/none.csv", s3.client_options)
    away = {**s3.client_options, "endpoint": "http://127.0.0.1:9"}
    with pytest.raises(DatasetError, match="the store cannot be reached, or refused"):
        find_partitions(f"{bucket}/tables/part-*", away)
