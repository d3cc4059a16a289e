"""The S3 store against moto's server: cut off, refused, and silent about secrets."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from errors import ConfigError, DependencyError, StoreUnavailable
from persistence.opening import open_store
from tests.servers import S3Server, free_port

pytest.importorskip("obstore", reason="pip install -r requirements-s3.txt")


def test_a_prefix_keeps_stores_apart(s3: S3Server) -> None:
    one = open_store(f"s3://{s3.bucket}/one/", s3.client_options)
    two = open_store(f"s3://{s3.bucket}/one-and-more", s3.client_options)
    one.put("credit", b"one")
    two.put("credit", b"two")
    assert one.list() == two.list() == ["credit"]
    assert one.get("credit").data == b"one"
    whole = open_store(f"s3://{s3.bucket}", s3.client_options)
    assert {"one/credit", "one-and-more/credit"} <= set(whole.list())


def test_a_bucket_that_is_not_there_is_unavailable_for_writing(s3: S3Server) -> None:
    store = open_store("s3://no-such-bucket", s3.client_options)
    with pytest.raises(StoreUnavailable, match="s3://no-such-bucket: there is no such"):
        store.put("credit", b"one")
    with pytest.raises(StoreUnavailable, match="s3://no-such-bucket: a listing"):
        store.list()


def test_a_server_that_is_down_is_one_line_within_seconds_and_tells_no_secret() -> None:
    options = {
        "endpoint": f"http://127.0.0.1:{free_port()}",
        "region": "us-east-1",
        "access_key_id": "AKIAHUNTER2",
        "secret_access_key": "hunter2",
    }
    store = open_store("s3://models/x", options)
    before = time.monotonic()
    for use in (lambda: store.get("credit"), lambda: store.put("credit", b"one"), store.list):
        with pytest.raises(StoreUnavailable, match=r"s3://models: .*cannot be reached") as caught:
            use()
        assert "hunter2" not in str(caught.value).lower()
        assert "\n" not in str(caught.value)
        assert caught.value.__suppress_context__
    assert time.monotonic() - before < 30


def test_an_option_it_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match="an option that it does not know"):
        open_store("s3://models", {"unheard": "of"})


def test_empty_options_are_left_to_the_client(s3: S3Server) -> None:
    store = open_store(s3.url, {**s3.client_options, "session_token": ""})
    assert isinstance(store.list(), list)


def test_a_forked_child_is_refused_instead_of_waiting_for_ever(s3: S3Server) -> None:
    store = open_store(s3.url, s3.client_options)
    store.list()
    ready, caught = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(10)
        try:
            open_store(s3.url, s3.client_options).put("credit", b"by the child")
        except StoreUnavailable as error:
            os.write(caught, str(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(caught)
    with os.fdopen(ready) as said:
        assert "was used before this process was forked" in said.read()


def test_without_obstore_the_command_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "persistence.stores.s3", raising=False)
    with pytest.raises(DependencyError, match=r"pip install -r requirements-s3\.txt"):
        open_store("s3://models")
    assert (root / "requirements-s3.txt").is_file()
