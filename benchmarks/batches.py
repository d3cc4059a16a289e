"""Many rows a request, in JSON and CSV, beside scikit-learn's own speed on a ready matrix."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from benchmarks import bodies, wrk
from benchmarks.bodies import Row
from benchmarks.catalog import COMPARED, OURS
from benchmarks.deployment import prepare, request_of, serving
from benchmarks.environments import OWN, ROOT
from benchmarks.process_tree import cpu_seconds, forget_peak, peak_bytes, resident_bytes, tree
from benchmarks.report import Reach, megabytes, milliseconds, ratio, reaches, table
from benchmarks.server import SERVER_CORES, Request, Server, ask
from benchmarks.settings import Settings, port_of

NAME = "batches"
SIZES = (100, 10_000)

# Before a large request's memory is measured, so that only its own is.
ONE_ROW_FIRST = 200


class Format(NamedTuple):
    """A media type, and how rows are written in it."""

    title: str
    media_type: str
    body: Callable[[list[Row]], bytes]

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers; the answer is wanted in the same media type."""
        return {"Content-Type": self.media_type, "Accept": self.media_type}


FORMATS = (
    Format("JSON", "application/json", bodies.as_json),
    Format("CSV", "text/csv", bodies.as_csv),
)


class Batch(NamedTuple):
    """Requests of one size and format, one after the other: rows a second, CPU seconds a row."""

    size: int
    format: Format
    rows_per_second: float
    cpu: float
    p50: float
    failed: int


class Memory(NamedTuple):
    """What one large request needed, in bytes: body, answer, and memory at the peak over rest."""

    body: int
    answer: int
    more: int


def measure(settings: Settings) -> str:
    """Measure, and return the section's text."""
    prepare(OURS)
    speeds: list[dict[int, float]] = []
    batches: list[Batch] = []
    for turn in range(settings.rounds):
        speeds.append(reference())
        print(f"round {turn + 1}, scikit-learn, rows/s: {speeds[-1]}", flush=True)
        batches += measure_round(settings)
    return render(speeds, batches, measure_memory(), settings)


def reference() -> dict[int, float]:
    """Return scikit-learn's rows a second by size of the matrix, on the server's core."""
    command = ["taskset", "-c", SERVER_CORES, OWN / "python", "-m", "benchmarks.sklearn_speed"]
    sizes = [str(size) for size in SIZES]
    done = subprocess.run([*command, *sizes], cwd=ROOT, capture_output=True, text=True, check=True)
    return {int(size): speed for size, speed in json.loads(done.stdout).items()}


def measure_round(settings: Settings) -> list[Batch]:
    """Return one round: every size in every format."""
    rows = bodies.read_rows()
    with serving(OURS, rows, port=port_of(COMPARED.index(OURS))) as server:
        return [_load(server, rows, size, kind, settings) for size in SIZES for kind in FORMATS]


def _load(server: Server, rows: list[Row], size: int, kind: Format, settings: Settings) -> Batch:
    body = kind.body(bodies.repeat(rows, size))
    target = (server.port, OURS.path, [body], kind.headers)
    wrk.load(*target, seconds=settings.warm_seconds, connections=1)
    before = cpu_seconds(server.pid)
    load = wrk.load(*target, seconds=settings.seconds, connections=1)
    cpu = (cpu_seconds(server.pid) - before) / max(1, load.answered * size)
    found = Batch(size, kind, load.per_second * size, cpu, load.p50, load.failed)
    print(f"{size} rows in {kind.title}: {found.rows_per_second:,.0f} rows/s", flush=True)
    return found


def measure_memory() -> dict[Format, Memory]:
    """Return what the first request of the largest size needs of a fresh server, in each format."""
    rows = bodies.read_rows()
    found = {}
    for kind in FORMATS:
        with serving(OURS, rows, port=port_of(COMPARED.index(OURS))) as server:
            found[kind] = _memory(server, kind, bodies.repeat(rows, SIZES[-1]))
    return found


def _memory(server: Server, kind: Format, rows: list[Row]) -> Memory:
    request = Request(OURS.path, kind.body(rows), kind.headers)
    for _ in range(ONE_ROW_FIRST):
        ask(server.port, request_of(OURS, rows[:1]))
    members = tree(server.pid)
    before = {pid: resident_bytes(pid) for pid in members}
    for pid in members:
        forget_peak(pid)
    _, answer = ask(server.port, request)
    more = max(peak_bytes(pid) - before[pid] for pid in members)
    return Memory(len(request.body), len(answer), more)


def render(
    speeds: list[dict[int, float]],
    batches: list[Batch],
    memory: dict[Format, Memory],
    settings: Settings,
) -> str:
    """Return the section's text."""
    own = {size: median(speed[size] for speed in speeds) for size in SIZES}
    method = (
        f"One connection, the next request when the answer is there, {settings.seconds} s each, "
        f"median of {settings.rounds} rounds; the server on core 0. Answers in the same format. "
        "scikit-learn: the very estimator's `predict_proba` on a ready float32 matrix of as many "
        "rows, on the same core, in alternation."
    )
    headings = ("", "rows/s", "CPU a row, µs", "p50, ms", "failed", "÷ scikit-learn")
    rows = [_row(size, kind, batches, own) for size in SIZES for kind in FORMATS]
    rows += [(f"scikit-learn, {n:,} rows", f"{own[n]:,.0f}", "", "", "", "1") for n in SIZES]
    json_share = _median(batches, SIZES[-1], FORMATS[0]).rows_per_second / own[SIZES[-1]]
    goal = Reach("10,000 rows in JSON, of scikit-learn's rows/s", 0.5, json_share, at_most=False)
    parts = ["## Many rows a request", method, table(headings, rows), _memory_table(memory)]
    return "\n\n".join(part.strip() for part in (*parts, reaches([goal])))


def _row(size: int, kind: Format, batches: list[Batch], own: dict[int, float]) -> tuple[str, ...]:
    found = _median(batches, size, kind)
    return (
        f"{size:,} rows, {kind.title}",
        f"{found.rows_per_second:,.0f}",
        f"{found.cpu * 1e6:.2f}",
        milliseconds(found.p50),
        str(found.failed),
        ratio(found.rows_per_second / own[size]),
    )


def _median(batches: list[Batch], size: int, kind: Format) -> Batch:
    same = [b for b in batches if (b.size, b.format) == (size, kind)]
    speed = median(b.rows_per_second for b in same)
    cpu, p50 = median(b.cpu for b in same), median(b.p50 for b in same)
    return Batch(size, kind, speed, cpu, p50, sum(b.failed for b in same))


def _memory_table(memory: dict[Format, Memory]) -> str:
    headings = (
        "one request of 10,000 rows",
        "body, MB",
        "answer, MB",
        "peak over rest, MB",
        "÷ body",
    )
    rows = [
        (k.title, megabytes(m.body), megabytes(m.answer), megabytes(m.more), ratio(m.more / m.body))
        for k, m in memory.items()
    ]
    return table(headings, rows)
