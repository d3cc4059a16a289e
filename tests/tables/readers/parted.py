"""Tables written in parts, for tests of what reads them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

NAMES = ("age", "wage", "plan", "since", "member", "stays")


def rows_of(count: int, seed: int = 0) -> pa.Table:
    """Return rows of every kind but text, some values missing, with a label that they tell of."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 80, count)
    wage = np.round(np.exp(random.normal(3, 1, count)), 3)
    plan = random.choice(["basic", "gold", "pro"], count, p=[0.6, 0.3, 0.1])
    member = random.choice(["yes", "no"], count)
    days = random.integers(0, 2_000, count)
    since = np.datetime64("2019-01-01") + days
    odds = (age > 45) * 2.0 + (plan == "gold") * 1.5 - (wage > 20) - 1.0
    stays = random.random(count) < 1 / (1 + np.exp(-odds))
    missing = random.random(count) < 0.1
    columns = (
        pa.array(age),
        pa.array(wage, mask=missing),
        pa.array(plan),
        pa.array(since.astype(str)),
        pa.array(member),
        pa.array(np.where(stays, "yes", "no")),
    )
    return pa.table(dict(zip(NAMES, columns, strict=True)))


def write_parts(
    folder: Path, tables: list[pa.Table], kind: str = "csv", name: str = "part-{}.{}"
) -> Path:
    """Write a part of each table, numbered from 0, and return the folder."""
    folder.mkdir(exist_ok=True)
    for number, table in enumerate(tables):
        file = folder / name.format(f"{number:03}", kind)
        if kind == "csv":
            csv.write_csv(table, file)
        else:
            parquet.write_table(table, file)
    return folder


def split(table: pa.Table, parts: int) -> list[pa.Table]:
    """Return a table in so many parts."""
    edges = np.linspace(0, table.num_rows, parts + 1).astype(int)
    return [table.slice(a, b - a) for a, b in pairwise(edges.tolist())]
