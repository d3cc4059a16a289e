"""Latency at one offered load: 70 % of what FastAPI over the same ONNX model can do."""

from __future__ import annotations

from statistics import median

from benchmarks import bodies, wrk
from benchmarks.catalog import COMPARED, FASTAPI_COMPILED, FASTAPI_ONNX, OURS, System
from benchmarks.deployment import JSON, prepare, request_of, serving
from benchmarks.offered_load import Offered, at, offer
from benchmarks.report import Reach, milliseconds, reaches, table
from benchmarks.settings import Settings, port_of

NAME = "same-load"
SYSTEMS = (OURS, FASTAPI_COMPILED, FASTAPI_ONNX)
SHARE = 0.7
ROWS = 200
CONNECTIONS = 64


def measure(settings: Settings) -> str:
    """Measure, and return the section's text."""
    for system in SYSTEMS:
        prepare(system)
    most = {s: most_per_second(s, settings) for s in (FASTAPI_COMPILED, FASTAPI_ONNX)}
    rate = SHARE * max(most.values())
    rounds: dict[System, list[Offered]] = {system: [] for system in SYSTEMS}
    for turn in range(settings.rounds):
        for system in SYSTEMS:
            seen = offered_to(system, rate, settings, seed=turn)
            rounds[system].append(seen)
            print(f"round {turn + 1}, {system.title}: {', '.join(_shown([seen]))}", flush=True)
    return render(rounds, most, rate, settings)


def most_per_second(system: System, settings: Settings) -> float:
    """Return the requests a second that wrk gets out of a system, at most."""
    rows = bodies.read_rows()[:ROWS]
    with serving(system, rows, port=port_of(COMPARED.index(system))) as server:
        target = (server.port, system.path, [system.body([row]) for row in rows], JSON)
        wrk.load(*target, seconds=settings.warm_seconds, connections=settings.connections)
        load = wrk.load(*target, seconds=settings.seconds, connections=settings.connections)
    print(f"{system.title}: at most {load.per_second:,.0f} requests/s", flush=True)
    return load.per_second


def offered_to(system: System, rate: float, settings: Settings, seed: int) -> Offered:
    """Return what a system, warmed up, made of the offered load."""
    rows = bodies.read_rows()[:ROWS]
    requests = [request_of(system, [row]) for row in rows]
    with serving(system, rows, port=port_of(COMPARED.index(system))) as server:
        given = {"rate": rate, "connections": CONNECTIONS}
        offer(server.port, requests, seconds=settings.warm_seconds, seed=seed + 1000, **given)
        return offer(server.port, requests, seconds=settings.seconds, seed=seed, **given)


def render(
    rounds: dict[System, list[Offered]],
    most: dict[System, float],
    rate: float,
    settings: Settings,
) -> str:
    """Return the section's text."""
    told = ", ".join(f"{s.title} {value:,.0f}/s" for s, value in most.items())
    method = (
        f"At most, by wrk: {told}; offered to each here: {rate:,.0f} requests/s, {SHARE:.0%} of "
        f"the larger, for {settings.seconds} s in each of {settings.rounds} alternating rounds; "
        f"independent arrivals, {CONNECTIONS} connections, by `benchmarks/offered_load.py` on "
        "core 1. Latency counts from when a request was due. The table shows the median of the "
        "rounds; `sent late` is how far behind its own schedule the generator was."
    )
    headings = ("", "p50, ms", "p99, ms", "p99.9, ms", "failed", "sent late, p99, ms")
    rows = [(system.title, *_shown(seen)) for system, seen in rounds.items()]
    fastest = min(p99(rounds[s]) for s in SYSTEMS[1:])
    goal = Reach("p99, of FastAPI's (the better of the two)", 1.0, p99(rounds[OURS]) / fastest)
    heading = "## Latency at the same offered load"
    return "\n\n".join([heading, method, table(headings, rows).strip(), reaches([goal])])


def p99(rounds: list[Offered]) -> float:
    """Return the median of the rounds' 99th percentiles, in seconds."""
    return median(seen.percentile(0.99) for seen in rounds)


def _shown(rounds: list[Offered]) -> tuple[str, ...]:
    shares = (0.5, 0.99, 0.999)
    latencies = [median(seen.percentile(share) for seen in rounds) for share in shares]
    late = median(at(seen.late, 0.99) for seen in rounds)
    failed = str(sum(seen.failed for seen in rounds))
    return (*map(milliseconds, latencies), failed, milliseconds(late))
