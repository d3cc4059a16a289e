"""Measures this service beside the others: `make bench`; `python -m benchmarks.compare -h`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks import (
    batches,
    grpc_against_rest,
    one_row,
    protocols,
    same_load,
    tables,
    two_workers,
    while_training,
)
from benchmarks.catalog import COMPARED
from benchmarks.environments import WORK, Unavailable
from benchmarks.machine import NAMED, describe
from benchmarks.report import write_section
from benchmarks.server import CLIENT_CORE
from benchmarks.settings import QUICK, Settings

MEASURED = (
    one_row,
    same_load,
    batches,
    two_workers,
    protocols,
    grpc_against_rest,
    while_training,
    tables,
)
SECTIONS: dict[str, Callable[[Settings], str]] = {s.NAME: s.measure for s in MEASURED}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sections asked for, print them, and with --write keep them in RESULTS.md."""
    options = parse(arguments)
    missing = [name for name in ("wrk", "taskset") if shutil.which(name) is None]
    if missing:
        print(
            f"not installed: {', '.join(missing)} (apt-get install wrk util-linux)", file=sys.stderr
        )
        return 1
    # The generators of load run here; a server is pinned to the other core.
    os.sched_setaffinity(0, {CLIENT_CORE})
    # Every model is made anew, by the code and the libraries of this moment.
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    failed = [
        name for name in options.sections if not run(name, settings_of(options), options.write)
    ]
    return 1 if failed else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    add = parser.add_argument
    add(
        "sections", nargs="*", default=list(SECTIONS), help=f"of {', '.join(SECTIONS)}; default all"
    )
    add("--systems", nargs="+", default=[], choices=[s.name for s in COMPARED], metavar="NAME")
    add("--rounds", type=int)
    add("--seconds", type=int, help="of measuring, in each round")
    add("--quick", action="store_true", help="a short run, to see that everything works")
    add("--write", action="store_true", help="put the sections into benchmarks/RESULTS.md")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"no such section: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return options


def settings_of(options: argparse.Namespace) -> Settings:
    """Return how long and how often to measure."""
    given = {name: getattr(options, name) for name in ("rounds", "seconds")}
    chosen = {name: value for name, value in given.items() if value}
    return replace(QUICK if options.quick else Settings(), systems=tuple(options.systems), **chosen)


def run(name: str, settings: Settings, write: bool) -> bool:
    """Measure one section; return whether it could be."""
    command = ["python -m benchmarks.compare", *sys.argv[1:]]
    machine = describe(command, list(NAMED) if name == one_row.NAME else [None, "fastapi_onnx"])
    print(f"--- {name}", flush=True)
    try:
        text = f"{SECTIONS[name](settings)}\n\n{machine}"
    except Unavailable as reason:
        print(f"{name}: this service {reason}", file=sys.stderr)
        return False
    print(text, flush=True)
    if write:
        write_section(name, text)
    return True


if __name__ == "__main__":
    sys.exit(main())
