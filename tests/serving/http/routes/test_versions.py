from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import Conflict, StoreUnavailable
from tests.persistence.artifacts import make_artifact
from tests.serving.lifecycle import Lifecycle, make_lifecycle


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Lifecycle]:
    """The routes over a registry with three versions of one model, the first its champion."""
    made = make_lifecycle(tmp_path)
    for version in ("v1", "v2", "v3"):
        made.registry.register("credit", make_artifact(version))
    made.registry.promote("credit", "v1")
    yield made
    made.queue.jobs_database.close()


def promote(service: Lifecycle, version: str, **more: Any) -> Any:
    path = f"/v0/models/credit/versions/{version}/promote"
    return service.client.post(path, headers=service.as_("train"), **more)


def champion(service: Lifecycle) -> str:
    alias = service.registry.champion("credit")
    assert alias is not None
    return alias.version


def audited(service: Lifecycle) -> list[dict[str, Any]]:
    answer: Any = service.client.get("/v0/audit", headers=service.as_("admin"))
    assert answer.status_code == 200
    lines: list[dict[str, Any]] = answer.json["audit"]
    return lines


def test_promote_and_roll_back(service: Lifecycle) -> None:
    answer = promote(service, "v2")
    assert answer.status_code == 200
    assert (answer.json["name"], answer.json["version"]) == ("credit", "v2")
    serial = answer.json["serial"]
    assert champion(service) == "v2"
    back: Any = service.client.post("/v0/models/credit/rollback", headers=service.as_("train"))
    assert (back.json["version"], back.json["serial"]) == ("v1", serial + 1)
    assert champion(service) == "v1"
    again = service.client.post("/v0/models/credit/rollback", headers=service.as_("train"))
    assert again.status_code == 409
    unknown = service.client.post("/v0/models/nope/rollback", headers=service.as_("train"))
    assert unknown.status_code == 404


def test_of_two_promotions_over_one_champion_one_wins(service: Lifecycle) -> None:
    alias = service.registry.champion("credit")
    assert alias is not None
    based_on = {"json": {"expected_serial": alias.serial}}
    statuses: dict[str, int] = {}

    def act(version: str) -> None:
        statuses[version] = promote(service, version, **based_on).status_code

    threads = [threading.Thread(target=act, args=(version,)) for version in ("v2", "v3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(statuses.values()) == [200, 409]
    assert statuses[champion(service)] == 200


@pytest.mark.parametrize("body", [b"[]", b'{"expected_serial":"x"}', b'{"serial":1}', b"{"])
def test_a_body_that_is_none(service: Lifecycle, body: bytes) -> None:
    assert promote(service, "v2", data=body).status_code == 400
    assert champion(service) == "v1"


def test_a_body_without_a_length_counts(service: Lifecycle) -> None:
    body = b'{"expected_serial": 999}'
    environ: dict[str, Any] = {"asgi.scope": {}}
    for path in ("/v0/models/credit/versions/v2/promote", "/v0/models/credit/rollback"):
        answer = service.client.post(
            path,
            headers={**service.as_("train"), "Transfer-Encoding": "chunked"},
            input_stream=io.BytesIO(body),
            environ_overrides=environ,
        )
        assert answer.status_code == 409
    assert champion(service) == "v1"


def test_delete(service: Lifecycle) -> None:
    headers = service.as_("admin")
    path = "/v0/models/credit/versions/"
    answer = service.client.delete(f"{path}v2", headers=headers)
    assert (answer.status_code, answer.data) == (204, b"")
    assert service.client.delete(f"{path}v2", headers=headers).status_code == 404
    assert service.client.delete(f"{path}v1", headers=headers).status_code == 409
    assert [found.version for found in service.registry.versions("credit")] == ["v1", "v3"]


@pytest.mark.parametrize("path", ["credit/versions/v9", "nope/versions/v1", "No%20/versions/v1"])
def test_what_is_not_there(service: Lifecycle, path: str) -> None:
    headers = service.as_("admin")
    assert service.client.post(f"/v0/models/{path}/promote", headers=headers).status_code == 404
    assert service.client.delete(f"/v0/models/{path}", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "enough"),
    [
        ("POST", "/v0/models/credit/versions/v2/promote", "train"),
        ("POST", "/v0/models/credit/rollback", "train"),
        ("DELETE", "/v0/models/credit/versions/v2", "admin"),
        ("GET", "/v0/audit", "admin"),
    ],
)
def test_every_route_needs_a_key(service: Lifecycle, method: str, path: str, enough: str) -> None:
    assert service.client.open(path, method=method).status_code == 401
    for scope in {"predict", "train"} - {enough}:
        headers = service.as_(scope)
        assert service.client.open(path, method=method, headers=headers).status_code == 403
    assert champion(service) == "v1"
    assert len(service.registry.versions("credit")) == 3


def test_who_did_what_is_written_down(service: Lifecycle) -> None:
    promote(service, "v2")
    service.client.delete("/v0/models/credit/versions/v2", headers=service.as_("admin"))
    service.client.post("/v0/models/credit/rollback", headers=service.as_("train"))
    answered = [(x["who"], x["action"], x["subject"], x["outcome"]) for x in audited(service)]
    assert answered == [
        ("trainer", "rollback", "credit", "done"),
        ("adminer", "delete", "credit version v2", "refused (409)"),
        ("trainer", "promote", "credit version v2", "done"),
    ]


def test_a_roll_back_does_not_wait_for_the_audit(
    service: Lifecycle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("the jobs database cannot be reached or written")

    monkeypatch.setattr(service.queue.audit, "record", away)
    assert promote(service, "v2").status_code == 200
    assert "not audited: trainer, promote credit version v2: done" in caplog.text


def test_two_hundred_lines_of_the_audit_are_listed(
    service: Lifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.queue.audit, "newest", lambda limit: [{"limit": limit}])
    assert audited(service) == [{"limit": 200}]


@pytest.mark.parametrize(("length", "status"), [(4096, 409), (4097, 413)])
def test_four_kibibytes_of_an_expectation_are_read(
    service: Lifecycle, length: int, status: int
) -> None:
    body = b'{"expected_serial":' + b"99}".rjust(length - 19)
    assert promote(service, "v2", data=body).status_code == status


def test_if_better_asks_what_was_logged_and_another_rule_is_none(tmp_path: Path) -> None:
    service = make_lifecycle(tmp_path, check_replay=check_replay)
    for version in ("v1", "v2", "v3"):
        service.registry.register("credit", make_artifact(version))
    service.registry.promote("credit", "v1")
    better = promote(service, "v2", json={"promote": "if_better"})
    assert (better.status_code, better.json["reason"]) == (200, "better than v1")
    worse = promote(service, "v3", json={"promote": "if_better"})
    assert (worse.status_code, champion(service)) == (409, "v2")
    assert "refused (409)" in str(audited(service))
    forced = promote(service, "v3", json={"promote": "always"})
    assert (forced.status_code, "reason" in forced.json) == (200, False)
    assert promote(service, "v2", json={"promote": "perhaps"}).status_code == 400
    service.queue.jobs_database.close()


def check_replay(name: str, version: str) -> str:
    if version == "v3":
        raise Conflict("not promoted: worse")
    return "better than v1"
