"""Times a forest in one process, without a server: by scikit-learn, by skl2onnx, and as served.

    python -m benchmarks.compiled_forest [--recipe credit] [--set n_estimators=500]

One row a call: different rows in turn, and once more with other memory touched
between two calls, as a web process does. Rows by the batch: on one processor,
and on all that this process may use.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

from learning.compile.compilation import Compiled, compile
from learning.compile.conversion import convert
from learning.prediction import Runtime
from learning.progress import SilentProgress
from learning.runtimes import load_runtime
from learning.runtimes.onnx import OnnxRuntime
from learning.runtimes.sklearn import SklearnRuntime
from learning.training import fit
from recipes import find_recipe
from tables.batch import Batch
from tables.dataset import Dataset, read_dataset

ROUNDS = 9
ROWS = 1000
SIZES = (100, 10_000)
# More than a processor's second cache holds.
OTHER_MEMORY = np.ones(1_000_000, dtype=np.float32)


class Contender(NamedTuple):
    """A way to serve the same forest. `calls`: of one row, in a round."""

    name: str
    make: Callable[[], Runtime]
    calls: int


def main() -> None:
    """Train, compile, time, print."""
    arguments = parsed()
    recipe = find_recipe(arguments.recipe)
    table = recipe.load()
    dataset = read_dataset(table, recipe.target, aliases=recipe.aliases)
    parameters = recipe.resolved(dict(p.split("=", 1) for p in arguments.set))
    estimator = recipe.make(dataset.schema, arguments.seed, parameters)
    estimator = fit(estimator, dataset, SilentProgress())
    compiled = compile(estimator, dataset.schema, [dataset.batch], arguments.seed)
    plain = convert(estimator, dataset.batch.matrix)
    print(f"{arguments.recipe}: {describe(dataset, compiled)}", flush=True)
    contenders = (
        Contender("scikit-learn", lambda: SklearnRuntime(estimator), 20),
        Contender("skl2onnx, whole pipeline", lambda: OnnxRuntime(plain), 2000),
        Contender("as served", lambda: load_runtime(compiled.runtime_name, compiled.members), 4000),
    )
    show(contenders, dataset.batch.matrix)
    show_loading(compiled)


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="credit")
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def describe(dataset: Dataset, compiled: Compiled) -> str:
    """Return one line about what is timed."""
    sizes = ", ".join(f"{name} {len(data) / 1e6:.2f} MB" for name, data in compiled.members.items())
    proof = compiled.parity or compiled.reason
    return f"{len(dataset.batch.matrix)} rows; {compiled.runtime_name}; {sizes}; parity {proof}"


def show(contenders: Iterable[Contender], matrix: np.ndarray) -> None:
    """Print a line a figure: each contender's microseconds a row, and the ratios to the last."""
    contenders = tuple(contenders)
    heads = [c.name for c in contenders]
    print(f"\n{'microseconds a row':38}" + "".join(f"{h:>26}" for h in heads) + "   ratios to it")
    for title, figures in measured(contenders, matrix):
        ratios = "  ".join(f"{f / figures[-1]:8.1f}" for f in figures[:-1])
        print(f"{title:38}" + "".join(f"{f:26.2f}" for f in figures) + ratios, flush=True)


def measured(
    contenders: tuple[Contender, ...], matrix: np.ndarray
) -> Iterator[tuple[str, list[float]]]:
    """Yield each figure's title, and the figure of each contender in its turn, round by round."""
    rows = [Batch(matrix[i : i + 1].copy()) for i in range(min(ROWS, len(matrix)))]
    runtimes = [c.make() for c in contenders]
    yield (
        "one row",
        alternating(
            [
                lambda r=r, c=c: one_by_one(r, rows, c.calls)
                for r, c in zip(runtimes, contenders, strict=True)
            ]
        ),
    )
    yield "one row, other memory touched between", alternating(
        [lambda r=r, c=c: one_by_one_cold(r, rows, c.calls // 4)
         for r, c in zip(runtimes, contenders, strict=True)])  # fmt: skip
    for processors in sorted({1, len(os.sched_getaffinity(0))}):
        with only(processors):
            runtimes = [c.make() for c in contenders]
            for size in SIZES:
                batch = Batch(np.resize(matrix, (size, matrix.shape[1])))
                figures = alternating([lambda r=r, b=batch: together(r, b) for r in runtimes])
                yield f"{size} rows, {processors} processor(s)", figures


def alternating(timings: list[Callable[[], float]]) -> list[float]:
    """Return the least of each timing, taken in turn so that a slow minute slows them all.

    Whatever else the machine does only adds to a time.
    """
    rounds = [[timing() for timing in timings] for _ in range(ROUNDS)]
    return [min(figures) for figures in zip(*rounds, strict=True)]


def one_by_one(runtime: Runtime, rows: list[Batch], calls: int) -> float:
    """Return microseconds a call, for different rows in turn."""
    started = perf_counter()
    for index in range(calls):
        runtime.outputs(rows[index % len(rows)])
    return (perf_counter() - started) / calls * 1e6


def one_by_one_cold(runtime: Runtime, rows: list[Batch], calls: int) -> float:
    """Return the same, where each call finds the caches full of something else."""
    spent = 0.0
    for index in range(calls):
        OTHER_MEMORY.sum()
        started = perf_counter()
        runtime.outputs(rows[index % len(rows)])
        spent += perf_counter() - started
    return spent / calls * 1e6


def together(runtime: Runtime, batch: Batch) -> float:
    """Return microseconds a row of a batch."""
    started = perf_counter()
    runtime.outputs(batch)
    return (perf_counter() - started) / len(batch.matrix) * 1e6


@contextmanager
def only(processors: int) -> Iterator[None]:
    """Let this process use so many processors."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:processors])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def show_loading(compiled: Compiled) -> None:
    """Print what loading a copy costs, once the memory that earlier ones left is given back."""
    first = load_runtime(compiled.runtime_name, compiled.members)
    before, started = resident(), perf_counter()
    runtime = load_runtime(compiled.runtime_name, compiled.members)
    seconds = perf_counter() - started
    grown = resident() - before
    assert runtime is not first
    print(f"\nloading {runtime.name}: {seconds * 1e3:.1f} ms, {grown:.1f} MB more resident memory")


def resident() -> float:
    """Return this process's resident memory, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
