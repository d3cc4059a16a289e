"""One row over HTTP, of the learner `auto` beside the credit forest: CPU a request of one worker.

    python build_model.py
    python build_model.py --data data/credit.csv --target approved --name auto
    python -m benchmarks.learners [--write]

Both models, of the store that MODEL_STORE names, are served by one process, which is asked for
them in turn. The same socket, the same rows, the same minute: what differs is the model.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import wrk
from benchmarks.bodies import as_object, read_rows
from benchmarks.deployment import JSON
from benchmarks.environments import OWN, ROOT
from benchmarks.machine import describe
from benchmarks.process_tree import cpu_seconds
from benchmarks.report import table, write_section
from benchmarks.server import Request, Server, running

NAME = "learners"
MODELS = {"credit": "the credit forest", "auto": "`auto`"}
TURNS, SECONDS, WARM, CONNECTIONS, PORT = 5, 2, 1, 16, 32900


def cost(server: Server, name: str, seconds: float) -> float:
    """Return the CPU seconds a request of the server's processes. Raises SystemExit."""
    sent = [as_object([row]) for row in read_rows()[:200]]
    before = cpu_seconds(server.pid)
    path = f"/v0/models/{name}/predict"
    load = wrk.load(server.port, path, sent, JSON, seconds=seconds, connections=CONNECTIONS)
    if load.failed or not load.answered:
        raise SystemExit(f"{name}: {load.failed} requests failed")
    return (cpu_seconds(server.pid) - before) / load.answered


def measured(folder: Path) -> dict[str, list[float]]:
    """Return the cost of each model in each turn."""
    environ = {
        "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
        "WEB_CONCURRENCY": "1",
        "TRAINING_WORKER": "external",
        "PORT": str(PORT),
    }
    serve = (OWN / "gunicorn", "--chdir", ROOT, "--config", ROOT / "gunicorn.conf.py", "app:asgi")
    first = Request("/v0/models/auto/predict", as_object(read_rows()[:1]), JSON)
    with running(serve, first, port=PORT, folder=folder, environ=environ) as server:
        for name in MODELS:
            cost(server, name, WARM)
        turns = [{name: cost(server, name, SECONDS) for name in MODELS} for _ in range(TURNS)]
    return {name: [turn[name] for turn in turns] for name in MODELS}


def shown(found: dict[str, list[float]]) -> str:
    """Return the section's text."""
    share = median(a / f for a, f in zip(found["auto"], found["credit"], strict=True))
    rows = [
        (title, *(f"{cost * 1e6:,.0f}" for cost in (median(costs), min(costs), max(costs))))
        for name, title in MODELS.items()
        for costs in [found[name]]
    ]
    command = ["python", "-m", "benchmarks.learners", *sys.argv[1:]]
    parts = [
        "## One row: `auto` beside the forest",
        f"One worker on core 0 serves both models of data/credit.csv (`build_model.py`, and with "
        f"`--data data/credit.csv --target approved --name auto`), {CONNECTIONS} connections "
        f"ask for them in turn, {TURNS} turns of {SECONDS} s each.",
        table(("CPU a request, µs", "median", "least", "most"), rows),
        f"`auto` ÷ the forest, within a turn: {share:.2f}.",
        describe(command, [None]),
    ]
    return "\n\n".join(parts)


def main() -> None:
    """Measure, print, and with --write put the section into RESULTS.md."""
    with tempfile.TemporaryDirectory() as folder:
        text = shown(measured(Path(folder)))
    print(text)
    if "--write" in sys.argv[1:]:
        write_section(NAME, text)


if __name__ == "__main__":
    main()
