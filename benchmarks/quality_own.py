"""This project learns a table and answers its fold, as `build_model.py` would.

`python -m benchmarks.quality_own ESTIMATOR FOLDER FOLD SECONDS TASK` prints what
`quality_others` prints, and the runtime. All rows to learn from are learnt from:
what is held out here is the fold.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.quality_others import OUT, TARGET
from build_model import read
from learning.compile.compilation import compile
from learning.estimators import ready_made
from learning.progress import SilentProgress
from learning.training import choose, fit
from tables.batch import Batch
from tables.dataset import encode
from tables.readers import read_table

CALLS = 300


def main() -> None:
    """Learn, answer and print."""
    estimator, folder, fold, seconds, task = sys.argv[1:]
    learnt, asked = parts(Path(folder), int(fold))
    silent = SilentProgress()
    recipe = replace(ready_made("quality", io.BytesIO(learnt), TARGET, estimator), task=task)
    dataset = read(recipe, silent)
    given = {"seconds": seconds} if estimator == "auto" else {}
    made = recipe.make(dataset.schema, 0, recipe.resolved(given))
    started = process_time()
    fitted = fit(choose(made, dataset, silent).estimator, dataset, silent)
    cpu = process_time() - started
    runtime = compile(fitted, dataset.schema, [dataset.batch]).runtime
    rows = encode(read_table(io.BytesIO(asked)), dataset.schema)
    np.save(Path(folder) / f"{estimator}-{fold}-{OUT}", np.asarray(runtime.outputs(rows)))
    classes = list(dataset.schema.target.keys) if task == "classification" else None
    times = [seconds_of(runtime, rows, index % len(rows.matrix)) for index in range(CALLS)]
    found = {"classes": classes, "cpu": cpu, "row_us": median(times) * 1e6}
    print(json.dumps({**found, "runtime": runtime.name}))


def parts(folder: Path, fold: int) -> tuple[bytes, bytes]:
    """Return the CSV of the rows to learn from, and of those asked."""
    folds = np.load(folder / "folds.npy")
    with (folder / "table.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    return _written(head, rows, folds != fold), _written(head, rows, folds == fold)


def _written(head: list[str], rows: list[list[str]], chosen: Any) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(row for row, kept in zip(rows, chosen.tolist(), strict=True) if kept)
    return text.getvalue().encode()


def seconds_of(runtime: Any, rows: Batch, index: int) -> float:
    """Return the seconds that one row takes, its matrix made."""
    row = Batch(rows.matrix[[index]], tuple([texts[index]] for texts in rows.texts))
    started = perf_counter()
    runtime.outputs(row)
    return perf_counter() - started


if __name__ == "__main__":
    main()
