"""Tables: read, inferred and encoded beside PyArrow's plain read; rows in CSV over HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks import bodies, wrk
from benchmarks.catalog import COMPARED, OURS
from benchmarks.deployment import prepare, serving
from benchmarks.environments import OWN, ROOT, WORK
from benchmarks.process_tree import cpu_seconds
from benchmarks.report import Reach, megabytes, ratio, reaches, table
from benchmarks.settings import QUICK, Settings, port_of
from benchmarks.table_reading import TARGET

NAME = "tables"
ROWS, QUICK_ROWS, COLUMNS = 1_000_000, 100_000, 30
WIDE_ROWS, WIDE_COLUMNS = 300, 5_000
BODY_ROWS = 100_000
# Rows are written in parts, so that making a table needs little memory.
PART = 10_000


class Reading(NamedTuple):
    """What a way of reading took: CPU seconds, and bytes at the peak."""

    cpu: float
    peak: int


class Sent(NamedTuple):
    """A body of rows in CSV, sent again and again: rows a second, CPU seconds a row, failures."""

    rows_per_second: float
    cpu: float
    failed: int


def measure(settings: Settings) -> str:
    """Measure, and return the section's text."""
    rows = QUICK_ROWS if settings.rounds == QUICK.rounds else ROWS
    WORK.mkdir(exist_ok=True)
    tall = write_table(WORK / "tall.csv", rows, COLUMNS)
    wide = write_table(WORK / "wide.csv", WIDE_ROWS, WIDE_COLUMNS)
    readings: dict[str, list[Reading]] = {"plain": [], "whole": [], "wide": []}
    for turn in range(settings.rounds):
        readings["plain"].append(read("plain", tall))
        readings["whole"].append(read("whole", tall))
        readings["wide"].append(read("whole", wide))
        print(f"round {turn + 1}: {[found[-1] for found in readings.values()]}", flush=True)
    size = tall.stat().st_size
    tall.unlink()
    return render(readings, rows, size, send(settings), settings)


def write_table(path: Path, rows: int, columns: int) -> Path:
    """Write numbers, integers, categories, dates, missing cells, a text and a target."""
    random = np.random.default_rng(0)
    kinds = [_KINDS[index % len(_KINDS)] for index in range(columns - 1)]
    names = [f"{kind.__name__.strip('_')}_{index}" for index, kind in enumerate(kinds)]
    with path.open("w") as file:
        file.write(",".join((*names, TARGET)) + "\n")
        for start in range(0, rows, PART):
            count = min(PART, rows - start)
            parts = [list(kind(random, count)) for kind in (*kinds, _target)]
            file.writelines(",".join(row) + "\n" for row in zip(*parts, strict=True))
    return path


def _number(random: np.random.Generator, count: int) -> Iterator[str]:
    missing = random.random(count) < 0.05
    values = random.normal(100, 20, count).tolist()
    return ("" if gone else f"{v:.4f}" for v, gone in zip(values, missing, strict=True))


def _integer(random: np.random.Generator, count: int) -> Iterator[str]:
    return map(str, random.integers(0, 5000, count).tolist())


def _category(random: np.random.Generator, count: int) -> Iterator[str]:
    return (f"level {value}" for value in random.integers(0, 40, count).tolist())


def _date(random: np.random.Generator, count: int) -> Iterator[str]:
    days = np.datetime64("2020-01-01") + random.integers(0, 2000, count)
    return map(str, days.tolist())


def _text(random: np.random.Generator, count: int) -> Iterator[str]:
    words = np.array(
        ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "runs", "away"]
    )
    return (" ".join(words[chosen]) for chosen in random.integers(0, len(words), (count, 6)))


def _target(random: np.random.Generator, count: int) -> Iterator[str]:
    return (("no", "yes")[value] for value in random.integers(0, 2, count).tolist())


# Of thirty columns one is a text, as in most tables; of a wide one, as many as come.
_KINDS = (*(_number, _integer, _category, _number, _date, _number) * 4, _integer, _text)


def read(way: str, path: Path) -> Reading:
    """Read a table in a process of its own."""
    command = [OWN / "python", "-m", "benchmarks.table_reading", way, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Reading(**json.loads(done.stdout))


def send(settings: Settings) -> Sent:
    """Send a large body of rows in CSV, one request when the answer to the last is there."""
    prepare(OURS)
    rows = bodies.read_rows()
    body = bodies.as_csv(bodies.repeat(rows, BODY_ROWS))
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    with serving(OURS, rows, port=port_of(COMPARED.index(OURS))) as server:
        target = (server.port, OURS.path, [body], headers)
        wrk.load(*target, seconds=settings.warm_seconds, connections=1)
        before = cpu_seconds(server.pid)
        load = wrk.load(*target, seconds=max(5, settings.seconds), connections=1)
        cpu = (cpu_seconds(server.pid) - before) / max(1, load.answered * BODY_ROWS)
    return Sent(load.per_second * BODY_ROWS, cpu, load.failed)


def render(
    readings: dict[str, list[Reading]], rows: int, size: int, sent: Sent, settings: Settings
) -> str:
    """Return the section's text."""
    cpu = {way: median(one.cpu for one in found) for way, found in readings.items()}
    peak = {way: median(one.peak for one in found) for way, found in readings.items()}
    titles = {
        "plain": f"{rows:,} x {COLUMNS}, PyArrow's plain read, every cell as text",
        "whole": f"{rows:,} x {COLUMNS}, read, inferred and encoded",
        "wide": f"{WIDE_ROWS} x {WIDE_COLUMNS:,}, read, inferred and encoded",
    }
    method = (
        f"A file of {megabytes(size)} MB: numbers with missing cells, integers, categories, dates, "
        "a text. Each reading in a process of its own, imports included, in alternation; median "
        f"of {settings.rounds} rounds. The rows over HTTP: {BODY_ROWS:,} of credit in one body of "
        "CSV, answered in CSV, one connection, the server on one core."
    )
    lines = [
        (title, f"{cpu[way]:.2f}", megabytes(peak[way]), ratio(cpu[way] / cpu["plain"]))
        for way, title in titles.items()
    ]
    http = [(f"{sent.rows_per_second:,.0f}", f"{sent.cpu * 1e6:.2f}", str(sent.failed))]
    goals = [
        Reach(
            "CPU of a table read, inferred and encoded, of the plain read",
            3,
            cpu["whole"] / cpu["plain"],
        ),
        Reach("its peak of memory, GB", 1.5, peak["whole"] / 1e9),
        Reach("rows/s in CSV over HTTP", 70_000, sent.rows_per_second, at_most=False),
    ]
    parts = [
        "## Tables",
        method,
        table(("", "CPU, s", "peak, MB", "÷ plain read"), lines),
        table((f"{BODY_ROWS:,} rows in CSV over HTTP: rows/s", "CPU a row, µs", "failed"), http),
        reaches(goals),
    ]
    return "\n\n".join(part.strip() for part in parts)
