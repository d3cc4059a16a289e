"""Loans of the U.S. Small Business Administration: does one default? By CatBoost.

The table is yours: `python build_model.py --recipe loans --data SBAnational.csv`,
as the SBA publishes it or with the columns below made already. Without one, a
synthetic sample is learnt, which says so: it shows the service, and knows nothing of loans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from errors import DatasetError
from learning.families.catboost import catboost
from learning.recipe import Recipe
from tables.schema import Kind
from tables.table import Table

LABEL = "default"
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("Term", "NoEmp", "CreateJob", "RetainedJob", "UrbanRural"), "integer"),
    **dict.fromkeys(("longitude", "latitude", "GrAppv", "SBA_Appv"), "number"),
    **dict.fromkeys(("is_new", "same_state"), "boolean"),
    **dict.fromkeys(("FranchiseCode", "City", "State", "Bank", "BankState"), "category"),
    **dict.fromkeys(("RevLineCr", "naics_first_two"), "category"),
}
SYNTHETIC = (
    "the data is a synthetic sample made by recipes/loans.py, not loans that anybody had; "
    "give a table of yours with --data"
)
SYNTHETIC_ROWS = 3000

# Where the states are, roughly, in degrees: north, and west.
_PLACES = """
    AL 33 87 AK 64 152 AZ 34 112 AR 35 92 CA 37 120 CO 39 105 CT 42 73 DE 39 75 DC 39 77 FL 28 82
    GA 33 83 HI 20 156 ID 44 115 IL 40 89 IN 40 86 IA 42 93 KS 38 98 KY 38 85 LA 31 92 ME 45 69
    MD 39 77 MA 42 72 MI 44 85 MN 46 94 MS 33 90 MO 38 93 MT 47 110 NE 41 100 NV 39 117 NH 44 72
    NJ 40 75 NM 34 106 NY 43 75 NC 36 80 ND 47 100 OH 40 83 OK 36 97 OR 44 121 PA 41 78 RI 42 71
    SC 34 81 SD 44 100 TN 36 86 TX 31 99 UT 39 112 VT 44 73 VA 38 79 WA 47 121 WV 39 81 WI 44 90
    WY 43 108
"""
_WORDS = _PLACES.split()
PLACES = {
    state: (float(north), -float(west))
    for state, north, west in zip(_WORDS[::3], _WORDS[1::3], _WORDS[2::3], strict=True)
}


def prepare(table: Table) -> Table:
    """Return the table with the columns above and the label, made of the SBA's own where need be.

    Where there are no coordinates, those of the state stand in, roughly. Raises
    DatasetError, naming the column, when one is neither there nor can be made.
    """
    given = table.columns
    columns: dict[str, Sequence[Any]] = {}
    for name in (*KINDS, LABEL):
        needed, make = _MADE.get(name, ((), None))
        if name in given:
            columns[name] = given[name]
        elif make is None or not all(column in given for column in needed):
            others = f", nor {' and '.join(needed)} to make it from" if needed else ""
            raise DatasetError(f"the table has no column {name}{others}")
        else:
            rows = zip(*(table.cells(column) for column in needed), strict=True)
            columns[name] = [make(*row) for row in rows]
    columns |= {name: [_amount(v) for v in columns[name]] for name in ("GrAppv", "SBA_Appv")}
    kept = [index for index, value in enumerate(columns[LABEL]) if value not in (None, "")]
    lines = [table.lines[index] for index in kept] if table.lines else ()
    chosen = {n: [c[index] for index in kept] for n, c in columns.items()}
    return replace(table, columns=chosen, lines=lines)


def _amount(value: Any) -> Any:
    """Read "$60,000.00 " as the number that it is."""
    return re.sub(r"[$,\s]", "", value) if isinstance(value, str) else value


def _defaulted(status: str | None) -> bool | None:
    return None if status is None else status.strip().upper() == "CHGOFF"


def _coordinate(which: int) -> Callable[[str | None], float | None]:
    return lambda state: PLACES[state][which] if state in PLACES else None


# What is made of the SBA's own columns, by name: of which, and how.
_MADE: Mapping[str, tuple[tuple[str, ...], Callable[..., Any] | None]] = {
    "is_new": (("NewExist",), lambda code: None if code is None else float(code) == 2),
    "same_state": (("State", "BankState"), lambda state, bank: state == bank),
    "naics_first_two": (("NAICS",), lambda code: (code or "00")[:2]),
    "latitude": (("State",), _coordinate(0)),
    "longitude": (("State",), _coordinate(1)),
    LABEL: (("MIS_Status",), _defaulted),
}


def synthetic() -> Table:
    """Return rows that look like loans, and defaults that follow a made-up rule."""
    random = np.random.default_rng(20260101)
    states = random.choice(list(PLACES), SYNTHETIC_ROWS)
    same = random.random(SYNTHETIC_ROWS) < 0.7
    bank_states = np.where(same, states, random.choice(list(PLACES), SYNTHETIC_ROWS))
    term = random.choice([12, 36, 60, 84, 120, 240, 300], SYNTHETIC_ROWS)
    approved = np.round(np.exp(random.normal(11, 1.2, SYNTHETIC_ROWS)), -2)
    is_new = random.random(SYNTHETIC_ROWS) < 0.3
    sector = random.choice(["23", "31", "44", "54", "62", "72", "81"], SYNTHETIC_ROWS)
    score = -1.2 - term / 90 + is_new * 0.8 + np.isin(sector, ["44", "72"]) - same * 0.5
    score = score + (approved < 50_000) * 0.7 + random.logistic(size=SYNTHETIC_ROWS)
    columns: dict[str, Any] = {
        "Term": term,
        "NoEmp": random.poisson(8, SYNTHETIC_ROWS) + 1,
        "CreateJob": random.poisson(2, SYNTHETIC_ROWS),
        "RetainedJob": random.poisson(5, SYNTHETIC_ROWS),
        "UrbanRural": random.choice([0, 1, 2], SYNTHETIC_ROWS, p=[0.3, 0.55, 0.15]),
        "longitude": [PLACES[state][1] for state in states] + random.normal(0, 1, SYNTHETIC_ROWS),
        "latitude": [PLACES[state][0] for state in states] + random.normal(0, 1, SYNTHETIC_ROWS),
        "GrAppv": approved,
        "SBA_Appv": approved * random.choice([0.5, 0.75, 0.85], SYNTHETIC_ROWS),
        "is_new": is_new,
        "same_state": same,
        "FranchiseCode": random.choice(["0", "1", "21780", "68020"], SYNTHETIC_ROWS),
        "City": [
            f"{state} CITY {n}"
            for state, n in zip(states, random.integers(1, 4, SYNTHETIC_ROWS), strict=True)
        ],
        "State": states,
        "Bank": [f"BANK {n}" for n in random.integers(1, 40, SYNTHETIC_ROWS)],
        "BankState": bank_states,
        "RevLineCr": random.choice(["Y", "N", "0", "T"], SYNTHETIC_ROWS),
        "naics_first_two": sector,
        LABEL: score > 0,
    }
    return Table({name: list(values) for name, values in columns.items()}, notes=(SYNTHETIC,))


recipe = Recipe(
    name="loans",
    target=LABEL,
    load=synthetic,
    prepare=prepare,
    estimator=catboost,
    parameters={"iterations": 300, "learning_rate": 0.05},
    kinds={**KINDS, LABEL: "boolean"},
    protocols=("flat",),
)
