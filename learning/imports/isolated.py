"""Pickles, read in a process of their own, which is handed no secrets and ends with the import.

The process writes what it made of the model, as bytes, to a file; this one
reads that, and never the pickle.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from errors import MiranteError, ModelFileError
from learning.imports.example import Example
from learning.imports.imported import Imported

ROOT = Path(__file__).resolve().parents[2]
# Seconds until it is given up.
TIME_LIMIT = 600


class Task(msgspec.Struct):
    """What the process is to do."""

    file: str
    example: Example
    target: str


def import_pickle(file: str | Path, example: Example, target: str) -> Imported:
    """Return the estimator of a pickle, read by another process.

    Raises ModelFileError, with that process's last line where it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "task")
        task.write_bytes(msgspec.msgpack.encode(Task(str(Path(file).resolve()), example, target)))
        answer = Path(folder, "answer")
        _run([sys.executable, "-m", __name__, str(task), str(answer)])
        made: Imported = msgspec.msgpack.decode(answer.read_bytes(), type=Imported)
    return made


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            capture_output=True,
            timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise ModelFileError(f"reading the file took longer than {TIME_LIMIT} s") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it ended"]
        raise ModelFileError(f"the file cannot be taken in: {lines[-1][:300]}")


def main(task: str, answer: str) -> None:
    """Do a task, in the process made for it."""
    import joblib

    from learning.imports.estimator import import_estimator

    given = msgspec.msgpack.decode(Path(task).read_bytes(), type=Task)
    estimator: Any = joblib.load(given.file)
    made = import_estimator(estimator, given.example, given.target, "a pickle")
    Path(answer).write_bytes(msgspec.msgpack.encode(made))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MiranteError as error:
        sys.exit(str(error))
