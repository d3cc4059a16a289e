"""POST /v0/describe: a table's columns and notes over HTTP, by a process of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from build_model import main
from tests.serving.lifecycle import MOST, Lifecycle, make_lifecycle

TABLE = b"x;y;z\n" + b"".join(b"%d,5;%d;C%d\n" % (n % 30, n % 2, n) for n in range(60))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Lifecycle]:
    made = make_lifecycle(tmp_path)
    yield made
    made.queue.jobs_database.close()


def ask(service: Lifecycle, data: bytes = TABLE, scope: str = "train", **fields: str) -> Any:
    given = {"file": (io.BytesIO(data), "x"), **fields}
    kind = "multipart/form-data"
    headers = service.as_(scope)
    return service.client.post("/v0/describe", data=given, headers=headers, content_type=kind)


def test_a_table_is_described_as_on_the_command_line(
    service: Lifecycle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(service, target="y", kinds='{"y": "category"}', missing='["7"]', promote="never")
    assert answer.status_code == 200, answer.text
    assert answer.json["target"]["classes"] == ["0", "1"]
    assert answer.json["columns"][0]["written"] == {"decimal": ","}
    assert "left_out" in answer.json["columns"][1]
    (tmp_path / "t.csv").write_bytes(TABLE)
    words = ["--describe", str(tmp_path / "t.csv"), "--target", "y", "--json"]
    assert main([*words, "--kind", "y=category", "--missing", "7"]) == 0
    assert json.loads(capsys.readouterr().out) == answer.json
    assert main(words[:4]) == 0
    assert "label       y: 0, 1" in capsys.readouterr().out
    assert service.queue.newest(9) == []


@pytest.mark.parametrize(
    ("data", "fields", "status", "detail"),
    [
        (TABLE, {"target": "w"}, 422, "the table has no column w"),
        (b"%PDF-1.4", {}, 422, "this is a PDF"),
        (TABLE, {"kinds": '{"x": "xyzzy"}'}, 422, "kinds: expected an object of kinds by column"),
        (TABLE, {"kinds": "xyzzy"}, 400, "not JSON"),
        (TABLE, {"missing": '"xyzzy"'}, 422, "missing: expected a list of words"),
        (TABLE, {"decimal": "xyzzy"}, 422, "decimal: expected . or ,"),
        (TABLE, {"sheet": "xyzzy"}, 422, "no Excel workbook"),
        (TABLE, {"xyzzy": "1"}, 422, "expected no other members than"),
        (b"x" * (MOST + 70_000), {}, 413, "an upload is at most"),
    ],
)
def test_a_fault_is_one_line(
    service: Lifecycle, data: bytes, fields: dict[str, str], status: int, detail: str
) -> None:
    answer = ask(service, data, **fields)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert detail in answer.json["detail"]
    assert "xyzzy" not in answer.text


def test_it_needs_a_key_that_trains(service: Lifecycle) -> None:
    assert ask(service, scope="predict").status_code == 403
    assert service.client.post("/v0/describe", data={}).status_code == 401
    headers = service.as_("train", **{"Content-Type": "text/csv"})
    assert service.client.post("/v0/describe", data=b"x", headers=headers).status_code == 415
