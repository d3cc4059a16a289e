"""A real browser, and a real service with a model of each sort, for the tests of pages."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import require
from tests.service import Service, build, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
# No sandbox: it needs a user of its own, and tests run as root in a container.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
TOOLS = Path(os.environ.get("OPENAPI_TOOLS", Path.home() / ".cache" / "mirante" / "openapi-tools"))
AXE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
INSTALL = "tests/openapi_tools/install"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Debian's chromium, started once a file: other files run event loops of their own."""
    require(CHROMIUM.is_file(), "chromium", "apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core's script (MPL-2.0), which is fetched for the tests and never shipped."""
    require(AXE.is_file(), "axe-core", INSTALL)
    return AXE.read_text()


@pytest.fixture(scope="session")
def page_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store: a forest, classes, a quantity of every kind of feature, 60 columns."""
    folder = tmp_path_factory.mktemp("pages")
    store = folder / "models"
    chance = random.Random(7)
    build(store, "--set", "n_estimators=8")
    quick = ("--estimator", "logistic")
    build(store, "--data", str(_kinds(folder, chance)), "--target", "price", "--seconds", "2")
    build(store, "--data", str(_letters(folder, chance)), "--target", "letter", *quick)
    build(store, "--data", str(_wide(folder, chance)), "--target", "failed", *quick)
    return store


@pytest.fixture(scope="session")
def pages(page_store: Path) -> Iterator[Service]:
    """Return a service with those models."""
    with serve(page_store, WEB_CONCURRENCY="1") as running:
        yield running


def _write(file: Path, header: list[str], rows: Iterator[list[object]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        writer.writerows(rows)
    return file


def _kinds(folder: Path, chance: random.Random) -> Path:
    """Write a table of a quantity with a feature of every kind; `area` has missing values."""
    notes = ("quiet street", "needs new windows", "by the park", "sea view", "fully renovated")

    def rows() -> Iterator[list[object]]:
        for index in range(400):
            area, rooms = round(chance.uniform(30, 200), 1), chance.randint(1, 6)
            garden, year = chance.random() < 0.4, chance.randint(2015, 2025)
            price = 3 * area + 10 * rooms + 40 * garden + 5 * (year - 2015) + chance.gauss(0, 10)
            yield [
                "" if index % 10 == 0 else area,
                rooms,
                chance.choice(["north", "south", "ação <b>"]),
                f"s{index % 80:03}",
                "yes" if garden else "no",
                f"{year}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
                f"{chance.choice(notes)} {chance.choice(notes)} {index} {chance.choice(notes)}",
                round(price, 1),
            ]

    header = ["area", "rooms", "district", "street", "garden", "sold_on", "note", "price"]
    return _write(folder / "kinds.csv", header, rows())


def _letters(folder: Path, chance: random.Random) -> Path:
    def rows() -> Iterator[list[object]]:
        for index in range(480):
            kind = index % 12
            yield [
                kind % 4 + chance.gauss(0, 0.2),
                kind // 4 + chance.gauss(0, 0.2),
                chr(65 + kind),
            ]

    return _write(folder / "letters.csv", ["x", "y", "letter"], rows())


def _wide(folder: Path, chance: random.Random) -> Path:
    def rows() -> Iterator[list[object]]:
        for _ in range(200):
            values = [round(chance.gauss(10, 3), 2) for _ in range(60)]
            yield [*values, "yes" if values[41] + chance.gauss(0, 1) > 10 else "no"]

    return _write(folder / "wide.csv", [f"sensor_{i:02}" for i in range(60)] + ["failed"], rows())
