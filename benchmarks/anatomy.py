"""Where the time of a one-row request goes: `python -m benchmarks.anatomy`.

Every step is timed by itself, in this process, without a network: microseconds,
the best of many repetitions on core 0, with 200 different rows in turn. The
rest up to the CPU per request is HTTP, the event loop and the kernel, which
`make bench ARGS="one-row --systems mirante floor"` shows alone, and what those
evict from the processor's caches.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from timeit import Timer
from typing import Any

from benchmarks import bodies
from benchmarks.catalog import MODELS, OURS
from benchmarks.deployment import prepare
from benchmarks.environments import WORK
from benchmarks.machine import describe
from benchmarks.report import table, write_section

NAME = "anatomy"
REPEATS, CALLS, ROWS = 15, 2000, 200


def main() -> None:
    """Print the table, and with --write keep it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="keep it in benchmarks/RESULTS.md")
    options = parser.parse_args()
    os.sched_setaffinity(0, {0})
    WORK.mkdir(exist_ok=True)
    prepare(OURS)
    machine = describe(["python -m benchmarks.anatomy", *sys.argv[1:]], [None])
    # As gunicorn.conf.py does: before prometheus_client is imported.
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        rows = measure(folder)
    text = f"## Where a request's time goes\n\n{table(('step', 'µs'), rows)}\n{machine}"
    print(text)
    if options.write:
        write_section(NAME, text)


def measure(metrics_folder: str) -> list[tuple[str, str]]:
    """Return each step with its microseconds; indented by dashes under what it is part of."""
    from app import wire
    from config import Config
    from serving.http.asgi import AsgiApplication

    jobs = f"sqlite:///{metrics_folder}/jobs.db"
    config = Config(
        model_store=str(MODELS), prometheus_multiproc_dir=metrics_folder, database_url=jobs
    )
    parts = wire(config)
    parts.champions.refresh()
    application = AsgiApplication(parts.service, _nothing, body_timeout=config.body_timeout)
    steps = {"the ASGI application": _asgi(application), **_steps(parts.service, parts.observation)}
    return [(name, f"{microseconds(step):.1f}") for name, step in steps.items()]


def _steps(service: Any, observation: Any) -> dict[str, Callable[[], object]]:
    from serving.protocols import v0

    headers = {b"content-type": b"application/json"}
    sent = [bodies.as_object([row]) for row in bodies.read_rows()[:ROWS]]
    route, _ = service.match("POST", OURS.path)
    exchanges = []
    for body in sent:
        exchange = service.begin(route, headers)
        service.admit(exchange)
        exchange.body = body
        exchange.decoded = v0.decode(exchange)
        exchange.prediction = exchange.live.predict(exchange.decoded.batch)
        exchanges.append(exchange)
    live = exchanges[0].live
    batches = [exchange.decoded.batch for exchange in exchanges]
    seen = {"request_id": "anatomy", "method": "POST", "route": OURS.path, "status": 200}
    seen |= {"seconds": 0.001, "rows": 1, "model": live.name, "version": live.version}
    return {
        "– service.answer": _in_turn(service.answer, exchanges),
        "– – decode": _in_turn(v0.decode, exchanges),
        "– – predict": _in_turn(live.predict, batches),
        "– – – the runtime": _in_turn(live.runtime.outputs, batches),
        "– – – – of it, of one row again and again": _in_turn(live.runtime.outputs, batches[:1]),
        "– – render": _in_turn(v0.render, exchanges),
        "– – record": lambda: observation.record(**seen),
        "for comparison: json.loads of the body": _in_turn(json.loads, sent),
    }


def _in_turn(step: Callable[[Any], object], values: Sequence[Any]) -> Callable[[], object]:
    turn = cycle(values)
    return lambda: step(next(turn))


def _asgi(application: Callable[..., Awaitable[None]]) -> Callable[[], object]:
    turn = cycle([_message(bodies.as_object([row])) for row in bodies.read_rows()[:ROWS]])

    async def send(_: dict[str, Any]) -> None:
        return None

    async def requests() -> None:
        for _ in range(CALLS):
            message = next(turn)
            await application(_scope(message), _receiving(message), send)

    return lambda: asyncio.run(requests())


def _message(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": False}


def _receiving(message: dict[str, Any]) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return message

    return receive


def _scope(message: dict[str, Any]) -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    headers.append((b"content-length", b"%d" % len(message["body"])))
    scope = {"type": "http", "method": "POST", "path": OURS.path, "query_string": b""}
    return {**scope, "headers": headers, "client": ("127.0.0.1", 1)}


async def _nothing(*_: object) -> None:
    return None


def microseconds(step: Callable[[], object]) -> float:
    """Return the least time of a call; `_asgi` makes CALLS requests in one."""
    inner = 1 if step.__qualname__.startswith("_asgi") else CALLS
    return min(Timer(step).repeat(REPEATS, inner)) / CALLS * 1e6


if __name__ == "__main__":
    main()
