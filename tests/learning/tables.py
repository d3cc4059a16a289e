"""Small tables that several tests learn from."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from tables.table import Table

WORDS = ("very", "quite", "not", "at", "all", "good", "bad", "slow")


def mixed_table(rows: int = 120, seed: int = 1) -> Table:
    """A table with every kind of feature, missing values, and a label that depends on two."""
    chance = random.Random(seed)
    columns: dict[str, list[object]] = {
        name: [] for name in ("age", "income", "vip", "plan", "comment", "stays")
    }
    for _ in range(rows):
        age, vip = chance.randrange(18, 80), chance.random() < 0.5
        columns["age"].append(age)
        columns["income"].append(None if chance.random() < 0.2 else chance.uniform(1, 9))
        columns["vip"].append(vip)
        columns["plan"].append(chance.choice(["basic", "gold", "pro", None]))
        columns["comment"].append(" ".join(chance.choice(WORDS) for _ in range(6)))
        columns["stays"].append("yes" if (age > 45) ^ (chance.random() < 0.1) else "no")
    return Table(columns)


def without(table: Table, *names: str) -> Table:
    """The table without some columns."""
    return Table({name: cells for name, cells in table.columns.items() if name not in names})


def dated_table(rows: int = 300, seed: int = 1) -> Table:
    """A table whose label depends on the month and the hour of a date, some of them missing."""
    chance = random.Random(seed)
    columns: dict[str, list[object]] = {name: [] for name in ("when", "noise", "busy")}
    for _ in range(rows):
        when = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(2 * 525_600))
        columns["when"].append(when.strftime("%d/%m/%Y %H:%M") if chance.random() > 0.1 else None)
        columns["noise"].append(chance.random())
        columns["busy"].append("yes" if (when.month > 6) ^ (when.hour > 17) else "no")
    return Table(columns)
