"""No request is lost while a new champion is promoted every five seconds.

`python -m benchmarks.promotion_under_load` trains four versions, starts two
workers, offers requests for a minute, and promotes the versions in turn through
the store, as another dyno or a shell would. Every answer is checked:

- its status is 200;
- its version was the store's champion at some moment from FOLLOW seconds before
  the request was sent until its answer was read (a worker polls the store; by
  how much an answer was behind is measured, too);
- its probability is that version's own for that row, so none mixes two models.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from time import perf_counter, sleep
from typing import NamedTuple

from benchmarks import bodies
from benchmarks.catalog import COMPARED, OURS_TWICE
from benchmarks.deployment import build_own, prepare, request_of, serving
from benchmarks.environments import WORK
from benchmarks.machine import describe
from benchmarks.offered_load import Answer, Offered, offer
from benchmarks.report import milliseconds, table, write_section
from benchmarks.server import CLIENT_CORE
from benchmarks.settings import port_of
from persistence.model_persistence import read_model
from persistence.opening import open_registry
from persistence.registry import Registry

NAME = "promotion"
STORE = WORK / "promotion" / "models"
VERSIONS = 4
TREES = 20
ROWS = 200
# Within so many seconds every process follows a promotion.
FOLLOW = 10.0
# Answers give probabilities rounded to a few digits.
CLOSE = 1e-4


class Reign(NamedTuple):
    """When a version may have been champion: from the promotion's start to the next one's end."""

    version: str
    begin: float
    end: float


class Verdict(NamedTuple):
    """What became of the answers; `behind` is, sorted, how old their version was when sent."""

    answers: int
    strange: int
    mixed: int
    behind: list[float]

    @property
    def good(self) -> bool:
        """Whether every answer passed."""
        return not self.strange and not self.mixed


class Promoter(threading.Thread):
    """Promotes the versions in turn, and writes down when."""

    def __init__(self, registry: Registry, versions: Sequence[str], every: float) -> None:
        super().__init__(daemon=True)
        self.registry, self.versions, self.every = registry, versions, every
        self.ended = threading.Event()
        self.promoted: list[tuple[str, float, float]] = [(versions[0], 0.0, 0.0)]

    def run(self) -> None:
        turn = 0
        while not self.ended.wait(self.every):
            turn += 1
            version = self.versions[turn % len(self.versions)]
            begun = perf_counter()
            self.registry.promote("credit", version)
            self.promoted.append((version, begun, perf_counter()))

    @property
    def reigns(self) -> list[Reign]:
        """When each version was champion; the last one still is."""
        ends = [*(done for _, _, done in self.promoted[1:]), float("inf")]
        return [
            Reign(v, begun, end) for (v, begun, _), end in zip(self.promoted, ends, strict=True)
        ]


def build_versions(registry: Registry) -> list[str]:
    """Train the versions and return their ids, the first being champion."""
    shutil.rmtree(STORE.parent, ignore_errors=True)
    STORE.parent.mkdir(parents=True)
    for seed in range(VERSIONS):
        print(f"training version {seed + 1} of {VERSIONS}", flush=True)
        trees = ("--set", f"n_estimators={TREES + seed}", "--promote", "never")
        build_own(STORE, "--seed", str(seed), *trees)
        sleep(1.1)  # a version's id tells its second: in this order they sort
    versions = [info.version for info in registry.versions("credit")]
    registry.promote("credit", versions[0])
    return versions


def judge(
    answers: Sequence[Answer], reigns: Sequence[Reign], expected: dict[str, list[float]]
) -> Verdict:
    """Check every answer against the champions there were, and their own probabilities."""
    strange = mixed = 0
    behind = []
    for answer in answers:
        document = json.loads(answer.body)
        version = document["model"]["version"]
        age = seconds_behind(version, answer, reigns)
        behind.append(age)
        strange += age > FOLLOW
        given = document["prediction"]["probabilities"]["true"]
        own = expected.get(version)
        mixed += own is None or abs(given - own[answer.index]) > CLOSE
    return Verdict(len(answers), strange, mixed, sorted(behind))


def seconds_behind(version: str, answer: Answer, reigns: Sequence[Reign]) -> float:
    """Return how long before the request its version had ceased to be champion; 0: it had not."""
    ends = [r.end for r in reigns if r.version == version and r.begin <= answer.received]
    return max(0.0, answer.sent - max(ends)) if ends else float("inf")


def measure(seconds: float, rate: float, every: float) -> tuple[Offered, Verdict, int]:
    """Run the load and the promotions; return what was seen, and how many promotions there were."""
    prepare(OURS_TWICE)
    registry = open_registry(str(STORE))
    versions = build_versions(registry)
    rows = bodies.read_rows()[:ROWS]
    models = {v: read_model("credit", registry, v) for v in versions}
    expected = {v: model.outputs(rows)[:, 1].tolist() for v, model in models.items()}
    promoter = Promoter(registry, versions, every)
    answers: list[Answer] = []
    requests = [request_of(OURS_TWICE, [row]) for row in rows]
    given = {"MODEL_STORE": str(STORE)}
    with serving(OURS_TWICE, rows, port=port_of(len(COMPARED)), environ=given) as server:
        promoter.start()
        seen = offer(server.port, requests, rate=rate, seconds=seconds, on_answer=answers.append)
        promoter.ended.set()
        promoter.join()
    return seen, judge(answers, promoter.reigns, expected), len(promoter.promoted) - 1


def render(seen: Offered, verdict: Verdict, promotions: int) -> str:
    """Return the section's text."""
    within = sum(age == 0 for age in verdict.behind)
    rows = [
        ("requests offered", f"{len(seen.latencies) + seen.failed:,} at {seen.rate:,.0f}/s"),
        ("promotions", str(promotions)),
        ("lost, or answered with another status than 200", str(seen.failed)),
        (f"of a version not champion in the {FOLLOW:.0f} s before", str(verdict.strange)),
        ("probability not its version's own", str(verdict.mixed)),
        ("of the version that was champion while it was asked", f"{within / verdict.answers:.1%}"),
        (
            "oldest version: ceased to be champion before it was asked",
            f"{verdict.behind[-1]:.2f} s",
        ),
        ("p50, ms", milliseconds(seen.percentile(0.5))),
        ("p99, ms", milliseconds(seen.percentile(0.99))),
        ("slowest, ms", milliseconds(seen.latencies[-1])),
    ]
    shown = table(("", "two workers, one core"), rows)
    return f"## A promotion every few seconds, under load\n\n{shown}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print; the exit code is 1 when a request was lost or answered wrongly."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=1000, help="requests a second")
    parser.add_argument("--every", type=float, default=5, help="seconds between promotions")
    parser.add_argument("--write", action="store_true", help="keep it in benchmarks/RESULTS.md")
    options = parser.parse_args(arguments)
    os.sched_setaffinity(0, {CLIENT_CORE})
    WORK.mkdir(exist_ok=True)
    machine = describe(["python -m benchmarks.promotion_under_load", *sys.argv[1:]], [None])
    seen, verdict, promotions = measure(options.seconds, options.rate, options.every)
    text = f"{render(seen, verdict, promotions)}\n{machine}"
    print(text)
    if options.write:
        write_section(NAME, text)
    return 0 if verdict.good and not seen.failed else 1


if __name__ == "__main__":
    sys.exit(main())
