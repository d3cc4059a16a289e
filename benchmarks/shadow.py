"""What a shadow adds to the latency of answers: p99 with SHADOW=1 over p99 without, in turns.

    MODEL_STORE=… python -m benchmarks.shadow      a store whose model has a challenger

Two services over one store, both with a prediction log, are offered the same requests of one
row, in turns; the other one rests meanwhile. A latency counts from when its request was due.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.bodies import read_rows
from benchmarks.offered_load import offer
from benchmarks.server import Request, running

APP = Path(__file__).resolve().parent.parent / "app.py"
PORTS = {"alone": 23121, "with a shadow": 23122}
RATE, SECONDS, TURNS = 200.0, 4.0, 11


def environment(folder: Path, port: int, shadow: bool) -> dict[str, str]:
    """Return the settings of a service."""
    return {
        "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
        "PREDICTION_LOG": str(folder / f"log-{port}"),
        "SHADOW": "1" if shadow else "0",
        "TRAINING_WORKER": "external",
        "WEB_CONCURRENCY": "1",
        "PORT": str(port),
    }


def main() -> None:
    """Print the median p50 and p99 of the turns, and of the ratios within each."""
    if "MODEL_STORE" not in os.environ:
        raise SystemExit("MODEL_STORE: expected a store whose model has a challenger")
    headers = {"Content-Type": "application/json"}
    rows = [Request("/v0/predict", json.dumps(row).encode(), headers) for row in read_rows()[:200]]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PORTS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, port in PORTS.items():
            environ = environment(folder, port, name != "alone")
            command = [sys.executable, APP]
            server = running(
                command, rows[0], port=port, folder=folder, environ=environ, cores="0,1"
            )
            stack.enter_context(server)
        for turn in range(TURNS):
            for name, port in PORTS.items():
                seen = offer(port, rows, rate=RATE, seconds=SECONDS, seed=turn)
                if seen.failed:
                    raise SystemExit(f"{seen.failed} requests failed")
                found[name].append((seen.percentile(0.5), seen.percentile(0.99)))
    show(found)


def show(found: dict[str, list[tuple[float, float]]]) -> None:
    """Print what was found."""
    print(f"{TURNS} turns of {SECONDS:g} s at {RATE:g} requests a second, medians")
    for name, turns in found.items():
        p50, p99 = (median(each) * 1e3 for each in zip(*turns, strict=True))
        print(f"{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    pairs = list(zip(found["with a shadow"], found["alone"], strict=True))
    for index, what in enumerate(("p50", "p99")):
        ratios = sorted(shadow[index] / alone[index] for shadow, alone in pairs)
        print(
            f"{what} with a shadow over alone: {median(ratios):.3f}, of the turns {ratios[0]:.2f}"
            f" to {ratios[-1]:.2f}"
        )


if __name__ == "__main__":
    main()
