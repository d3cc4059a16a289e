"""What the prediction log costs: CPU a request of one row, beside the same requests without it.

    MODEL_STORE=… python -m benchmarks.log_cost

One process and one service a setting, in turns of some thousand requests each; the CPU is that
of the whole process, the log's thread included. No socket is between: what a request costs here
is less than over HTTP, and the ratio is so much the worse.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from app import Parts, start, stop, wire
from benchmarks.bodies import read_rows
from config import read_config

TURNS, REQUESTS, WARM = 15, 2000, 500


def parts_of(store: str, folder: str, **settings: str) -> Parts:
    """Return a service over the models of a store."""
    environ = {"MODEL_STORE": store, "DATABASE_URL": f"sqlite:///{folder}/jobs.db", **settings}
    parts = wire(read_config(environ))
    start(parts)
    return parts


def cost(parts: Parts, bodies: list[bytes], count: int) -> float:
    """Return the CPU seconds a request of the whole process, and what it writes within them."""
    service, began = parts.service, time.process_time()
    found = service.match("POST", "/v0/predict")
    assert found is not None
    headers = {b"content-type": b"application/json"}
    for index in range(count):
        exchange = service.begin(found[0], headers)
        service.admit(exchange)
        exchange.body = bodies[index % len(bodies)]
        if service.answer(exchange).status != 200:
            raise SystemExit("a request was refused")
    time.sleep(0.4)  # the log's thread writes what waits
    return (time.process_time() - began) / count


def main() -> None:
    """Print what a request costs without the log, with it, and with a shadow."""
    store = os.environ["MODEL_STORE"]
    bodies = [json.dumps(row).encode() for row in read_rows()[:200]]
    with tempfile.TemporaryDirectory() as folder:
        log = {"PREDICTION_LOG": str(Path(folder) / "log")}
        shadow = {"PREDICTION_LOG": str(Path(folder) / "shadow"), "SHADOW": "1"}
        served = {
            "off": parts_of(store, folder),
            "on": parts_of(store, folder, **log),
            "on, with a shadow": parts_of(store, folder, **shadow),
        }
        found: dict[str, list[float]] = {name: [] for name in served}
        for parts in served.values():
            cost(parts, bodies, WARM)
        for _ in range(TURNS):
            for name, parts in served.items():
                found[name].append(cost(parts, bodies, REQUESTS))
        for parts in served.values():
            stop(parts)
    show(found)


def show(found: dict[str, list[float]]) -> None:
    """Print the median of the turns, and of the differences within each turn."""
    print(f"{TURNS} turns of {REQUESTS} requests of one row, medians")
    for name, costs in found.items():
        more = median(c - off for c, off in zip(costs, found["off"], strict=True))
        ratio = median(c / off for c, off in zip(costs, found["off"], strict=True))
        print(f"log {name}: {median(costs) * 1e6:.1f} us, {more * 1e6:+.1f} us, {ratio:.3f} of off")


if __name__ == "__main__":
    main()
