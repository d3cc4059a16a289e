"""score_order.py: a job's table scored as its training process does it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import build_model
import score_order
from config import Config, read_config
from errors import MiranteError
from jobs.database import JobsDatabase
from jobs.job import Order, Scoring
from jobs.messages import decode
from jobs.pipe_progress import PipeProgress
from jobs.uploads import Uploads
from tests.conftest import ROOT

CREDIT = ROOT / "data" / "credit.csv"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_STORE", str(folder / "models"))
        assert build_model.main(["--set", "n_estimators=5"]) == 0
    return folder


@pytest.fixture
def config(store: Path, tmp_path: Path) -> Config:
    (tmp_path / "tables").mkdir()
    return read_config(
        {
            "MODEL_STORE": str(store / "models"),
            "DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db",
            "SCORE_ROOTS": str(tmp_path / "tables"),
        }
    )


def scored(config: Config, scoring: Scoring, data: bytes | None = None, folder: Path = Path()):
    sink = io.BytesIO()
    progress = PipeProgress(sink, io.BytesIO(b"{}\n"))
    progress.job = "a" * 32
    table = None
    if data is not None:
        (folder / "upload").write_bytes(data)
        table = (folder / "upload").open("rb")
    try:
        result = score_order.score_order(Order("credit", score=scoring), table, progress, config)
    finally:
        if table is not None:
            table.close()
    return result, [decode(line) for line in sink.getvalue().splitlines()]


def test_an_upload_is_scored_and_kept_with_its_job(config, tmp_path):
    lines = CREDIT.read_bytes().splitlines(keepends=True)[:50]
    lines[3] = b"1," + lines[3]
    result, messages = scored(config, Scoring("jsonl"), b"".join(lines), tmp_path)
    assert result.score is not None
    assert (result.score["rows"], result.score["rejected"]) == (48, 1)
    assert result.score["errors"] == [
        {"row": 3, "field": "", "reason": "expected 14 cells, got 15 cells"}
    ]
    assert [type(m).__name__ for m in messages][-2:] == ["Staged", "MayRegister"]
    kept = Uploads(JobsDatabase(config.database_url)).part("a" * 32, 0)
    assert kept is not None
    assert len(kept) == result.score["bytes"]
    assert "prediction" in json.loads(kept.splitlines()[0])
    assert not score_order._folder("a" * 32).exists()


def test_a_table_at_an_address_is_scored_to_another(config, tmp_path):
    (tmp_path / "tables" / "in.csv").write_bytes(CREDIT.read_bytes())
    out = tmp_path / "tables" / "out.parquet"
    scoring = Scoring("parquet", table=f"{tmp_path}/tables/*.csv", to=str(out))
    result, _ = scored(config, scoring)
    assert result.score is not None
    assert "bytes" not in result.score
    assert out.exists()
    with pytest.raises(MiranteError, match="there already"):
        scored(config, scoring)


def test_a_link_that_was_changed_since_is_refused(config, tmp_path):
    (tmp_path / "tables" / "a.csv").symlink_to(CREDIT)
    for table in ("a.csv", "*.csv"):
        with pytest.raises(MiranteError, match="expected an absolute path"):
            scored(config, Scoring(table=f"{tmp_path}/tables/{table}"))


def test_answers_that_are_too_large_want_an_address(config, tmp_path, monkeypatch):
    monkeypatch.setattr(score_order, "MOST_UPLOADS", 0)
    with pytest.raises(MiranteError, match="name an address with `to`"):
        scored(config, Scoring(), CREDIT.read_bytes(), tmp_path)
