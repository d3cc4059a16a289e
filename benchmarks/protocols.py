"""One row in every dialect: CPU per request, one system, one worker."""

from __future__ import annotations

import http.client
import json
import random
import shutil
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks import bodies, wrk
from benchmarks.bodies import Row
from benchmarks.catalog import COMPARED, OURS
from benchmarks.deployment import JSON, build_own, prepare, serving
from benchmarks.environments import WORK, Unavailable
from benchmarks.process_tree import cpu_seconds
from benchmarks.report import milliseconds, table
from benchmarks.response_latency import made_up
from benchmarks.server import Server
from benchmarks.settings import Settings, port_of
from serving.auth import new_key

NAME = "dialects"
STORE = WORK / "dialects" / "models"
ROWS = 200
RECIPES = ("credit", "tweets", "loans", "iris")


class PredictionProtocol(NamedTuple):
    """A dialect as a client speaks it: {token} in the path is a key's."""

    title: str
    model: str
    path: str
    body: Callable[[Row], bytes]
    media_type: str = "application/json"


class Figures(NamedTuple):
    """One dialect in one round."""

    cpu: float
    per_second: float
    p99: float
    failed: float


def _object(row: Row) -> bytes:
    return json.dumps(row).encode()


def _rows(row: Row) -> bytes:
    return json.dumps([row]).encode()


def _keyed(row: Row) -> bytes:
    return json.dumps({"1": next(iter(row.values()))}).encode()


def _instances(row: Row) -> bytes:
    return json.dumps({"instances": [row]}).encode()


def _tool_call(row: Row) -> bytes:
    called = {"name": "predict_credit", "arguments": row}
    return json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called}
    ).encode()


def _columnar(row: Row) -> bytes:
    return json.dumps({name: [value] for name, value in row.items()}).encode()


def _tensors(row: Row) -> bytes:
    inputs = [_tensor(name, value) for name, value in row.items()]
    return json.dumps({"inputs": inputs}).encode()


def _tensor(name: str, value: Any) -> dict[str, Any]:
    kinds = {bool: "BOOL", str: "BYTES", int: "INT64", float: "FP64"}
    return {"name": name, "shape": [1, 1], "datatype": kinds[type(value)], "data": [value]}


def _one_tensor(row: Row) -> bytes:
    values = [float(value) for value in row.values()]
    tensor = {"name": "rows", "shape": [1, len(values)], "datatype": "FP64", "data": values}
    return json.dumps({"inputs": [tensor]}).encode()


PROTOCOLS = (
    PredictionProtocol("v0, JSON", "credit", "/v0/predict", _object),
    PredictionProtocol(
        "v0, CSV", "credit", "/v0/predict", lambda row: bodies.as_csv([row]), "text/csv"
    ),
    PredictionProtocol("v0, JSON, by name (iris)", "iris", "/v0/models/iris/predict", _object),
    PredictionProtocol("SageMaker, JSON", "credit", "/invocations", _object),
    PredictionProtocol("SageMaker, columns", "credit", "/invocations", _columnar),
    PredictionProtocol("KServe V1", "credit", "/v1/models/credit:predict", _instances),
    PredictionProtocol(
        "Open Inference, a tensor a feature", "credit", "/v2/models/credit/infer", _tensors
    ),
    PredictionProtocol(
        "Open Inference, one tensor (iris)", "iris", "/v2/models/iris/infer", _one_tensor
    ),
    PredictionProtocol("Model Context Protocol", "credit", "/mcp", _tool_call),
    PredictionProtocol("keyed (tweets)", "tweets", "/api/v1/{token}/predict", _keyed),
    PredictionProtocol("vetiver", "credit", "/predict", _rows),
    PredictionProtocol("flat (loans, CatBoost)", "loans", "/predict", _object),
)


def measure(settings: Settings) -> str:
    """Measure, and return the section's text."""
    prepare(OURS)
    models, missing = build_models()
    token, key = new_key("bench", ["predict"])
    chosen = [protocol for protocol in PROTOCOLS if protocol.model in models]
    found: dict[PredictionProtocol, list[Figures]] = {protocol: [] for protocol in chosen}
    given = {"MODEL_STORE": str(STORE), "API_KEYS": key.entry()}
    for turn in range(settings.rounds):
        with serving(
            OURS, bodies.read_rows(), port=port_of(len(COMPARED)), environ=given
        ) as server:
            for protocol in chosen:
                found[protocol].append(_load(server, protocol, token, settings))
                shown = ", ".join(_shown(found[protocol][-1:]))
                print(f"round {turn + 1}, {protocol.title}: {shown}", flush=True)
    return render(found, missing, settings)


def build_models() -> tuple[list[str], list[str]]:
    """Train every recipe that is not there yet; return those there are, and why some are not."""
    missing = []
    for name in RECIPES:
        if not (STORE / name).exists():
            try:
                STORE.parent.mkdir(parents=True, exist_ok=True)
                build_own(STORE, "--recipe", name)
            except Unavailable as reason:
                shutil.rmtree(STORE / name, ignore_errors=True)
                missing.append(f"- Not measured: {name}: {reason}.")
    return [name for name in RECIPES if (STORE / name).exists()], missing


def _load(server: Server, protocol: PredictionProtocol, token: str, settings: Settings) -> Figures:
    path = protocol.path.format(token=token)
    sent = [protocol.body(row) for row in live_rows(server, protocol.model)]
    target = (server.port, path, sent, {**JSON, "Content-Type": protocol.media_type})
    wrk.load(*target, seconds=settings.warm_seconds, connections=settings.connections)
    before = cpu_seconds(server.pid)
    load = wrk.load(*target, seconds=settings.seconds, connections=settings.connections)
    cpu = (cpu_seconds(server.pid) - before) / max(1, load.answered)
    return Figures(cpu, load.per_second, load.p99, load.failed)


def live_rows(server: Server, model: str) -> list[Row]:
    """Make up rows from a live model's signature."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", f"/v0/models/{model}/model_info")
    schema = json.loads(connection.getresponse().read())["signature"]
    connection.close()
    chance = random.Random(0)
    return [made_up(schema, chance) for _ in range(ROWS)]


def render(
    found: dict[PredictionProtocol, list[Figures]], missing: Sequence[str], settings: Settings
) -> str:
    """Return the section's text."""
    method = (
        "One row a request, rows made up from the live signature; one worker on core 0, all models "
        f"in one process, {settings.connections} connections, {settings.seconds} s each, median of "
        f"{settings.rounds} rounds. The models differ, and with them the work: compare the "
        "dialects of one model."
    )
    headings = ("", "CPU per request, µs", "requests/s", "p99, ms", "failed")
    rows = [(protocol.title, *_shown(figures)) for protocol, figures in found.items()]
    parts = ["## One row in every dialect", method, table(headings, rows), "\n".join(missing)]
    return "\n\n".join(part.strip() for part in parts if part)


def _shown(rounds: Sequence[Figures]) -> tuple[str, ...]:
    each = Figures(*(median(values) for values in zip(*rounds, strict=True)))
    failed = sum(figures.failed for figures in rounds)
    return (
        f"{each.cpu * 1e6:,.0f}",
        f"{each.per_second:,.0f}",
        milliseconds(each.p99),
        f"{failed:,.0f}",
    )
