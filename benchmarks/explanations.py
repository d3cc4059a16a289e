"""What an explanation costs: one row and ten thousand, through the service; and beside others.

    python -m benchmarks.explanations [--rounds 5] [--seconds 5] [--write]

The default learner's model of the credit table is served by one worker on one core. What a
request with `?explain=1` takes of CPU more than one without is measured in turns, in one run,
by sixteen connections from another core.
LightGBM's own contributions and shap's are of the same forests, in an environment of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import lightgbm
import numpy as np

from benchmarks import bodies, wrk
from benchmarks.environments import OWN, ROOT, SYSTEMS, WORK, Unavailable, last_line, programs
from benchmarks.machine import processor
from benchmarks.process_tree import cpu_seconds
from benchmarks.report import Reach, reaches, table, write_section
from benchmarks.server import Request, Server, ask, running
from learning.explaining import explainer
from learning.explaining.background import background_of
from learning.explaining.explainer import Explainer
from learning.explaining.leaves import paths_of
from learning.explaining.trees import trees_of
from learning.explanation import explanation_of
from learning.forms import lightgbm as lightgbm_form
from learning.forms.sources import Columned, Number
from learning.links import Doubles
from learning.runtimes.sklearn import load_estimator
from persistence.model_persistence import load_proven
from persistence.opening import open_registry
from tables.batch import Batch, Matrix
from tables.dataset import Dataset, read_dataset
from tables.readers import read_table

NAME = "explanations"
FOLDER = WORK / NAME
PORT = 22_090
JSON = {"Content-Type": "application/json"}
PREDICT, EXPLAIN = "/v0/models/credit/predict", "/v0/models/credit/predict?explain=1"
# The forest of numbers that shap explains against a sample: its own code knows no categories.
ROUNDS = 300
SETTINGS = {"num_leaves": 15, "max_depth": 5, "learning_rate": 0.05, "verbose": -1, "seed": 0}
MANY, BACKGROUND, SHOWN = 10_000, 100, 3
MOST_MICROSECONDS, LEAST_ROWS_A_SECOND = 120.0, 10_000.0


class Costs(NamedTuple):
    """CPU seconds of a request of one row, without and with; rows a second of many; CPU of one."""

    predicted: float
    explained: float
    per_second: float
    a_row: float


class Ours(NamedTuple):
    """The contributions of the shown rows `[3, features]` of trees alone and in all, and a row."""

    trees: Doubles
    whole: Doubles
    baseline: float
    seconds: float


def main() -> None:
    """Measure, print, and write the section where that is asked for."""
    options = parsed()
    FOLDER.mkdir(parents=True, exist_ok=True)
    train_credit()
    artifact = open_registry(str(FOLDER / "models")).read_champion("credit")[1]
    model = load_proven(artifact)
    dataset = read_dataset(read_table(bodies.TABLE), bodies.LABEL)
    estimator = load_estimator(artifact.members)
    plain = explainer.load(artifact.members, model.runtime, model.schema)
    assert plain is not None
    beside = against_a_sample(estimator, model.runtime, dataset)
    rows = dataset.batch.matrix
    ours = [measured(one, rows) for one in (plain, beside)]
    ours.append(of_numbers(dataset))
    theirs = yardstick(estimator, rows)
    costs = through_the_service(options.rounds, options.seconds)
    names = [feature.name for feature in dataset.schema.features]
    section = rendered(costs, ours, theirs, names) + how_measured(options)
    print(section)
    if options.write:
        write_section(NAME, section)


def train_credit() -> None:
    """Learn the credit table by the default learner, into a store of the benchmark's own."""
    shutil.rmtree(FOLDER / "models", ignore_errors=True)
    command = [str(OWN / "python"), "build_model.py", "--data", str(bodies.TABLE)]
    command += ["--name", "credit", "--target", bodies.LABEL]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)


def environment() -> dict[str, str]:
    """Return the settings of the service, and of the training before it."""
    own = {"MODEL_STORE": str(FOLDER / "models"), "DATABASE_URL": f"sqlite:///{FOLDER}/jobs.db"}
    own |= {"WEB_CONCURRENCY": "1", "PORT": str(PORT), "TRAINING_WORKER": "external"}
    return {**os.environ, **own, "OMP_NUM_THREADS": "1", "API_KEYS_FILE": str(FOLDER / "keys.txt")}


# ---------------------------------------------------------------- in process


def against_a_sample(estimator: Any, runtime: Any, dataset: Dataset) -> Explainer:
    """Return what explains the same model against a sample of rows."""
    made = explanation_of(estimator, runtime, dataset, dataset, 0, BACKGROUND)
    found = explainer.load(made.members, runtime, dataset.schema)
    assert found is not None, made.info
    return found


def measured(one: Explainer, rows: Matrix) -> Ours:
    """Return the contributions of the first rows, and what a row costs in process."""
    asked = [Batch(rows[index : index + 1]) for index in range(500)]
    one.explain(asked[0], [0])
    began = process_time()
    for row in asked:
        one.explain(row, [0])
    seconds = (process_time() - began) / len(asked)
    found = one.explain(Batch(rows[:SHOWN]), [0] * SHOWN)
    trees = one.of_trees(Batch(rows[:SHOWN]), 0)
    return Ours(trees, found.contributions, found.baselines[0], seconds)


def of_numbers(dataset: Dataset) -> Ours:
    """Return the contributions of a forest of the table's numbers, against its last rows.

    The forest and the rows are left in the folder for shap.
    """
    numeric = dataset.schema.numeric
    columns = [index for index, one in enumerate(numeric) if one.kind != "category"]
    matrix, count = np.ascontiguousarray(dataset.batch.matrix[:, columns]), len(columns)
    data = lightgbm.Dataset(matrix, dataset.target)
    booster = lightgbm.train({"objective": "binary", **SETTINGS}, data, ROUNDS)
    booster.save_model(FOLDER / "numbers.txt")
    np.savez(FOLDER / "numbers.npz", numbers=matrix[: 200 + BACKGROUND])
    given = Columned(None, [Number(i) for i in range(count)], count, frozenset(range(count)))
    forest = lightgbm_form.forest(lightgbm_form.read(booster.model_to_string()), given)
    paths = paths_of(forest, range(count))
    sample = background_of(paths, matrix[200 : 200 + BACKGROUND]).background()
    trees = trees_of(paths, count, sample)
    began = process_time()
    for index in range(200):
        trees.rows(matrix[index : index + 1])
    seconds = (process_time() - began) / 200
    found = trees.rows(matrix[:SHOWN])
    return Ours(found, found, trees.baseline, seconds)


def yardstick(estimator: Any, rows: Matrix) -> dict[str, Any] | None:
    """Return what LightGBM and shap answer and cost, None where shap does not install."""
    forests = [
        {"text": part, "weight": estimator.weights_[name]}
        for name, part in estimator.parts_.items()
        if isinstance(part, str)
    ]
    (FOLDER / "forests.json").write_text(json.dumps(forests))
    numbers = np.load(FOLDER / "numbers.npz")["numbers"]
    filled = with_fills(rows[:200], estimator.fills_)
    np.savez(FOLDER / "rows.npz", rows=filled, numbers=numbers)
    try:
        python = programs("shap") / "python"
    except Unavailable as reason:
        print(f"shap: {reason}", file=sys.stderr)
        return None
    command = ["taskset", "-c", "0", str(python), str(SYSTEMS / "shap_yardstick.py"), str(FOLDER)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise SystemExit(f"shap: {last_line(done.stderr)}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def with_fills(matrix: Matrix, fills: dict[int, float]) -> Matrix:
    """Return the matrix as the forests read it, with what stands for a missing value."""
    found = matrix.copy()
    for column, value in fills.items():
        found[np.isnan(found[:, column]), column] = value
    return found


# ---------------------------------------------------------------- through the service


def through_the_service(rounds: int, seconds: float) -> Costs:
    """Return what requests cost the served model."""
    rows = bodies.read_rows()
    first = Request(PREDICT, bodies.as_object(rows[:1]), JSON)
    command = [
        str(OWN / "gunicorn"),
        "--chdir",
        str(ROOT),
        "-c",
        str(ROOT / "gunicorn.conf.py"),
        "app:asgi",
    ]
    with running(command, first, port=PORT, folder=FOLDER, environ=environment()) as server:
        sent = [bodies.as_object([row]) for row in rows[:200]]
        for path in (PREDICT, EXPLAIN):
            cpu_of(server, path, sent, 2.0)
        pairs = [
            [cpu_of(server, path, sent, seconds) for path in (PREDICT, EXPLAIN)]
            for _ in range(rounds)
        ]
        many = bodies.as_json(bodies.repeat(rows, MANY))
        before = cpu_seconds(server.pid)
        every = [timed(server.port, many) for _ in range(max(3, rounds))]
        spent = (cpu_seconds(server.pid) - before) / len(every)
    predicted, explained = (median(column) for column in zip(*pairs, strict=True))
    return Costs(predicted, explained, MANY / min(every), spent / MANY)


def cpu_of(server: Server, path: str, sent: Sequence[bytes], seconds: float) -> float:
    """Return the CPU seconds of a request, under sixteen connections for so long."""
    before = cpu_seconds(server.pid)
    load = wrk.load(server.port, path, sent, JSON, seconds=seconds)
    if load.failed or not load.answered:
        raise SystemExit(f"{path}: {load.failed} requests failed")
    return (cpu_seconds(server.pid) - before) / load.answered


def timed(port: int, body: bytes) -> float:
    """Return the seconds until a request's answer is there."""
    began = perf_counter()
    status, _ = ask(port, Request(EXPLAIN, body, JSON))
    if status != 200:
        raise SystemExit(f"{MANY:,} rows: {status}")
    return perf_counter() - began


# ---------------------------------------------------------------- the section


def rendered(
    costs: Costs, ours: Sequence[Ours], theirs: dict[str, Any] | None, names: Sequence[str]
) -> str:
    """Return the section."""
    more = (costs.explained - costs.predicted) * 1e6
    goals = [
        Reach("`?explain=1` of one row, µs of CPU beyond the prediction", MOST_MICROSECONDS, more),
        Reach(
            f"rows a second, {MANY:,} explained in one request",
            LEAST_ROWS_A_SECOND,
            costs.per_second,
            at_most=False,
        ),
    ]
    plain, beside, numbers = ours
    lines = [
        ("request of one row, through the service", f"{costs.predicted * 1e6:,.0f}"),
        ("the same with `?explain=1`", f"{costs.explained * 1e6:,.0f}"),
        (f"a row of {MANY:,} in one request, with them", f"{costs.a_row * 1e6:,.0f}"),
        ("contributions alone, in process", f"{plain.seconds * 1e6:,.0f}"),
        (f"against a sample of {BACKGROUND} rows", f"{beside.seconds * 1e6:,.0f}"),
    ]
    if theirs is not None:
        lines += [
            ("LightGBM's `pred_contrib`, its forests alone", f"{theirs['lightgbm'] * 1e6:,.0f}"),
            ("shap's TreeExplainer, the same", f"{theirs['shap'] * 1e6:,.0f}"),
            (
                f"shap's against {BACKGROUND} rows, {ROUNDS} trees of numbers",
                f"{theirs['shap_background'] * 1e6:,.0f}",
            ),
            ("ours of those trees against those rows", f"{numbers.seconds * 1e6:,.0f}"),
        ]
    parts = ["## Explanations\n", __doc__.split("\n\n")[2] if __doc__ else "", reaches(goals)]
    parts.append(table(("a row", "µs of CPU"), lines))
    if theirs is not None:
        parts.append(compared(plain, numbers, theirs, names))
    return "\n".join(parts)


def compared(plain: Ours, numbers: Ours, theirs: dict[str, Any], names: Sequence[str]) -> str:
    """Return the shown rows' contributions of the forests beside shap's, and the sums."""
    said = [np.array(theirs[kind]) for kind in ("path_dependent", "background")]
    apart = [float(np.abs(o.trees - s).max()) for o, s in zip((plain, numbers), said, strict=True)]
    heads = [f"row {i + 1}{who}" for i in range(SHOWN) for who in (", ours", ", shap", ", whole")]
    rows = [
        (
            name,
            *(
                f"{value:+.6f}"
                for row in range(SHOWN)
                for value in (plain.trees[row, j], said[0][row, j], plain.whole[row, j])
            ),
        )
        for j, name in enumerate(names)
    ]
    sums = [
        f"{value:+.6f}"
        for row in range(SHOWN)
        for value in (
            plain.trees[row].sum(),
            said[0][row].sum(),
            plain.whole[row].sum() + plain.baseline,
        )
    ]
    text = (
        "Three credit rows, path-dependent: the forests' part by us and by shap "
        f"{theirs['version']}, and our whole contribution, the linear term's too. The sum of the "
        "last is the score, with the baseline.\n\n"
    )
    ends = (
        f"\nLargest difference of the forests' part from shap's: {apart[0]:.1e} path-dependent, "
        f"{apart[1]:.1e} of the trees of numbers against a sample.\n"
    )
    return text + table(("feature", *heads), [*rows, ("sum", *sums)]) + ends


def how_measured(options: argparse.Namespace) -> str:
    """Return the command, when, and on what."""
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    where = f"on a core of {os.cpu_count()} of {processor()}, Python {platform.python_version()}"
    said = f"--rounds {options.rounds} --seconds {options.seconds:g}"
    return f"\n`python -m benchmarks.explanations {said}`, {when}, {where}.\n"


def parsed() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.explanations", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load a round")
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
