"""One row a request: every system in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks import bodies, wrk
from benchmarks.catalog import COMPARED, FASTAPI_COMPILED, OURS, OURS_TWICE, System
from benchmarks.deployment import JSON, approved, prepare, serving
from benchmarks.environments import Unavailable
from benchmarks.process_tree import cpu_seconds, proportional_bytes
from benchmarks.report import Reach, megabytes, milliseconds, ratio, reaches, table
from benchmarks.settings import Settings, port_of

NAME = "one-row"
ROWS = 200


class Figures(NamedTuple):
    """One system in one round. Times in seconds, memory in bytes."""

    cpu: float
    per_second: float
    p50: float
    p99: float
    start: float
    memory: float
    failed: float


Results = dict[System, list[Figures]]

SHOWN: tuple[tuple[str, Callable[[Figures], float], Callable[[float], str]], ...] = (
    ("CPU per request, µs", lambda f: f.cpu, lambda v: f"{v * 1e6:,.0f}"),
    ("requests/s", lambda f: f.per_second, lambda v: f"{v:,.0f}"),
    ("p50, ms", lambda f: f.p50, milliseconds),
    ("p99, ms", lambda f: f.p99, milliseconds),
    ("start to first answer, s", lambda f: f.start, lambda v: f"{v:.2f}"),
    ("proportional memory, MB", lambda f: f.memory, megabytes),
    ("requests that failed", lambda f: f.failed, lambda v: f"{v:,.0f}"),
)


def measure(settings: Settings) -> str:
    """Measure, and return the section's text."""
    chosen = [s for s in COMPARED if not settings.systems or s.name in settings.systems]
    results, missing = measure_all(chosen, settings)
    return render(results, missing, settings)


def measure_all(systems: Sequence[System], settings: Settings) -> tuple[Results, dict[System, str]]:
    """Return the figures of each system in each round, and why some could not be measured."""
    results: Results = {}
    missing: dict[System, str] = {}
    for turn in range(settings.rounds):
        for system in systems:
            if system in missing:
                continue
            try:
                figures = measure_once(system, settings)
            except Unavailable as reason:
                missing[system] = str(reason)
                print(f"{system.title}: {reason}", flush=True)
                continue
            results.setdefault(system, []).append(figures)
            print(f"round {turn + 1}, {system.title}: {told(figures)}", flush=True)
    for system in missing:
        results.pop(system, None)
    return results, missing


def measure_once(system: System, settings: Settings) -> Figures:
    """Start a system, warm it up, load it, read its costs, stop it; raises Unavailable."""
    prepare(system)
    rows = bodies.read_rows()
    sent = [system.body([row]) for row in rows[:ROWS]]
    with serving(system, rows, port=port_of(COMPARED.index(system))) as server:
        if not 0 <= approved(system, server.first_answer) <= 1:
            raise Unavailable("its answer is no probability")
        target = (server.port, system.path, sent, JSON)
        wrk.load(*target, seconds=settings.warm_seconds, connections=settings.connections)
        before = cpu_seconds(server.pid)
        load = wrk.load(*target, seconds=settings.seconds, connections=settings.connections)
        cpu = cpu_seconds(server.pid) - before
        memory = proportional_bytes(server.pid)
    if not load.answered:
        raise Unavailable("answers nothing under load")
    start = server.seconds_to_first_answer
    cost = cpu / load.answered
    return Figures(cost, load.per_second, load.p50, load.p99, start, memory, load.failed)


def told(figures: Figures) -> str:
    """Return the figures in one line."""
    return ", ".join(f"{name} {show(take(figures))}" for name, take, show in SHOWN)


def middle(rounds: Sequence[Figures]) -> Figures:
    """Return the median of each figure; of failures, their sum."""
    failed = sum(figures.failed for figures in rounds)
    medians = Figures(*(median(values) for values in zip(*rounds, strict=True)))
    return medians._replace(failed=failed)


def render(results: Results, missing: dict[System, str], settings: Settings) -> str:
    """Return the section's text: what was measured, the ratios, the goals."""
    middles = {system: middle(rounds) for system, rounds in results.items()}
    ours = middles.get(OURS)
    headings = ("", *(system.title for system in middles))
    rows = [
        (name, *(show(take(figures)) for figures in middles.values())) for name, take, show in SHOWN
    ]
    if ours:
        rows += [_ratios(name, take, ours, middles) for name, take, _ in SHOWN[:-1]]
    absent = [f"- Not measured: {system.title}, which {why}." for system, why in missing.items()]
    parts = [
        "## One row a request",
        _method(settings),
        table(headings, rows),
        "\n".join(absent),
        reaches(goals(middles)) if ours else "",
    ]
    return "\n\n".join(part.strip() for part in parts if part)


def _ratios(
    name: str, take: Callable[[Figures], float], ours: Figures, all_: dict[System, Figures]
) -> tuple[str, ...]:
    shown = (
        ratio(take(ours) / take(figures)) if take(figures) else "" for figures in all_.values()
    )
    return f"Mirante ÷ it: {name.split(',')[0]}", *shown


def _method(settings: Settings) -> str:
    return (
        f"The server on core 0, wrk on core 1, {settings.connections} connections, "
        f"{ROWS} different rows in turn. Each system is started, answers, is warmed up for "
        f"{settings.warm_seconds} s, loaded for {settings.seconds} s and stopped, then the next; "
        f"{settings.rounds} such rounds, of which the table shows the median; failures are summed. "
        "CPU is user and system time of the server's process tree over the answers in that time; "
        "memory is the tree's PSS right after. Files are warm in the page cache."
    )


def goals(middles: dict[System, Figures]) -> list[Reach]:
    """Return the goals for one row a request, with what was measured of them."""
    ours, twice = middles[OURS], middles.get(OURS_TWICE)
    expert = middles.get(FASTAPI_COMPILED)
    slow = [f for s, f in middles.items() if s.sklearn]
    products = [f for s, f in middles.items() if s.product]
    return [
        Reach(
            "CPU per request, of FastAPI over the same ONNX model",
            0.40,
            ours.cpu / expert.cpu if expert else None,
        ),
        Reach(
            "CPU per request, of the cheapest system over scikit-learn",
            0.008,
            ours.cpu / min(f.cpu for f in slow) if slow else None,
        ),
        Reach(
            "start to first answer, of the fastest of MLflow, BentoML and MLServer",
            0.25,
            ours.start / min(f.start for f in products) if products else None,
        ),
        Reach(
            "memory with two workers, of the lightest of those three with one",
            0.7,
            twice.memory / min(f.memory for f in products) if products and twice else None,
        ),
    ]
