"""scikit-learn's own speed: predict_proba of the benchmark's credit model on a ready matrix.

`python -m benchmarks.sklearn_speed 100 10000` prints rows a second by number of
rows, as JSON: the best of the repetitions that fit into two seconds each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter

from benchmarks import bodies
from benchmarks.export import champion
from learning.runtimes.sklearn import SklearnRuntime, load_estimator

SECONDS = 2.0


def speed(predict: Callable[[], object], rows: int) -> float:
    """Return rows a second, of the fastest repetition."""
    predict()
    best, end = float("inf"), perf_counter() + SECONDS
    while (started := perf_counter()) < end:
        predict()
        best = min(best, perf_counter() - started)
    return rows / best


def main() -> None:
    """Print the speeds of the sizes on the command line."""
    model = champion()
    runtime = SklearnRuntime(load_estimator(model.artifact.members))
    found = {}
    for size in map(int, sys.argv[1:]):
        batch = model.codec.encode_objects(bodies.repeat(bodies.read_rows(), size))
        found[size] = speed(lambda batch=batch: runtime.outputs(batch), size)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
