"""score_table.py: the command, its processes, and what is there when it is stopped or killed."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv, ipc

import build_model
from tests.conftest import ROOT, require
from tests.servers import wait_until

CREDIT = ROOT / "data" / "credit.csv"
ANSWERS = ["prediction", "probability", "probability_false", "probability_true"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("store")
    settings = {"MODEL_STORE": str(folder / "models"), "KEY_FOLDER": str(folder / "keys")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        assert build_model.main(["--set", "n_estimators=5"]) == 0
    return settings


def run(store: dict[str, str], *words: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "score_table.py"), *map(str, words)]
    settings = {**os.environ, **store}
    return subprocess.run(
        command, env=settings, capture_output=True, text=True, timeout=180, **options
    )


@pytest.fixture(scope="module")
def scored(store, tmp_path_factory) -> pa.Table:
    out = tmp_path_factory.mktemp("scored") / "out.parquet"
    done = run(store, CREDIT, out)
    assert done.returncode == 0, done.stderr
    assert "4,454 rows in" in done.stderr
    assert [path.name for path in out.parent.iterdir()] == ["out.parquet"]
    return pq.read_table(out)


def test_a_table_keeps_its_rows_and_columns_in_order(scored):
    own = csv.read_csv(CREDIT)
    assert scored.column_names == [*own.column_names, *ANSWERS]
    assert scored.num_rows == own.num_rows
    assert scored.column("price").to_pylist() == [str(p) for p in own.column("price").to_pylist()]
    about = json.loads(scored.schema.metadata[b"mirante"])
    assert about["model"] == "credit"
    assert len(about["sha256"]) == 64


def test_every_kind_of_file_gives_the_same_answers(store, scored, tmp_path):
    data = CREDIT.read_bytes()
    typed = csv.read_csv(CREDIT)
    pq.write_table(typed, tmp_path / "in.parquet")
    with ipc.new_stream(tmp_path / "in.arrow", typed.schema) as writer:
        writer.write_table(typed, max_chunksize=1000)
    rows = typed.to_pylist()
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(data, mtime=0))
    (tmp_path / "in.csv.zst").write_bytes(pa.Codec("zstd").compress(data, asbytes=True))
    (tmp_path / "in.csv").write_bytes(data.replace(b",", b";"))
    for name in ("in.parquet", "in.arrow", "in.jsonl", "in.csv.gz", "in.csv.zst", "in.csv"):
        out = tmp_path / f"{name}.out.arrow"
        done = run(store, tmp_path / name, out, "--quiet")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        found = ipc.open_file(out).read_all()
        for column in ANSWERS:
            assert found.column(column).combine_chunks() == scored.column(column).combine_chunks()


@pytest.mark.parametrize("ending", [".csv.gz", ".csv.zst", ".ndjson"])
def test_text_is_written_with_a_file_that_names_the_version(store, scored, tmp_path, ending):
    out = tmp_path / f"out{ending}"
    done = run(store, CREDIT, out)
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / f"out{ending}.model.json").read_bytes())
    assert (about["rows"], about["rejected"]) == (4454, 0)
    data = out.read_bytes()
    if ending.endswith(".gz"):
        data = gzip.decompress(data)
    if ending.endswith(".zst"):
        data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    if ".csv" in ending:
        assert data.startswith(b"seniority,home,time,")
        found = csv.read_csv(io.BytesIO(data)).column("probability").to_pylist()
    else:
        found = [json.loads(line)["probability"] for line in data.splitlines()]
    assert found == scored.column("probability").to_pylist()


def test_bad_rows_are_told_beside_the_answers(store, tmp_path):
    lines = CREDIT.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace("58", "fifty", 1)
    lines[5] = "1,2\n"
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("".join(lines[:100]))
    done = run(store, table, out)
    assert done.returncode == 0, done.stderr
    assert "2 rows do not fit the signature" in done.stderr
    assert out.read_text().count("\n") == 98
    assert (tmp_path / "out.csv.rejected").read_text().splitlines() == [
        "row,field,reason",
        '2,"age","expected integer, got string"',
        '5,,"expected 14 cells, got 2 cells"',
    ]
    strict = run(store, table, out, "--strict", "--overwrite")
    assert strict.returncode == 1
    assert strict.stderr == "score_table: row 2, age: expected integer, got string\n"
    table.write_text("".join(lines[:4]))
    assert "1 row does not fit the signature" in run(store, table, out, "--overwrite").stderr


def test_several_tables_are_one(store, tmp_path):
    lines = CREDIT.read_text().splitlines(keepends=True)
    (tmp_path / "b.csv").write_text("".join([lines[0], *lines[11:21]]))
    (tmp_path / "a.csv").write_text("".join([lines[0], *lines[1:11]]))
    (tmp_path / "c.csv").write_text("".join([lines[0], lines[1].replace("60", "x")]))
    out = tmp_path / "out.jsonl"
    done = run(store, tmp_path / "[abc].csv", out)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["price"] for row in rows] == [line.split(",")[12] for line in lines[1:21]]
    assert (tmp_path / "out.jsonl.rejected").read_text().splitlines()[1].startswith('"/')


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such.csv", "out.csv"], "there is no table no-such.csv"),
        ([CREDIT, "out.xlsx"], "the answers' file ends in one of .csv"),
        ([CREDIT, "out.csv", "--version", "v9"], "the model has no such version"),
        ([CREDIT, "out.csv", "--model", "nobody"], "no model of that name has a champion"),
        ([CREDIT, "out.csv", "--interval", "0.9"], "interval: expected a model of a quantity"),
        ([CREDIT, CREDIT, "out.csv"], "a table is given twice"),
        ([ROOT / "data" / "tweets.csv", "out.csv"], "the table has no column"),
    ],
)
def test_what_cannot_be_is_one_line(store, tmp_path, words, said):
    done = run(store, *words, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_answers_that_are_there_are_not_overwritten_unasked(store, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("mine")
    done = run(store, CREDIT, out)
    assert done.returncode == 1
    assert "--overwrite replaces it" in done.stderr
    assert out.read_text() == "mine"
    assert run(store, CREDIT, out, "--overwrite").returncode == 0
    assert out.stat().st_size > 100_000


@pytest.fixture
def long_table(tmp_path) -> Path:
    lines = CREDIT.read_bytes().splitlines(keepends=True)
    table = tmp_path / "long.csv"
    table.write_bytes(lines[0] + b"".join(lines[1:]) * 100)
    return table


def started(store, *words) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "score_table.py"), *map(str, words)]
    settings = {**os.environ, **store}
    return subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, text=True)


def parts_done(out: Path) -> int:
    return len(list(out.with_name(f"{out.name}.parts").glob("*.done")))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_was_killed_is_gone_on_with_to_the_same_file(store, tmp_path, long_table, number):
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    assert run(store, long_table, whole, "--processes", 2).returncode == 0
    process = started(store, long_table, out, "--processes", 1)
    wait_until(lambda: parts_done(out) > 1 or process.poll() is not None, "two parts")
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode in (-9, 130), told
    assert not out.exists()
    kept = parts_done(out)
    assert kept > 1
    again = run(store, long_table, out)
    assert again.returncode == 1
    assert "--resume goes on with it" in again.stderr
    assert run(store, long_table, out, "--prefix", "x", "--resume").returncode == 1
    done = run(store, long_table, out, "--processes", 2, "--resume")
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == whole.read_bytes()
    assert not out.with_name("out.csv.parts").exists()
    assert not list(tmp_path.glob("*.partial*"))


def test_a_worker_that_is_killed_is_told(store, tmp_path, long_table):
    out = tmp_path / "out.parquet"
    process = started(store, long_table, out, "--processes", 2)
    wait_until(lambda: parts_done(out) > 0 or process.poll() is not None, "a part")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    require(children.exists(), "a list of children", "a kernel with CONFIG_PROC_CHILDREN")
    for child in children.read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "ended from outside" in told
    assert not out.exists()


def test_a_full_disk_is_one_line(store, long_table):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = run(store, long_table, "/dev/full/out.csv")
    assert done.returncode == 1
    assert done.stderr.startswith("score_table: ")
    assert done.stderr.count("\n") == 1


def test_workers_end_with_a_parent_that_is_killed(store, tmp_path, long_table):
    out = tmp_path / "out.csv"
    process = started(store, long_table, out, "--processes", 2)
    wait_until(lambda: parts_done(out) > 0 or process.poll() is not None, "a part")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate(timeout=60)
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), "their end")
