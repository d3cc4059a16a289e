"""Scores a table of any size: files in, files out.

python score_table.py --model credit customers.csv scored.parquet
python score_table.py --model credit 'month-*.parquet' s3://bucket/scored.parquet
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from config import Config, read_config
from errors import MiranteError
from jobs.memory import memory_left
from learning.beyond.cluster import Cluster, connected, local
from learning.processors import processors
from persistence.opening import open_registry
from scoring.cluster_pool import in_flight
from scoring.inputs import find_inputs
from scoring.options import Options
from scoring.table_run import Job, Stopped, Tally, score_tables

# What a shell calls the end of a process by Ctrl-C.
INTERRUPTED = 130
# Bytes that one process scores before another would have begun.
SMALL = 1_000_000
# Seconds between two lines of progress: on a terminal, and in a log.
SOON, LATER = 0.5, 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Score as the command line says; a fault that is known is one line."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    shown = Shown(quiet=options.quiet)
    try:
        config = read_config(os.environ)
        with _cluster(options, config) as cluster:
            tally = score_tables(_job(options, config, cluster), shown, stop)
    except Stopped as error:
        print(f"\nscore_table: {error}", file=sys.stderr)
        return INTERRUPTED
    except MiranteError as error:
        print(f"score_table: {error}", file=sys.stderr)
        return 1
    shown.end(tally, options.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="score_table.py", description=__doc__.splitlines()[0])
    parser.add_argument(
        "tables",
        nargs="+",
        metavar="IN",
        help="a file, a pattern in quotes, or s3://bucket/key: CSV, Parquet, Arrow, JSON Lines, "
        "packed or not",
    )
    parser.add_argument("out", metavar="OUT", help="the answers, of the kind that its ending says")
    parser.add_argument("--model", metavar="NAME", help="default: the default model")
    parser.add_argument("--version", help="one of its versions; default: the champion")
    parser.add_argument(
        "--interval", type=_level, metavar="LEVEL", help="of a quantity, such as 0.9"
    )
    parser.add_argument(
        "--contributions", action="store_true", help="what each feature contributes to the score"
    )
    parser.add_argument("--no-probabilities", action="store_true", help="the prediction alone")
    parser.add_argument("--prefix", default="", help="before the names of the columns added")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="stop at the first bad row; a category never seen is one",
    )
    parser.add_argument("--processes", type=_count, metavar="N", help="default: one a processor")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="score on this cluster of Dask's")
    parser.add_argument("--workers", type=_count, metavar="N", help="in so many of Dask's workers")
    parser.add_argument("--resume", action="store_true", help="go on with what did not end")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT, and begin anew")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    return parser


def _level(text: str) -> float:
    level = float(text)
    if not 0 < level < 1:
        raise ValueError
    return level


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


def _cluster(options: argparse.Namespace, config: Config) -> AbstractContextManager[Cluster | None]:
    """Give the cluster that is to score, None where processes do. Raises ClusterError."""
    if options.scheduler:
        return connected(options.scheduler)
    if options.workers:
        return local(options.workers, memory_left(bool(config.dyno)))
    return nullcontext()


def _job(options: argparse.Namespace, config: Config, cluster: Cluster | None = None) -> Job:
    registry = open_registry(**config.registry)
    name = options.model or config.default_model
    version = options.version
    if version is None:
        version = registry.read_champion(name)[0].version
    inputs = find_inputs(options.tables, config.store_options)
    return Job(
        inputs=inputs,
        out=options.out,
        artifact=registry.read(name, version),
        data=registry.data(name, version),
        options=Options(
            probabilities=not options.no_probabilities,
            interval=options.interval,
            contributions=options.contributions,
            prefix=options.prefix,
            strict=options.strict,
        ),
        processes=in_flight(cluster.workers)
        if cluster
        else options.processes or _processes(sum(one.size for one in inputs)),
        resume=options.resume,
        overwrite=options.overwrite,
        store=config.store_options,
        cluster=cluster,
        trust=registry.trust,
    )


def _processes(size: int) -> int:
    """Return how many processes are worth their start for so many bytes."""
    return min(processors(), 1 + size // SMALL)


class Shown:
    """Progress, as people see it: rows, rows a second, the share done and the time left."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._began = self._last = time.monotonic()

    def __call__(self, tally: Tally) -> None:
        """Show how far it is, if the last time is long enough ago."""
        now = time.monotonic()
        if self._quiet or now - self._last < (SOON if self._terminal else LATER):
            return
        self._last = now
        line = self._line(tally, now - self._began)
        print(
            f"\r{line:<70}" if self._terminal else line,
            end="" if self._terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    def _line(self, tally: Tally, seconds: float) -> str:
        rows = tally.rows + tally.rejected
        left = seconds * (1 - tally.share) / max(tally.share, 1e-9)
        return (
            f"{rows:,} rows, {rows / max(seconds, 1e-9):,.0f} rows/s, {tally.share:.0%}, "
            f"{_duration(left)} left"
        )

    def end(self, tally: Tally, out: str) -> None:
        """Say what it came to."""
        if self._quiet:
            return
        seconds = time.monotonic() - self._began
        rows = tally.rows + tally.rejected
        start = "\r" if self._terminal else ""
        print(
            f"{start}{tally.rows:,} rows in {out}, {_duration(seconds)}, "
            f"{rows / max(seconds, 1e-9):,.0f} rows/s",
            file=sys.stderr,
        )
        if tally.rejected:
            rows_do = "row does" if tally.rejected == 1 else "rows do"
            print(
                f"{tally.rejected:,} {rows_do} not fit the signature: {out}.rejected says why",
                file=sys.stderr,
            )
        for name, count in tally.unseen.items():
            print(
                f"{count:,} {'row has' if count == 1 else 'rows have'} a category of {name} "
                "that training never saw: "
                "scored as unknown",
                file=sys.stderr,
            )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


if __name__ == "__main__":
    sys.exit(main())
