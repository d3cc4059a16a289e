"""Log and drift of a million rows: CPU and memory of what writes, archives and looks at them.

    MODEL_STORE=… python -m benchmarks.log_million

Rows are answered a thousand a request, by one service with a log and one without, in turns: the
difference is what writing takes. Archiving and the look at drift are the worker's own processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app import stop
from benchmarks.bodies import read_rows
from benchmarks.log_cost import cost, parts_of

ROWS, REQUESTS, TURNS = 1000, 50, 20
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print what each part takes."""
    store, rows = os.environ["MODEL_STORE"], read_rows()
    bodies = [json.dumps((rows * 2)[at : at + ROWS]).encode() for at in range(0, 2000, 40)]
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder) / "log")
        on, off = parts_of(store, folder, PREDICTION_LOG=log), parts_of(store, folder)
        taken = {"on": 0.0, "off": 0.0}
        for _ in range(TURNS):
            taken["on"] += cost(on, bodies, REQUESTS) * REQUESTS
            taken["off"] += cost(off, bodies, REQUESTS) * REQUESTS
        total = TURNS * REQUESTS * ROWS
        print(f"{total:,} rows written: {taken['on'] - taken['off']:.1f} s of CPU")
        environ = {
            "MODEL_STORE": store,
            "PREDICTION_LOG": log,
            "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
        }
        on.prediction_log._writer.finish()  # type: ignore[union-attr]
        size = sum(path.stat().st_size for path in Path(log).rglob("*.segment"))
        print(f"  {size / total:.0f} bytes a row in the spool")
        for words in ("--archive", "--drift"):
            time.sleep(0 if words == "--archive" else 11)  # what came last is waited for
            print(f"worker.py {words}: {run(words, environ)}")
        size = sum(path.stat().st_size for path in Path(log).rglob("*.parquet"))
        print(f"  {size / total:.0f} bytes a row in the log")
        stop(on)
        stop(off)


def run(words: str, environ: dict[str, str]) -> str:
    """Run the worker, and return its CPU and its largest memory."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:])\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss)\n"
    )
    command = [sys.executable, "-c", code, sys.executable, "worker.py", words]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=True
    )
    status, seconds, kilobytes = done.stdout.split()[-3:]
    return f"status {status}, {float(seconds):.1f} s of CPU, {int(kilobytes) / 1024:.0f} MB"


if __name__ == "__main__":
    main()
