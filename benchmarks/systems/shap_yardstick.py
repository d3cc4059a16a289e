"""Contributions by LightGBM and shap of the same forests: what they are, and what a row costs.

Run in the environment `shap`: it reads the folder's files, and prints JSON. Against a sample, shap
knows no splits by categories: that is of a forest of numbers, numbers.txt.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import lightgbm
import numpy as np
import shap  # type: ignore[import-not-found]

ROWS, SLOW_ROWS = 100, 20


def a_row(ask: Callable[[Any], Any], rows: Any) -> float:
    """Return the seconds of CPU that asking for one row after another takes, of each."""
    ask(rows[:1])
    began = process_time()
    for index in range(len(rows)):
        ask(rows[index : index + 1])
    return (process_time() - began) / len(rows)


def main() -> None:
    """Print what the forests' rows cost, and the contributions of the first three, weighted."""
    folder = Path(sys.argv[1])
    forests = json.loads((folder / "forests.json").read_text())
    given = np.load(folder / "rows.npz")
    rows = given["rows"].astype(np.float64)
    found: dict[str, Any] = {"lightgbm": 0.0, "shap": 0.0}
    dependent: Any = 0.0
    for forest in forests:
        booster = lightgbm.Booster(params={"num_threads": 1}, model_str=forest["text"])
        explainer = shap.TreeExplainer(booster)
        own = partial(booster.predict, pred_contrib=True, num_threads=1)
        found["lightgbm"] += a_row(own, rows[:ROWS])
        found["shap"] += a_row(explainer.shap_values, rows[:ROWS])
        dependent = dependent + forest["weight"] * np.asarray(explainer.shap_values(rows[:3]))
    numbers = given["numbers"].astype(np.float64)
    booster = lightgbm.Booster(model_file=folder / "numbers.txt")
    against = shap.TreeExplainer(booster, numbers[-100:], feature_perturbation="interventional")
    found["shap_background"] = a_row(against.shap_values, numbers[:SLOW_ROWS])
    found["background"] = np.asarray(against.shap_values(numbers[:3])).tolist()
    found |= {"path_dependent": np.asarray(dependent).tolist(), "version": shap.__version__}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
