"""gRPC against REST: the iris model in both processes, one row a request and a hundred."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import NamedTuple

from benchmarks import bodies, wrk
from benchmarks.bodies import Row
from benchmarks.catalog import COMPARED, OURS, System
from benchmarks.deployment import JSON, build_own, serving
from benchmarks.environments import ROOT, WORK, Unavailable
from benchmarks.process_tree import cpu_seconds
from benchmarks.report import milliseconds, ratio, table
from benchmarks.server import Server, ask
from benchmarks.settings import Settings, port_of
from benchmarks.wrk import Load
from persistence.model_persistence import read_model
from persistence.opening import open_registry
from recipes import find_recipe
from tables.schema import Schema

NAME = "grpc"
MODEL = "iris"
STORE = WORK / "grpc" / "models"
SIZES = (1, 100)
# Different requests, sent in turn.
REQUESTS = 150

REST = replace(
    OURS,
    name="grpc-rest",
    environ={**OURS.environ, "MODEL_STORE": str(STORE)},
)
GRPC = replace(
    OURS,
    name="grpc-process",
    serve=("python", str(ROOT / "grpc_process.py")),
    environ={"MODEL_STORE": str(STORE), "HOST": "127.0.0.1", "GRPC_PORT": "{port}"},
)
PORTS = {REST: port_of(len(COMPARED)), GRPC: port_of(len(COMPARED) + 1)}


class Way(NamedTuple):
    """A call or a route, and how rows are written for it; how many rows it is asked about."""

    title: str
    system: System
    path: str
    body: Callable[[list[Row]], bytes]
    sizes: tuple[int, ...] = SIZES


class Case(NamedTuple):
    """A way with so many rows a request."""

    way: Way
    size: int

    @property
    def title(self) -> str:
        """The first cell of its row."""
        return f"{self.way.title}, {self.size} row{'s' if self.size > 1 else ''}"


class Figures(NamedTuple):
    """One case in one round. Times in seconds; `client` is how busy the client's core was."""

    cpu: float
    per_second: float
    p50: float
    p99: float
    failed: float
    client: float


Results = dict[Case, list[Figures]]


def as_tensor(rows: list[Row]) -> bytes:
    """The numbers of the rows as one JSON tensor [n, d]."""
    values = [value for row in rows for value in row.values()]
    shape = [len(rows), len(rows[0])]
    tensor = {"name": "rows", "shape": shape, "datatype": "FP64", "data": values}
    return json.dumps({"inputs": [tensor]}).encode()


def as_v0(rows: list[Row]) -> bytes:
    """The rows as JSON: one as an object, more as a list."""
    return bodies.as_json(rows) if len(rows) > 1 else bodies.as_object(rows)


WAYS_OF_REST = (
    Way("REST, Open Inference", REST, f"/v2/models/{MODEL}/infer", as_tensor),
    Way("REST, v0", REST, f"/v0/models/{MODEL}/predict", as_v0),
)


def measure(settings: Settings) -> str:
    """Measure, and return the section's text; raises Unavailable without gRPC."""
    if not all(map(find_spec, ("grpc", "grpc_health", "grpc_reflection"))):
        raise Unavailable("has no gRPC here; to install it: pip install -r requirements-grpc.txt")
    found: Results = {case: [] for case in cases((*ways_of_grpc(prepare_model()), *WAYS_OF_REST))}
    for turn in range(settings.rounds):
        for system in (GRPC, REST):
            measure_system([case for case in found if case.way.system is system], found, settings)
            print(f"round {turn + 1} of {settings.rounds}, {system.name}: done", flush=True)
    return render(found, settings)


def prepare_model() -> Schema:
    """Train the iris model, unless it is there, and return its signature."""
    for system in (REST, GRPC):
        (WORK / system.name).mkdir(parents=True, exist_ok=True)
    if not STORE.exists():
        STORE.parent.mkdir(parents=True, exist_ok=True)
        build_own(STORE, "--recipe", MODEL)
    return read_model(MODEL, open_registry(str(STORE))).schema


def ways_of_grpc(schema: Schema) -> tuple[Way, ...]:
    """Return the ways to ask the gRPC process."""
    from benchmarks.grpc_calls import INFER, infer, typed, typed_path

    return (
        Way("gRPC, ModelInfer, raw tensor", GRPC, INFER, lambda r: infer(MODEL, r, raw=True)),
        Way("gRPC, ModelInfer, values", GRPC, INFER, lambda r: infer(MODEL, r, raw=False)),
        Way(
            "gRPC, typed service",
            GRPC,
            typed_path(MODEL, schema),
            typed(MODEL, schema),
            sizes=(1,),
        ),
    )


def cases(ways: Sequence[Way]) -> list[Case]:
    """Return every way with every number of rows it takes, the small ones first."""
    return [Case(way, size) for size in SIZES for way in ways if size in way.sizes]


def flowers() -> list[Row]:
    """Return the rows of the recipe's own table, without the label."""
    recipe = find_recipe(MODEL)
    columns = {n: v for n, v in recipe.load().columns.items() if n != recipe.target}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def measure_system(asked: Sequence[Case], found: Results, settings: Settings) -> None:
    """Start the system of the cases, put it under the load of each in turn, and stop it."""
    with running_for(asked) as server:
        for case in asked:
            found[case].append(measure_case(server, case, settings))
            print(f"{case.title}: {', '.join(_shown(found[case][-1]))}", flush=True)


@contextmanager
def running_for(asked: Sequence[Case]) -> Iterator[Server]:
    """Run the system of the cases until the block ends; the first of them is what it answers."""
    way = asked[0].way
    asking = ask
    if way.system is GRPC:
        from benchmarks.grpc_calls import ask as asking
    system = replace(way.system, path=way.path, body=way.body)
    with serving(system, flowers(), port=PORTS[way.system], asking=asking) as server:
        yield server


def measure_case(server: Server, case: Case, settings: Settings) -> Figures:
    """Warm a case up, load it, and return its figures; raises Unavailable without an answer."""
    _load(server, case, settings.warm_seconds, settings.connections)
    before, busy, started = cpu_seconds(server.pid), _client_seconds(), perf_counter()
    load = _load(server, case, settings.seconds, settings.connections)
    cpu = cpu_seconds(server.pid) - before
    client = (_client_seconds() - busy) / (perf_counter() - started)
    if not load.answered:
        raise Unavailable(f"answers nothing under load: {case.title}")
    return Figures(cpu / load.answered, load.per_second, load.p50, load.p99, load.failed, client)


def _load(server: Server, case: Case, seconds: float, connections: int) -> Load:
    sent = requests(case)
    if case.way.system is REST:
        target = (server.port, case.way.path, sent, JSON)
        return wrk.load(*target, seconds=seconds, connections=connections)
    from benchmarks.grpc_calls import load

    return load(server.port, case.way.path, sent, seconds=seconds, calls=connections)


def requests(case: Case) -> list[bytes]:
    """Return the bodies that are sent in turn, each beginning with another row."""
    rows = flowers()
    return [
        case.way.body(bodies.repeat(rows[index:] + rows[:index], case.size))
        for index in range(min(REQUESTS, len(rows)))
    ]


def _client_seconds() -> float:
    """Return the CPU time of this process and of those it ran and awaited."""
    return sum(os.times()[:4])


def middle(rounds: Sequence[Figures]) -> Figures:
    """Return the median of each figure; of failures, their sum."""
    medians = Figures(*(median(values) for values in zip(*rounds, strict=True)))
    return medians._replace(failed=sum(figures.failed for figures in rounds))


def render(found: Results, settings: Settings) -> str:
    """Return the section's text."""
    middles = {case: middle(rounds) for case, rounds in found.items()}
    headings = ("", "CPU per request, µs", "requests/s", "p50, ms", "p99, ms", "failed")
    headings += ("client's core busy", "CPU ÷ REST, Open Inference")
    rows = [
        (case.title, *_shown(figures), ratio(figures.cpu / _rest(middles, case.size).cpu))
        for case, figures in middles.items()
    ]
    return "\n\n".join(["## gRPC against REST", _method(settings), table(headings, rows).strip()])


def _rest(middles: dict[Case, Figures], size: int) -> Figures:
    """Return the figures of the Open Inference Protocol over REST, of so many rows."""
    return middles[Case(WAYS_OF_REST[0], size)]


def _method(settings: Settings) -> str:
    return (
        "The iris model (four numbers a row), served by the gRPC process and by the web process "
        f"with one worker, in turn, each on core 0; {settings.connections} requests at once, "
        f"{settings.seconds} s each after {settings.warm_seconds} s of warming up, median of "
        f"{settings.rounds} alternating rounds. Open Inference: one tensor [n, 4] of doubles. The "
        "client on core 1 is wrk for REST, with as many connections, and for gRPC its Python "
        f"client in {settings.connections} threads on one channel, with messages made beforehand "
        "and replies not parsed. That client works harder than wrk (its core was busy for the "
        "share shown), so that requests/s and latencies of gRPC are partly its own; CPU per "
        "request is of the server's process tree alone, and is what to compare."
    )


def _shown(figures: Figures) -> tuple[str, ...]:
    return (
        f"{figures.cpu * 1e6:,.0f}",
        f"{figures.per_second:,.0f}",
        milliseconds(figures.p50),
        milliseconds(figures.p99),
        f"{figures.failed:,.0f}",
        f"{figures.client:.0%}",
    )
