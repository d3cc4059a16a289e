"""Two workers against one."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from benchmarks import bodies, wrk
from benchmarks.catalog import COMPARED, OURS, OURS_TWICE, System
from benchmarks.deployment import JSON, prepare, serving
from benchmarks.process_tree import cpu_seconds, proportional_bytes
from benchmarks.report import megabytes, milliseconds, table
from benchmarks.settings import Settings, port_of

NAME = "two-workers"
ROWS = 200
BOTH = "0,1"


class Setup(NamedTuple):
    """How many workers, on which cores."""

    system: System
    cores: str

    @property
    def title(self) -> str:
        """The first cell of its row."""
        workers = "two workers" if self.system is OURS_TWICE else "one worker"
        return f"{workers}, {'core' if self.cores == '0' else 'cores'} {self.cores}"


SETUPS = (Setup(OURS, "0"), Setup(OURS, BOTH), Setup(OURS_TWICE, "0"), Setup(OURS_TWICE, BOTH))


class Figures(NamedTuple):
    """One setup in one round."""

    per_second: float
    cpu: float
    p99: float
    memory: float


def measure(settings: Settings) -> str:
    """Measure, and return the section's text."""
    for system in (OURS, OURS_TWICE):
        prepare(system)
    found: dict[Setup, list[Figures]] = {setup: [] for setup in SETUPS}
    for turn in range(settings.rounds):
        for setup in SETUPS:
            found[setup].append(measure_once(setup, settings))
            shown = ", ".join(_shown(found[setup][-1:]))
            print(f"round {turn + 1}, {setup.title}: {shown}", flush=True)
    return render(found, settings)


def measure_once(setup: Setup, settings: Settings) -> Figures:
    """Return one setup's figures."""
    rows = bodies.read_rows()[:ROWS]
    system = setup.system
    with serving(system, rows, port=port_of(COMPARED.index(system)), cores=setup.cores) as server:
        target = (server.port, system.path, [system.body([row]) for row in rows], JSON)
        wrk.load(*target, seconds=settings.warm_seconds, connections=settings.connections)
        before = cpu_seconds(server.pid)
        load = wrk.load(*target, seconds=settings.seconds, connections=settings.connections)
        cpu = (cpu_seconds(server.pid) - before) / max(1, load.answered)
        return Figures(load.per_second, cpu, load.p99, proportional_bytes(server.pid))


def render(found: dict[Setup, list[Figures]], settings: Settings) -> str:
    """Return the section's text."""
    method = (
        "The machine has two cores and wrk keeps one of them busy, so with two workers on both "
        "cores one of them shares its core with wrk: the gain shown is a lower bound. "
        f"{settings.seconds} s each, median of {settings.rounds} alternating rounds."
    )
    headings = ("", "requests/s", "CPU per request, µs", "p99, ms", "proportional memory, MB")
    rows = [(setup.title, *_shown(figures)) for setup, figures in found.items()]
    return "\n\n".join(["## Two workers against one", method, table(headings, rows)])


def _shown(rounds: list[Figures]) -> tuple[str, ...]:
    each = Figures(*(median(values) for values in zip(*rounds, strict=True)))
    return (
        f"{each.per_second:,.0f}",
        f"{each.cpu * 1e6:,.0f}",
        milliseconds(each.p99),
        megabytes(each.memory),
    )
