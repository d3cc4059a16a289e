"""Files of strangers, read in a process that is shut in, and ends with the import.

A pickle may do anything as it is read; a library that reads its own file, in C++, may end
with whoever called it. What comes back is data: the estimator as skops writes it, and what it
answered. This process audits it as it would any file of a stranger, and makes the
model of it itself; it never reads the pickle. The process that does can still
hand over a model that answers whatever it likes: a model is no safer than who made it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import EquivalenceError, MiranteError, ModelFileError
from learning.forms.sources import last_step
from learning.imports.example import Example
from learning.imports.imported import Imported
from learning.imports.libraries import Answer, Name, Question, answer_of, booster_of

ROOT = Path(__file__).resolve().parents[2]
# What of this project the process may see: no keys, no store, no settings.
CODE = ("errors.py", "policy.py", "learning", "tables", "recipes")
# All that it has; joblib warns where it may make no semaphores, unless it is to make none.
ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "JOBLIB_MULTIPROCESSING": "0",
}
# Seconds until it is given up, and bytes of the longest answer.
TIME_LIMIT = 600
LONGEST_ANSWER = 512 << 20


class Task(msgspec.Struct, tag="pickle"):
    """What the process is to do with a pickle."""

    example: Example | None
    target: str


class HandedBooster(msgspec.Struct, tag="booster"):
    """A booster that it hands over: the model as its library writes it, and its classes."""

    library: Name
    model: bytes
    classes: list[bool | int | float | str]
    confined: str


class Handed(msgspec.Struct, tag="estimator"):
    """What the process hands over: data, of which nothing is believed."""

    skops: bytes
    outputs: list[list[float]]
    confined: str


class HandedPipeline(msgspec.Struct, tag="pipeline"):
    """A pipeline that ends in a booster: the steps before it, the booster, its name and classes.

    `outputs` are what the pipeline answered.
    """

    skops: bytes
    library: Name
    model: bytes
    name: str
    classes: list[bool | int | float | str]
    outputs: list[list[float]]
    confined: str


class HandedPlain(msgspec.Struct, tag="plain"):
    """A pipeline of skrub's, made over: an estimator of codes and numbers, and the codes' words.

    `outputs` are what skrub's own answered; `missing` words that mean a missing category.
    """

    skops: bytes
    outputs: list[list[float]]
    categories: dict[str, list[str]]
    missing: list[str]
    confined: str


Answered = Handed | HandedBooster | HandedPipeline | HandedPlain


def read_pickle(
    data: bytes, example: Example | None, target: str, python: str = sys.executable
) -> Answered:
    """Return what a pickle holds, read by another process, of this Python or another's.

    Raises ModelFileError, with that process's last line where it failed.
    """
    made: Answered = _handed(data, Task(example, target), Answered, python)
    return made


def import_handed(handed: Handed, example: Example, target: str) -> Imported:
    """Return the estimator that a process handed over.

    Raises ModelFileError, and EquivalenceError where the model answers other than it did there.
    """
    from learning.imports.estimator import import_skops

    made = import_skops(handed.skops, example, target)
    _check(made, handed)
    origin = {"imported_from": "a pickle", "read_in": handed.confined}
    return made._replace(origin=origin)


def import_plain(handed: HandedPlain, example: Example, target: str) -> Imported:
    """Return the pipeline of skrub's that a process made over.

    Raises ModelFileError, and EquivalenceError where it answers other than skrub's did.
    """
    from learning.imports.estimator import import_coded
    from learning.imports.skrub import features_of

    features = features_of(example, handed.categories, handed.missing)
    made = import_coded(handed.skops, features, example, target, _table(handed.outputs))
    origin = {"imported_from": "a pickle of skrub", "read_in": handed.confined}
    return made._replace(origin=origin)


def _table(outputs: list[list[float]]) -> NDArray[np.float64]:
    try:
        return np.array(outputs, dtype=np.float64).reshape(len(outputs), -1)
    except (ValueError, TypeError):
        raise ModelFileError("the process that read the pickle answered no table") from None


def _check(made: Imported, handed: Handed) -> None:
    count = len(made.rows)
    expected = _table(handed.outputs[:count])
    answered = np.array(made.probabilities)
    # Of quantities it is a share of the largest.
    allowed = 1e-5 * max(1.0, float(np.abs(answered).max()))
    if answered.shape != expected.shape or not np.abs(answered - expected).max() <= allowed:
        raise EquivalenceError("the model does not answer as it did in the process that read it")


def ask_library(data: bytes, question: Question) -> Answer:
    """Return what a library answers of its own file, read by another process.

    Raises ModelFileError, with that process's last line where it failed.
    """
    answer: Answer = _handed(data, question, Answer)
    return answer


def _handed(data: bytes, task: Task | Question, answer: Any, python: str = sys.executable) -> Any:
    answered = run_on(python, __name__, data, msgspec.msgpack.encode(task))
    try:
        return msgspec.msgpack.decode(answered, type=answer)
    except (msgspec.DecodeError, RecursionError):
        raise ModelFileError("the file cannot be taken in: its process gave no answer") from None


def run_on(python: str, module: str, data: bytes, task: bytes) -> bytes:
    """Return what a module answers of a model's file and a task, both in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("model", data), ("task", task)):
            Path(folder, name).write_bytes(content)
            Path(folder, name).chmod(0o644)
        return run([python, "-m", module, folder], {"HOME": folder})


def run(command: list[str], more: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Run the process, and end all of its group with it. Raises ModelFileError.

    `more` is of its environment: some libraries make a folder in HOME as they are imported.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**ENVIRONMENT, **more},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=told,
            start_new_session=True,
        )
        try:
            code = process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise ModelFileError(f"reading the file took longer than {TIME_LIMIT} s") from None
        finally:
            _end(process)
        if code:
            raise ModelFileError(f"the file cannot be taken in: {_last_line(told)}")
        out.seek(0)
        data: bytes = out.read(LONGEST_ANSWER)
        return data


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(file: Any) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
    lines = file.read().decode("utf-8", "replace").strip().splitlines() or ["it ended"]
    line = "".join(c for c in lines[-1][:300] if c.isprintable())
    return line or "it ended"


def main(folder: str) -> None:
    """Do a task, in the process made for it."""
    from learning.imports.confinement import confine

    work = Path(folder)
    # The answer's descriptor is not one that a print of the file reaches.
    answer = os.dup(1)
    os.dup2(2, 1)
    confined = confine(tuple(ROOT / name for name in CODE), work)
    given = msgspec.msgpack.decode(Path(work, "task").read_bytes(), type=Task | Question)
    if isinstance(given, Task):
        made: Any = _read(work, given, confined)
    else:
        made = answer_of(Path(work, "model").read_bytes(), given)
    with os.fdopen(answer, "wb") as file:
        file.write(msgspec.msgpack.encode(made))


def _read(work: Path, given: Task, confined: str) -> Answered:
    import joblib

    from learning.imports import skrub
    from learning.imports.estimator import answers_of

    estimator: Any = joblib.load(work / "model") if not _is_skops(work) else _by_skops(work)
    booster = booster_of(estimator, work)
    if booster is not None:
        return HandedBooster(*booster, confined)
    if given.example is None:
        raise ModelFileError("such a file needs --schema: an example row or table")
    if skrub.is_of_skrub(estimator):
        return _made_over(estimator, given.example, confined)
    outputs = answers_of(estimator, given.example, given.target)
    booster = booster_of(last_step(estimator), work)
    if booster is not None:
        return _parted(estimator, booster, outputs.tolist(), confined)
    return Handed(_by_dump(estimator), outputs.tolist(), confined)


def _parted(estimator: Any, booster: Any, outputs: Any, confined: str) -> HandedPipeline:
    library, model, classes = booster
    name = type(last_step(estimator)).__name__
    return HandedPipeline(
        _by_dump(estimator[:-1]), library, model, name, classes, outputs, confined
    )


def _made_over(estimator: Any, example: Example, confined: str) -> HandedPlain:
    from learning.imports import skrub

    names = [feature.name for feature in example.features]
    made, categories, missing = skrub.plain_of(estimator, names)
    words = {name: list(found) for name, found in categories.items()}
    outputs = skrub.answers_of(estimator, example).tolist()
    return HandedPlain(_by_dump(made), outputs, words, list(missing), confined)


def _by_dump(estimator: Any) -> bytes:
    from learning.runtimes.sklearn import SKOPS, dump

    kept = dump(estimator)
    if SKOPS not in kept:
        raise ModelFileError(
            "skops cannot hold it, so that it could be served only as a pickle, which is not done; "
            "a booster is taken alone, or as the last step of a scikit-learn Pipeline"
        )
    return kept[SKOPS]


def _is_skops(work: Path) -> bool:
    with Path(work, "model").open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _by_skops(work: Path) -> Any:
    """Return what skops holds, whatever its types: the user trusts the file, and it is shut in."""
    import skops.io

    data = Path(work, "model").read_bytes()
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MiranteError as error:
        sys.exit(str(error))
