"""Tables of any size: score_table.py beside MLflow's pyfunc and scikit-learn, and its memory.

    python -m benchmarks.scoring --write

trains the credit model where there is none. Speeds are rows a second of CPU time, of all processes
together, so that other work on the machine counts as little as it can.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv, ipc

from benchmarks import process_tree
from benchmarks.catalog import MODELS
from benchmarks.environments import ROOT, SYSTEMS, WORK, Unavailable, programs
from benchmarks.export import champion
from benchmarks.machine import describe
from benchmarks.report import Reach, megabytes, reaches, table, write_section

CREDIT = ROOT / "data" / "credit.csv"
BLOCK = 250_000
# Rows that the slower ones are measured with, and those of a body.
FEWER, BODY = 131_072, 100_000
LOOK = 0.25
BARS = " ▁▂▃▄▅▆▇█"
PLOT_WIDTH = 60
MEGABYTE = 1_000_000
SMALLER, LARGER = "score_table.py", "score_table.py, the larger"


class Run(NamedTuple):
    """One scoring: rows, CPU and wall seconds, and the tree's memory (PSS) at each look."""

    rows: int
    cpu: float
    wall: float
    memory: list[int]

    @property
    def speed(self) -> float:
        """Rows a second of CPU."""
        return self.rows / self.cpu


def make_table(path: Path, rows: int, seed: int = 0) -> Path:
    """Write rows drawn from the credit table, each number off by a tenth or so."""
    if path.exists() and pq.ParquetFile(path).metadata.num_rows == rows:
        return path
    source, generator = csv.read_csv(CREDIT), np.random.default_rng(seed)
    with pq.ParquetWriter(path, source.schema) as writer:
        for start in range(0, rows, BLOCK):
            drawn = generator.integers(0, source.num_rows, min(BLOCK, rows - start))
            writer.write_table(_varied(source.take(pa.array(drawn)), generator))
    return path


def _varied(rows: pa.Table, generator: np.random.Generator) -> pa.Table:
    columns = {}
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if pa.types.is_integer(column.type):
            values = column.to_numpy(zero_copy_only=False).astype(float)
            values = np.round(values * (1 + generator.normal(0, 0.1, len(values))))
            missing = np.isnan(values)
            column = pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
        columns[name] = column
    return pa.table(columns, schema=rows.schema)


def score(path: Path, rows: int) -> Run:
    """Run the command over a file, and look at its memory while it runs."""
    out = WORK / "scored.parquet"
    words = [sys.executable, str(ROOT / "score_table.py"), str(path), str(out)]
    began, memory = time.monotonic(), []
    process = subprocess.Popen([*words, "--overwrite", "--quiet"], env=_store())
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        memory.append(process_tree.proportional_bytes(process.pid))
        time.sleep(LOOK)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode or pq.ParquetFile(out).metadata.num_rows != rows:
        raise SystemExit("scoring: score_table.py failed")
    return Run(rows, ended[2].ru_utime + ended[2].ru_stime, time.monotonic() - began, memory)


def _store() -> dict[str, str]:
    return {**os.environ, "MODEL_STORE": str(MODELS)}


def train() -> None:
    """Train the credit model of the benchmarks' own store, if there is none."""
    command = [sys.executable, str(ROOT / "build_model.py"), "--if-missing"]
    subprocess.run(command, env=_store(), check=True, stdout=subprocess.DEVNULL)


def mlflow(path: Path) -> Run:
    """Score the first rows by MLflow's pyfunc, in its own environment. Raises Unavailable."""
    python = programs("mlflow") / "python"
    if not (WORK / "credit_model").exists():
        forest = [str(python), str(SYSTEMS / "credit_forest.py"), str(CREDIT), "mlflow"]
        subprocess.run(forest, cwd=WORK, check=True, capture_output=True)
    words = [str(python), str(SYSTEMS / "mlflow_pyfunc.py"), str(path), str(FEWER)]
    done = subprocess.run(words, cwd=WORK, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Run(found["rows"], found["cpu"], 0.0, [])


def scikit_learn(path: Path) -> Run:
    """Predict the first rows by scikit-learn: the matrix is ready, encoding does not count."""
    from learning.runtimes.sklearn import SklearnRuntime, load_estimator
    from tables.arrow_rows import ArrowEncoder

    model = champion()
    rows = pa.Table.from_batches([next(pq.ParquetFile(path).iter_batches(FEWER))])
    batch = ArrowEncoder(model.codec).encode(rows).batch
    runtime = SklearnRuntime(load_estimator(model.artifact.members))
    began = time.process_time()
    runtime.outputs(batch)
    return Run(len(batch.matrix), time.process_time() - began, 0.0, [])


def arrow_body(path: Path) -> Run:
    """Answer a request of Arrow in Arrow, in process: what a worker does from bytes to bytes."""
    from serving.champions import load_live
    from serving.media import ARROW
    from tests.serving.factory import ask, make_service

    service = make_service(
        load_live(champion().artifact), max_body_bytes=64 * MEGABYTE, max_rows=BODY
    )
    rows = pa.Table.from_batches([next(pq.ParquetFile(path).iter_batches(BODY))])
    sink = io.BytesIO()
    with ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        answer = ask(service, "/v0/predict", sink.getvalue(), content_type=ARROW, accept=ARROW)
        best = min(best, time.process_time() - began)
        if answer.status != 200:
            raise SystemExit("scoring: the Arrow body was refused")
    return Run(rows.num_rows, best, 0.0, [])


def plot(memory: list[int], most: int) -> str:
    """Return memory over time as one line of bars, the highest of so many bytes."""
    step = max(1, len(memory) / PLOT_WIDTH)
    looks = [memory[int(i * step)] for i in range(min(PLOT_WIDTH, len(memory)))]
    return "".join(BARS[min(len(BARS) - 1, look * (len(BARS) - 1) // most)] for look in looks)


def report(runs: dict[str, Run | None]) -> str:
    """Return the section of RESULTS.md."""
    small, large = runs[SMALLER], runs[LARGER]
    assert small is not None
    lines: list[tuple[str, ...]] = []
    for name, each in runs.items():
        if each is None:
            lines.append((name, "not measured", "", "", ""))
            continue
        peak = megabytes(max(each.memory)) if each.memory else ""
        wall = f"{each.wall:,.0f}" if each.wall else ""
        times = f"{small.speed / each.speed:,.1f}"
        shown = f"{name}, {each.rows:,} rows"
        lines.append((shown, f"{each.speed:,.0f}", f"{1e6 / each.speed:,.1f}", wall, peak, times))
    head = ("", "rows/s of CPU", "CPU a row, µs", "wall, s", "peak, MB", "score_table.py ÷ it")
    said = table(head, [(*line, *("",) * (6 - len(line))) for line in lines])
    said += "\n" + reaches(_goals(runs)) + "\n"
    if large is not None:
        most = max(max(small.memory), max(large.memory))
        said += f"Memory of all processes over time, of at most {megabytes(most)} MB:\n\n```\n"
        for run in (small, large):
            said += f"{run.rows:>10,} rows, {run.wall:>6,.0f} s  {plot(run.memory, most)}\n"
        said += "```\n\n"
    return said


def _goals(runs: dict[str, Run | None]) -> list[Reach]:
    small, large = runs[SMALLER], runs[LARGER]
    assert small is not None

    def times(name: str) -> float | None:
        other = runs[name]
        return None if other is None else small.speed / other.speed

    body = runs["a body of Arrow"]
    peaks = [max(run.memory) / MEGABYTE for run in (small, large) if run is not None]
    grown = None if large is None else peaks[1] / peaks[0]
    times_as_many = 0 if large is None else large.rows / small.rows
    return [
        Reach("rows/s a core, Parquet to Parquet", 150_000, small.speed, at_most=False),
        Reach("memory of all processes, MB", 500, max(peaks)),
        Reach(f"memory of {times_as_many:.0f} times the rows, of that of fewer", 1.1, grown),
        Reach("speed, of MLflow's pyfunc", 10, times("MLflow's pyfunc"), at_most=False),
        Reach(
            "speed, of scikit-learn's on a ready matrix", 1, times("scikit-learn"), at_most=False
        ),
        Reach("rows/s a core of an Arrow body", 500_000, body and body.speed, at_most=False),
    ]


def main() -> None:
    """Run all of it, print the section, and with --write put it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=10, help="how much larger the larger is")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    train()
    small = make_table(WORK / "credit.parquet", options.rows)
    large = make_table(WORK / "credit-large.parquet", options.times * options.rows, 1)
    first = score(small, options.rows)
    print(first._replace(memory=[]), flush=True)
    runs: dict[str, Run | None] = {SMALLER: first}
    runs[LARGER] = score(large, options.times * options.rows)
    for name, measure in (
        ("MLflow's pyfunc", mlflow),
        ("scikit-learn", scikit_learn),
        ("a body of Arrow", arrow_body),
    ):
        try:
            runs[name] = measure(small)
        except (Unavailable, subprocess.CalledProcessError) as reason:
            print(f"{name}: {reason}", file=sys.stderr)
            runs[name] = None
    sizes = ("--rows", str(options.rows), "--times", str(options.times))
    command = ("python", "-m", "benchmarks.scoring", *sizes, "--write")
    text = f"## Tables of any size\n\n{report(runs)}{describe(command, (None, 'mlflow'))}\n"
    print(text)
    if options.write:
        write_section("scoring", text)


if __name__ == "__main__":
    main()
