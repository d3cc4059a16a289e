"""Predictions while the embedded worker trains, against predictions while it does not."""

from __future__ import annotations

import http.client
import json
import time
from statistics import median
from typing import Any

from benchmarks import bodies
from benchmarks.catalog import COMPARED, OURS
from benchmarks.deployment import prepare, request_of, serving
from benchmarks.environments import Unavailable
from benchmarks.offered_load import Offered, offer
from benchmarks.report import milliseconds, ratio, table
from benchmarks.server import Server
from benchmarks.settings import Settings, port_of
from serving.auth import new_key

NAME = "while-training"
ROWS = 200
RATE = 500
# Trees enough that the training outlasts the load.
TREES = 2000
QUEUE_SECONDS = 60


def measure(settings: Settings) -> str:
    """Measure, and return the section's text."""
    prepare(OURS)
    token, key = new_key("bench", ["train", "admin"])
    given = {"API_KEYS": key.entry()}
    idle: list[Offered] = []
    training: list[Offered] = []
    rows = bodies.read_rows()[:ROWS]
    for turn in range(settings.rounds):
        with serving(OURS, rows, port=port_of(len(COMPARED)), environ=given) as server:
            _offer(server, settings.warm_seconds, turn + 1000)
            idle.append(_offer(server, settings.seconds, turn))
            job = start_training(server, token)
            training.append(_offer(server, settings.seconds, turn))
            end_training(server, token, job)
        print(
            f"round {turn + 1}: {_shown(idle[-1:])}, training {_shown(training[-1:])}", flush=True
        )
    return render(idle, training, settings)


def _offer(server: Server, seconds: float, seed: int) -> Offered:
    requests = [request_of(OURS, [row]) for row in bodies.read_rows()[:ROWS]]
    return offer(server.port, requests, rate=RATE, seconds=seconds, seed=seed)


def start_training(server: Server, token: str) -> str:
    """Order a training and wait until it runs; return the job's id; raises Unavailable."""
    order = {"recipe": "credit", "parameters": {"n_estimators": TREES}, "promote": "never"}
    job = str(call(server, token, "POST", "/v0/train", order)["id"])
    deadline = time.monotonic() + QUEUE_SECONDS
    while (state := state_of(server, token, job)) != "running":
        if state != "queued" or time.monotonic() > deadline:
            raise Unavailable(f"does not train: the job is {state}")
        time.sleep(0.1)
    return job


def end_training(server: Server, token: str, job: str) -> None:
    """Cancel the training; raises Unavailable when it did not last as long as the load."""
    state = state_of(server, token, job)
    if state != "running":
        raise Unavailable(f"did not train through the whole load: the job is {state}")
    call(server, token, "DELETE", f"/v0/jobs/{job}")


def state_of(server: Server, token: str, job: str) -> str:
    """Return a job's state."""
    return str(call(server, token, "GET", f"/v0/jobs/{job}")["state"])


def call(server: Server, token: str, method: str, path: str, order: Any = None) -> dict[str, Any]:
    """Send one request with the key and return the answer's document; raises Unavailable."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(order) if order else None, headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status >= 400:
        raise Unavailable(f"answers {method} {path} with {answer.status}: {body.decode()[:200]}")
    document: dict[str, Any] = json.loads(body) if body else {}
    return document.get("job", document)


def render(idle: list[Offered], training: list[Offered], settings: Settings) -> str:
    """Return the section's text."""
    method = (
        f"One web worker and the embedded training worker, all on core 0; {RATE} requests/s "
        f"offered for {settings.seconds} s without a training, then for as long while one of "
        f"{TREES} trees runs; median of {settings.rounds} rounds."
    )
    share = _percentile(training, 0.99) / _percentile(idle, 0.99)
    headings = ("", "p50, ms", "p99, ms", "p99.9, ms", "failed")
    rows = [("no training", *_shown(idle)), ("while training", *_shown(training))]
    parts = ["## Predictions while training", method, table(headings, rows)]
    parts.append(f"p99 while training is {ratio(share)} of that without.")
    return "\n\n".join(part.strip() for part in parts)


def _percentile(rounds: list[Offered], share: float) -> float:
    return median(seen.percentile(share) for seen in rounds)


def _shown(rounds: list[Offered]) -> tuple[str, ...]:
    latencies = (milliseconds(_percentile(rounds, share)) for share in (0.5, 0.99, 0.999))
    return (*latencies, str(sum(seen.failed for seen in rounds)))
