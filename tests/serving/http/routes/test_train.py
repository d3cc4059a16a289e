from __future__ import annotations

import gzip
import io
import threading
import zlib
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from urllib3.filepost import encode_multipart_formdata
from werkzeug.serving import make_server

from tests.serving.lifecycle import MOST, Lifecycle, make_lifecycle

JSON = "application/json"
TABLE = b"x,y\n" + b"1,yes\n2,no\n" * 20


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Lifecycle]:
    """The routes over an empty queue."""
    made = make_lifecycle(tmp_path)
    yield made
    made.queue.jobs_database.close()


def order(service: Lifecycle, document: Any, path: str = "/v0/train", **headers: str) -> Any:
    return service.client.post(path, json=document, headers=service.as_("train", **headers))


def upload(service: Lifecycle, path: str = "/v0/train", data: bytes = TABLE, **fields: Any) -> Any:
    fields = {"file": (io.BytesIO(data), "../../etc/passwd"), "target": "y"} | fields
    given = {name: value for name, value in fields.items() if value is not None}
    kind = "multipart/form-data"
    headers = service.as_("train")
    return service.client.post(path, data=given, headers=headers, content_type=kind)


def test_a_recipe_is_queued(service: Lifecycle) -> None:
    answer = order(service, {"recipe": "credit", "parameters": {"n_estimators": 50}, "seed": 7})
    job = answer.json
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v0/jobs/{job['id']}"
    assert job["state"] == "queued"
    assert job["order"] == {
        "name": "credit",
        "recipe": "credit",
        "parameters": {"n_estimators": 50},
        "seed": 7,
    }
    assert job["requested_by"] == "trainer"
    assert job["warnings"] == ["no worker is alive: the job waits until one is started"]


def test_an_order_is_read_to_its_length_under_a_plain_wsgi_server(service: Lifecycle) -> None:
    # The connection stays open: a server that reads on for more would wait for ever.
    server = make_server("127.0.0.1", 0, service.client.application, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        client = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        headers = service.as_("train", **{"Content-Type": "application/json"})
        client.request("POST", "/v0/train", b'{"recipe":"credit"}', headers)
        assert client.getresponse().status == 202
        client.close()
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_a_model_s_own_recipe_needs_no_body(service: Lifecycle) -> None:
    headers = service.as_("train", **{"Content-Type": "application/json"})
    answer: Any = service.client.post("/v0/models/iris/train", headers=headers)
    assert (answer.status_code, answer.json["order"]["recipe"]) == (202, "iris")
    answer = order(service, {"recipe": "credit"}, "/v0/models/mine/train")
    assert (answer.json["model"], answer.json["order"]["recipe"]) == ("mine", "credit")


def test_a_table_is_queued_whatever_its_file_is_called(service: Lifecycle) -> None:
    answer = upload(
        service,
        "/v0/models/mine/train",
        estimator="logistic",
        parameters='{"C": 0.5}',
        promote="never",
        seed="3",
        keep_data="true",
    )
    job = answer.json
    assert answer.status_code == 202, job
    assert (job["model"], job["data_kept"]) == ("mine", True)
    assert job["order"]["parameters"] == {"C": 0.5}
    assert (job["order"]["seed"], job["order"]["promote"]) == (3, "never")
    assert job["order"]["size"] == len(TABLE)
    assert "passwd" not in answer.text
    held = service.queue.table.read(job["id"])
    assert held.upload is not None
    with service.queue.uploads.open(held.upload) as file:
        assert file.read() == TABLE


def test_a_table_without_a_name_is_the_default_model_s(service: Lifecycle) -> None:
    assert upload(service).json["model"] == "credit"
    assert upload(service, name="mine").json["model"] == "mine"


@pytest.mark.parametrize(
    ("document", "status", "detail"),
    [
        ({"recipe": "nope"}, 422, "there is no recipe of that name"),
        ({"recipe": "../app"}, 422, "recipe: expected the name of a recipe"),
        ({"recipe": "credit", "parameters": {"n_estimatorz": 5}}, 422, "did you mean n_estimators"),
        ({"recipe": "credit", "parameters": {"n_estimators": "xyzzy"}}, 422, "expected an integer"),
        ({"recipe": "credit", "parameters": {"n_estimators": 10**9}}, 422, "from 1 to"),
        ({"recipe": "credit", "parameters": [1]}, 422, "parameters: expected an object"),
        ({"recipe": "credit", "promote": "xyzzy"}, 422, "promote: expected if_better, always or"),
        ({"recipe": "credit", "seed": -1}, 422, "seed: expected an integer from 0"),
        ({"recipe": "credit", "xyzzy": 1}, 422, "expected no other members than recipe"),
        ({}, 422, "recipe: expected the name"),
        ([], 422, "expected"),
        ("xyzzy", 422, "expected"),
    ],
)
def test_an_order_that_cannot_be(
    service: Lifecycle, document: Any, status: int, detail: str
) -> None:
    answer = order(service, document)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert detail in answer.json["detail"]
    assert "xyzzy" not in answer.text
    assert service.queue.newest(9) == []


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"target": None}, "target: expected the name of the column"),
        ({"target": ""}, "target: expected the name of the column"),
        ({"estimator": "magic"}, "there is no estimator of that name"),
        ({"parameters": "[]"}, "parameters: expected an object"),
        ({"parameters": '{"n_estimators": 0}'}, "n_estimators"),
        ({"name": "Bad Name"}, "name: expected a model's name"),
        ({"seed": "xyzzy"}, "seed: expected an integer"),
        ({"keep_data": "perhaps"}, "keep_data: expected true or false"),
        ({"xyzzy": "1"}, "expected no other members than target"),
        ({"file": None}, "file: expected one table"),
        ({"file": "a,b"}, "file: expected one table"),
        ({"target": ["y", "x"]}, "a field is given twice"),
        ({"other": (io.BytesIO(b""), "a.csv")}, "file: expected one table"),
    ],
)
def test_an_upload_that_cannot_be(service: Lifecycle, fields: dict[str, Any], detail: str) -> None:
    answer = upload(service, **fields)
    assert answer.status_code == 422, answer.text
    assert detail in answer.json["detail"]
    assert "xyzzy" not in answer.text
    assert service.queue.newest(9) == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b" " * 70_000, "application/json", 413),
        (b"x", "multipart/form-data", 422),
    ],
)
def test_a_body_that_cannot_be_read(
    service: Lifecycle, body: bytes, kind: str, status: int
) -> None:
    headers = service.as_("train", **({"Content-Type": kind} if kind else {}))
    assert service.client.post("/v0/train", data=body, headers=headers).status_code == status


def test_a_table_that_is_too_large_is_refused_before_it_is_read(service: Lifecycle) -> None:
    class Unread(io.RawIOBase):
        """A body that must not be read."""

        def readinto(self, _: Any) -> int:
            """Fail."""
            raise AssertionError("the body was read")

    answer: Any = service.client.post(
        "/v0/train",
        headers=service.as_("train"),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": str(100 * MOST)},
    )
    assert answer.status_code == 413
    assert str(MOST) in answer.json["detail"]


def test_a_table_that_grows_too_large_is_refused_while_it_is_read(service: Lifecycle) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    body = io.BytesIO(head + b"1,2\n" * MOST)
    answer = service.client.post(
        "/v0/train",
        headers=service.as_("train"),
        input_stream=body,
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413
    assert body.tell() < 3 * MOST


def test_a_full_queue(tmp_path: Path) -> None:
    service = make_lifecycle(tmp_path, max_queued=1)
    assert order(service, {"recipe": "credit"}).status_code == 202
    for answer in (order(service, {"recipe": "credit"}), upload(service)):
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
    service.queue.jobs_database.close()


def test_the_idempotency_key(service: Lifecycle) -> None:
    key = {"Idempotency-Key": "c0ffee"}
    first = order(service, {"recipe": "credit"}, **key)
    again = order(service, {"recipe": "credit"}, **key)
    assert (again.status_code, again.json["id"]) == (202, first.json["id"])
    assert again.headers["Location"] == first.headers["Location"]
    assert order(service, {"recipe": "iris"}, **key).status_code == 409
    assert order(service, {"recipe": "credit"}, **{"Idempotency-Key": "a b"}).status_code == 400


def test_the_same_order_again_is_answered_though_the_queue_is_full(tmp_path: Path) -> None:
    service = make_lifecycle(tmp_path, max_queued=1)
    key = {"Idempotency-Key": "c0ffee"}
    first = order(service, {"recipe": "credit"}, **key)
    again = order(service, {"recipe": "credit"}, **key)
    assert (again.status_code, again.json["id"]) == (202, first.json["id"])
    service.queue.jobs_database.close()


def test_jobs_are_listed_read_and_cancelled(service: Lifecycle) -> None:
    job = order(service, {"recipe": "credit"}).json
    headers = service.as_("train")
    client: Any = service.client
    listed = client.get("/v0/jobs", headers=headers).json
    assert [one["id"] for one in listed["jobs"]] == [job["id"]]
    path = f"/v0/jobs/{job['id']}"
    assert client.get(path, headers=headers).json["state"] == "queued"
    assert client.delete(path, headers=headers).json["state"] == "cancelled"
    assert client.get(path, headers=headers).json["state"] == "cancelled"
    for method in ("get", "delete"):
        call = getattr(service.client, method)
        assert call("/v0/jobs/" + "0" * 32, headers=headers).status_code == 404
        assert call("/v0/jobs/nope", headers=headers).status_code == 404


def test_a_job_that_has_ended_cannot_be_cancelled(service: Lifecycle) -> None:
    job_id = order(service, {"recipe": "credit"}).json["id"]
    service.queue.claim("w1")
    service.queue.table.fail(job_id, "w1", "the table has no rows")
    answer = service.client.delete(f"/v0/jobs/{job_id}", headers=service.as_("train"))
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v0/train"),
        ("POST", "/v0/models/credit/train"),
        ("GET", "/v0/jobs"),
        ("GET", "/v0/jobs/" + "0" * 32),
        ("DELETE", "/v0/jobs/" + "0" * 32),
        ("GET", "/v0/jobs/" + "0" * 32 + "/events"),
    ],
)
def test_every_route_needs_a_key_that_may_train(service: Lifecycle, method: str, path: str) -> None:
    answer = service.client.open(path, method=method)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    headers = service.as_("predict")
    assert service.client.open(path, method=method, headers=headers).status_code == 403


def test_a_model_that_cannot_be_named_so(service: Lifecycle) -> None:
    assert order(service, {"recipe": "credit"}, "/v0/models/Bad%20Name/train").status_code == 404


@pytest.mark.parametrize(("others", "status"), [(30, 422), (31, 413)])
def test_an_upload_has_thirty_two_parts_at_most(
    service: Lifecycle, others: int, status: int
) -> None:
    # Beside the file and the target: a field that is none is named, unless there are too many.
    fields: dict[str, Any] = {f"field{n}": "x" for n in range(others)}
    assert upload(service, **fields).status_code == status


def test_a_hundred_jobs_are_listed(service: Lifecycle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.queue, "newest", lambda limit: [{"limit": limit}])
    client: Any = service.client
    listed = client.get("/v0/jobs", headers=service.as_("train")).json
    assert listed == {"jobs": [{"limit": 100}]}


def packed(
    service: Lifecycle, body: bytes, encoding: str, path: str = "/v0/train", kind: str = JSON
) -> Any:
    """Send a body that is packed already."""
    headers = service.as_("train", **{"Content-Encoding": encoding})
    return service.client.post(path, data=body, headers=headers, content_type=kind)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "identity"])
def test_a_packed_order_and_a_packed_upload_are_read(service: Lifecycle, encoding: str) -> None:
    pack = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
        "identity": bytes,
    }[encoding]
    answer = packed(service, pack(b'{"recipe": "credit"}'), encoding)
    assert answer.status_code == 202, answer.text
    body, kind = encode_multipart_formdata([("file", ("t.csv", TABLE)), ("target", "y")])
    answer = packed(service, pack(body), encoding, kind=kind)
    assert answer.status_code == 202, answer.text
    assert answer.json["order"]["size"] == len(TABLE)


# Werkzeug leaves the file of a form that it has not read to its end to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_packed_upload_is_bounded_by_what_it_unpacks_to(service: Lifecycle) -> None:
    large = b"x,y\n" + b"1,yes\n" * MOST
    body, kind = encode_multipart_formdata([("file", ("t.csv", large)), ("target", "y")])
    assert len(gzip.compress(body)) < MOST
    assert packed(service, gzip.compress(body), "gzip", kind=kind).status_code == 413
    order = b'{"recipe": "credit"' + b" " * 70_000 + b"}"
    assert packed(service, gzip.compress(order), "gzip").status_code == 413


@pytest.mark.parametrize(
    ("status", "body", "encoding"),
    [
        (400, b'{"recipe": "credit"}', "gzip"),
        (400, gzip.compress(b'{"recipe": "credit"}', mtime=0)[:-5], "gzip"),
        (415, b'{"recipe": "credit"}', "br"),
    ],
)
def test_what_is_not_packed_as_it_says_is_refused(
    service: Lifecycle, status: int, body: bytes, encoding: str
) -> None:
    assert packed(service, body, encoding).status_code == status
