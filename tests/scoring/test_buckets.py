"""Buckets against moto's server."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import ConfigError, StoreUnavailable
from scoring.buckets import Bucket
from scoring.inputs import find_inputs
from tests.servers import S3Server, free_port

pytest.importorskip("obstore", reason="pip install -r requirements-s3.txt")


def put(s3: S3Server, key: str, data: bytes, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(data)
    Bucket(f"s3://{s3.bucket}/{key}", s3.client_options).upload(path)


def test_what_is_put_is_found_and_read(s3: S3Server, tmp_path) -> None:
    for name in ("in/b.csv", "in/a.csv", "in/deep/a.csv", "in/c.txt"):
        put(s3, name, name.encode(), tmp_path)
    found = find_inputs([f"s3://{s3.bucket}/in/*.csv"], s3.client_options)
    assert [one.path for one in found] == [f"s3://{s3.bucket}/in/{n}.csv" for n in "ab"]
    with found[0].open(s3.client_options) as file:
        assert file.read(4) == b"in/a"
        assert file.tell() == 4
        file.seek(0)
        assert file.read() == b"in/a.csv"
        assert file.read(5) == b""


def test_what_is_not_there_is_one_line(s3: S3Server) -> None:
    with pytest.raises(StoreUnavailable, match="no such object"):
        find_inputs([f"s3://{s3.bucket}/none.csv"], s3.client_options)
    with pytest.raises(ConfigError, match="s3://bucket/key"):
        find_inputs([f"s3://{s3.bucket}"], s3.client_options)
    down = {**s3.client_options, "endpoint": f"http://127.0.0.1:{free_port()}"}
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        find_inputs([f"s3://{s3.bucket}/a.csv"], down)
