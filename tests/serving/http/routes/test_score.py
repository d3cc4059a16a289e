from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from errors import VersionUnknown
from jobs.job import Result
from scoring.roots import check_beneath
from serving.http.routes.score import score_blueprint
from tests.serving.lifecycle import Lifecycle, make_lifecycle

TABLE = b"age,income\n30,1.5\n"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Lifecycle]:
    """The routes over an empty queue; tables may be read beneath a folder."""
    made = make_lifecycle(tmp_path)
    app: Flask = made.client.application
    (tmp_path / "tables").mkdir()
    roots = (str(tmp_path / "tables"), "s3://tables/in")

    def check_version(name: str, version: str | None) -> None:
        if version == "none":
            raise VersionUnknown("the model has no such version")

    app.register_blueprint(
        score_blueprint(
            lambda: made.queue,
            made.guard,
            check_version,
            lambda address, field: check_beneath(address, roots, field),
            max_upload_bytes=100_000,
        )
    )
    yield made
    made.queue.jobs_database.close()


def upload(service: Lifecycle, scope: str = "train", **fields: Any) -> Any:
    given = {"file": (io.BytesIO(TABLE), "t.csv"), **fields}
    kind = "multipart/form-data"
    headers = service.as_(scope)
    path = "/v0/models/credit/score"
    return service.client.post(path, data=given, headers=headers, content_type=kind)


def order(service: Lifecycle, **document: Any) -> Any:
    path = "/v0/models/credit/score"
    return service.client.post(path, json=document, headers=service.as_("train"))


def test_an_upload_is_queued(service: Lifecycle) -> None:
    answer = upload(service, format="parquet", interval="0.9", strict="true")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v0/jobs/{answer.json['id']}"
    asked = answer.json["order"]
    assert asked["score"] == {"format": "parquet", "interval": 0.9, "strict": True}
    assert asked["size"] == len(TABLE)
    assert service.queue.audit.newest(1)[0]["action"] == "score"


def test_an_address_beneath_a_root_is_queued(service: Lifecycle) -> None:
    answer = order(service, table="s3://tables/in/*.csv", to="s3://tables/in/out.parquet")
    assert answer.status_code == 202
    assert answer.json["order"]["score"]["table"] == "s3://tables/in/*.csv"


@pytest.mark.parametrize(
    "document",
    [
        {"table": "/etc/passwd"},
        {"table": "s3://tables/in-lookalike/a"},
        {"table": "http://127.0.0.1/x"},
        {"table": "s3://tables/in/a", "to": "/tmp/x"},
        {},
        {"table": "s3://tables/in/a", "format": "xml"},
        {"table": "s3://tables/in/a", "interval": 2},
        {"table": "s3://tables/in/a", "wrong": 1},
        {"table": 3},
    ],
)
def test_what_cannot_be_asked_is_refused_and_not_echoed(service: Lifecycle, document: Any) -> None:
    answer = order(service, **document)
    assert answer.status_code == 422
    assert "passwd" not in answer.text
    assert service.queue.newest(5) == []


def test_keys_names_versions_and_media_types_are_checked(service: Lifecycle) -> None:
    assert upload(service, scope="predict").status_code == 403
    assert service.client.post("/v0/models/credit/score").status_code == 401
    headers = service.as_("train")
    assert service.client.post("/v0/models/No!/score", headers=headers).status_code == 404
    plain = service.client.post("/v0/models/credit/score", data=b"x", headers=headers)
    assert plain.status_code == 415
    assert upload(service, version="none").status_code == 404
    assert upload(service, table="s3://tables/in/a").status_code == 415
    assert upload(service, file=(io.BytesIO(b"x" * 300_000), "t.csv")).status_code == 413


def test_the_answers_of_a_job_are_sent_when_it_has_ended(service: Lifecycle) -> None:
    job = upload(service).json["id"]
    headers = service.as_("train")
    path = f"/v0/jobs/{job}/result"
    early = service.client.get(path, headers=headers)
    assert early.status_code == 409
    assert "the job is queued" in early.text
    service.queue.table.claim("me", 60.0)
    kept = {"rows": 1, "rejected": 0, "format": "csv", "bytes": 2_000_000}
    service.queue.uploads.put(job, io.BytesIO(b"x" * 2_000_000))
    service.queue.table.succeed(job, "me", Result("v", False, score=kept))
    answer = service.client.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.data == b"x" * 2_000_000
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{job}.csv"'
    assert service.client.get(path).status_code == 401
    service.queue.uploads.erase_orphans()
    assert service.client.get(path, headers=headers).status_code == 200


def test_jobs_that_score_nothing_or_elsewhere_have_no_answers(service: Lifecycle) -> None:
    headers = service.as_("train")
    posted = service.client.post("/v0/train", json={"recipe": "credit"}, headers=headers)
    trained: Any = posted.json
    elsewhere = order(service, table="s3://tables/in/a", to="s3://tables/in/b").json
    for _ in range(2):
        service.queue.table.claim("me", 60.0)
    result = Result("v", False, score={"rows": 1, "format": "csv"})
    service.queue.table.succeed(elsewhere["id"], "me", result)
    for job in (trained["id"], elsewhere["id"], "0" * 32):
        assert service.client.get(f"/v0/jobs/{job}/result", headers=headers).status_code == 404
