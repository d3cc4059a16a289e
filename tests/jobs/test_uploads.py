from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

import pytest

from jobs import uploads as uploads_module
from jobs.database import JobsDatabase
from jobs.uploads import Uploads
from tests.jobs.conftest import Clock


@pytest.fixture
def uploads(url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Uploads]:
    """Uploads in an empty database, in parts of ten bytes."""
    monkeypatch.setattr(uploads_module, "CHUNK", 10)
    jobs_database = JobsDatabase(url)
    yield Uploads(jobs_database, clock)
    jobs_database.close()


def content(uploads: Uploads, upload: str) -> bytes:
    with uploads.open(upload) as file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, 10, 11, 125])
def test_an_upload_comes_back_as_it_was(uploads: Uploads, size: int) -> None:
    data = bytes(range(size))
    uploads.put("other", io.BytesIO(b"x" * 15))
    assert uploads.put("mine", io.BytesIO(data)) == (size, hashlib.sha256(data).hexdigest())
    assert content(uploads, "mine") == data


def test_what_is_left_of_the_stream_is_kept(uploads: Uploads) -> None:
    stream = io.BytesIO(b"head,body")
    stream.read(5)
    uploads.put("mine", stream)
    assert content(uploads, "mine") == b"body"


def test_an_upload_is_erased_alone(uploads: Uploads) -> None:
    for name in ("mine", "other"):
        uploads.put(name, io.BytesIO(b"x" * 15))
    uploads.erase("mine")
    assert content(uploads, "mine") == b""
    assert content(uploads, "other") == b"x" * 15


def test_an_upload_of_no_job_is_erased_after_an_hour(uploads: Uploads, clock: Clock) -> None:
    uploads.put("old", io.BytesIO(b"x"))
    clock.now += 3600
    uploads.put("new", io.BytesIO(b"x"))
    uploads.erase_orphans()
    assert content(uploads, "old") == b"x"  # an hour old, and not older
    clock.now += 1
    uploads.erase_orphans()
    assert (content(uploads, "old"), content(uploads, "new")) == (b"", b"x")
