"""What a model's page costs: to its reader, and to those who ask for predictions meanwhile.

`python -m benchmarks.pages` starts a worker on one core and measures with Debian's chromium on
both: the first paint, the bytes, a slider's move to the new answer (medians of 20). Then it
offers requests to /v0/predict for a minute, alone and beside 50 people who drag sliders: each asks
as the page's script does, one request at a time and PACE apart; once more, they rest every two
seconds and are told why. `python -m benchmarks.pages people PORT SECONDS COUNT RESTS` are they.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from http.client import HTTPConnection
from itertools import count
from statistics import median
from time import perf_counter, sleep
from typing import Any, NamedTuple

from benchmarks import bodies
from benchmarks.catalog import COMPARED, OURS
from benchmarks.deployment import prepare, request_of, serving
from benchmarks.environments import ROOT, WORK
from benchmarks.machine import describe
from benchmarks.offered_load import Offered, content_length, encoded, offer
from benchmarks.report import Reach, milliseconds, reaches, table, write_section
from benchmarks.server import CLIENT_CORE, Request
from benchmarks.settings import port_of

NAME = "pages"
TIMES = 20
PEOPLE, RATE, SECONDS = 50, 1000.0, 60.0
# As in serving/pages/static/page.js.
PACE, REST = 0.080, 0.150
DRAG = 2.0
# Between questions of one reader, so that no pace is met.
APART = {"answer": 0.1, "why?explain=12": 3.0}
PAGE = "/models/credit"
CHROMIUM = "/usr/bin/chromium"
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
FORM = {"Content-Type": "application/json"}
ALONE, BESIDE, RESTING = "alone", "beside people who drag", "beside people who also rest"

PAINTED = "performance.getEntriesByName('first-contentful-paint').length > 0"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
BYTES = (
    "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    ".reduce((sum, one) => sum + one.transferSize, 0)"
)
# From the event of a slider until the answer's own element is another.
MOVE = """(value) => new Promise((done) => {
  const slider = document.querySelector('[data-for=f11]'), began = performance.now();
  new MutationObserver((_, watching) => {
    watching.disconnect();
    done(performance.now() - began);
  }).observe(document.getElementById('answer'), { childList: true });
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
})"""


class Seen(NamedTuple):
    """What a reader sees: seconds, bytes; `why` is an answer with its waterfall."""

    paint: float
    transferred: float
    move: float
    answer: float
    why: float


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Fields(HTMLParser):
    """Gathers what a page's form would send."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an input, or the chosen option of a list."""
        said = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = said["name"]
        elif tag == "option" and "selected" in said:
            self.found[self._select] = said["value"]
        elif tag == "input" and "name" in said and said.get("type") != "checkbox":
            self.found[said["name"]] = said.get("value", "")


def fields_of(port: int) -> dict[str, str]:
    """Return what the form of the page sends."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", PAGE, headers={"Accept": "text/html"})
    reader = Fields()
    reader.feed(connection.getresponse().read().decode())
    connection.close()
    return reader.found


def ask_form(connection: HTTPConnection, what: str, fields: dict[str, str]) -> float:
    """Return the seconds that a form's answer takes on an open connection."""
    began = perf_counter()
    connection.request("POST", f"{PAGE}/{what}", json.dumps(fields), FORM)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{what}: status {answer.status}")
    return perf_counter() - began


def look(port: int) -> Seen:
    """Look at the page with chromium, and ask as its script does; medians of TIMES."""
    from playwright.sync_api import sync_playwright

    paints, sizes, moves = [], [], []
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # a browser is many processes
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        for turn in range(TIMES):
            page = browser.new_context().new_page()  # nothing is kept from the one before
            page.goto(f"http://127.0.0.1:{port}{PAGE}", wait_until="networkidle")
            page.wait_for_function(PAINTED)
            paints.append(page.evaluate(PAINT) / 1e3)
            sizes.append(page.evaluate(BYTES))
            page.evaluate(MOVE, 500)
            page.wait_for_timeout(300)
            moves.append(page.evaluate(MOVE, 1000 + 100 * turn) / 1e3)
            page.context.close()
        browser.close()
    os.sched_setaffinity(0, {CLIENT_CORE})
    fields, connection = fields_of(port), HTTPConnection("127.0.0.1", port)
    timed: dict[str, list[float]] = {what: [] for what in APART}
    for what, seconds in timed.items():
        for _ in range(TIMES):
            seconds.append(ask_form(connection, what, fields))
            sleep(APART[what])
    return Seen(median(paints), median(sizes), median(moves), *map(median, timed.values()))


class Person:
    """Drags a slider, and counts the answers; two connections, as the script has two lanes."""

    def __init__(self, port: int, fields: dict[str, str], number: int) -> None:
        self.port, self.fields, self.chance = port, fields, random.Random(number)
        self.answered = self.refused = self.told = 0

    async def drag(self, until: float, *, rests: bool) -> None:
        """Move the slider until then, without waiting for reasons."""
        lines = [await asyncio.open_connection("127.0.0.1", self.port) for _ in range(2)]
        await asyncio.sleep(self.chance.uniform(0, DRAG))
        rested, reasons = perf_counter(), asyncio.create_task(asyncio.sleep(0))
        while perf_counter() < until:
            if rests and perf_counter() - rested > DRAG:
                await asyncio.sleep(REST)
                rested = perf_counter()
                if reasons.done():
                    reasons = asyncio.create_task(self._learn_why(lines[1]))
            began = perf_counter()
            good = await self._ask(lines[0], "answer")
            self.answered, self.refused = self.answered + good, self.refused + (not good)
            await asyncio.sleep(max(0.0, PACE - (perf_counter() - began)))
        reasons.cancel()
        for _, writer in lines:
            writer.close()

    async def _learn_why(self, line: Line) -> None:
        self.told += await self._ask(line, "why?explain=12")

    async def _ask(self, line: Line, what: str) -> bool:
        reader, writer = line
        fields = {**self.fields, "f11": str(self.chance.randint(100, 5000))}
        request = Request(f"{PAGE}/{what}", json.dumps(fields).encode(), FORM)
        writer.write(encoded(self.port, request))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(content_length(head))
        return head.startswith(b"HTTP/1.1 200")


async def people(port: int, seconds: float, number: int, *, rests: bool) -> None:
    """Print how many answers so many people got, how many were refused, and reasons told."""
    fields, until = fields_of(port), perf_counter() + seconds
    everybody = [Person(port, fields, one) for one in range(number)]
    await asyncio.gather(*(person.drag(until, rests=rests) for person in everybody))
    counted = [(p.answered, p.refused, p.told) for p in everybody]
    print(json.dumps([sum(column) for column in zip(*counted, strict=True)]))


def give_way() -> None:
    """Leave the core to who offers requests, whose clock is the one that is read."""
    if os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    else:
        os.nice(10)


def beside(
    port: int, requests: Sequence[Request], options: Any, *, rests: bool
) -> tuple[Offered, list[int]]:
    """Offer requests while people drag; return what was seen, and the people's answers."""
    command = [sys.executable, "-m", "benchmarks.pages", "people", str(port)]
    command += [str(options.seconds), str(options.people), str(int(rests))]
    dragging = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    seen = offer(port, requests, rate=options.rate, seconds=options.seconds)
    printed, _ = dragging.communicate(timeout=60)
    return seen, json.loads(printed)


def render(seen: Seen, loads: Sequence[tuple[str, Offered, list[int]]], options: Any) -> str:
    """Return the section's text."""
    rows = []
    for turn, (name, offered, got) in zip(count(1), loads, strict=False):
        percentiles = [milliseconds(offered.percentile(share)) for share in (0.5, 0.9, 0.99)]
        people = [f"{got[i] / options.seconds:,.1f}" for i in (0, 2)] if got else ["", ""]
        rows.append((f"{turn}. {name}", *percentiles, str(offered.failed), *people))
    alone, dragged, rested = (
        median(o.percentile(0.99) for name, o, _ in loads if name == what)
        for what in (ALONE, BESIDE, RESTING)
    )
    goals = [
        Reach("first contentful paint, ms", 300, seen.paint * 1e3),
        Reach("the page in all, compressed, kB", 100, seen.transferred / 1e3),
        Reach("slider to new answer in the browser, ms", 30, seen.move * 1e3),
        Reach("slider to new answer at the server, ms", 10, seen.answer * 1e3),
        Reach("the same with its waterfall, when the hand rests, ms", 10, seen.why * 1e3),
        Reach("p99 of /v0/predict beside people who drag, by p99 alone", 1.2, dragged / alone),
        Reach("the same where they rest every 2 s and are told why", 1.2, rested / alone),
    ]
    heads = ("", "p50, ms", "p90, ms", "p99, ms", "failed", "people's answers/s", "reasons/s")
    return (
        f"## Pages\n\nThe credit model's page; medians of {TIMES}. Its forest is explained leaf by "
        f"leaf: the waterfall follows when the hand rests.\n\n{reaches(goals)}\n"
        f"{options.rate:,.0f} requests/s to `/v0/predict` for {options.seconds:.0f} s a round, one "
        f"worker on one core; {options.people} people drag sliders all the time.\n\n"
        f"{table(heads, rows)}{_priority()}"
    )


def _priority() -> str:
    """Return what is to be said where the run does not share the cores as other programs do."""
    if os.sched_getscheduler(0) not in (os.SCHED_RR, os.SCHED_FIFO):
        return ""
    return (
        "\nRun by `chrt -r 5`, since others were at work on the machine. There the event loop does "
        "not interrupt a thread that explains, as it otherwise may: 12 ms at a time.\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print, or be the people who drag."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["people"]:
        give_way()
        asyncio.run(people(int(words[1]), float(words[2]), int(words[3]), rests=words[4] == "1"))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="keep it in benchmarks/RESULTS.md")
    options = parser.parse_args(words)
    os.sched_setaffinity(0, {CLIENT_CORE})
    WORK.mkdir(exist_ok=True)
    machine = describe(["python -m benchmarks.pages", *words], [None])
    prepare(OURS)
    rows = bodies.read_rows()[:200]
    requests = [request_of(OURS, [row]) for row in rows]
    loads: list[tuple[str, Offered, list[int]]] = []
    with serving(OURS, rows, port=options.port or port_of(len(COMPARED) + 3)) as server:
        seen = look(server.port)
        for _ in range(options.rounds):
            alone = offer(server.port, requests, rate=options.rate, seconds=options.seconds)
            loads.append((ALONE, alone, []))
            for name, rests in ((BESIDE, False), (RESTING, True)):
                loads.append((name, *beside(server.port, requests, options, rests=rests)))
    text = f"{render(seen, loads, options)}\n{machine}"
    print(text)
    if options.write:
        write_section(NAME, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
