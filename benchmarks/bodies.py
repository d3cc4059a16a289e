"""Rows of the credit table, and the bodies that each system wants them in."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT

Row = dict[str, Any]

TABLE = ROOT / "data" / "credit.csv"
LABEL = "approved"


def read_rows(path: Path = TABLE) -> list[Row]:
    """Return the rows without missing values, which some systems refuse, and without the label."""
    with path.open(newline="") as file:
        complete = [row for row in csv.DictReader(file) if all(row.values())]
    return [{name: _value(text) for name, text in row.items() if name != LABEL} for row in complete]


def _value(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text


def repeat(rows: list[Row], count: int) -> list[Row]:
    """Return so many rows, beginning again when they run out."""
    return [rows[i % len(rows)] for i in range(count)]


def as_json(rows: list[Row]) -> bytes:
    """The rows as a JSON list."""
    return json.dumps(rows).encode()


def as_object(rows: list[Row]) -> bytes:
    """The only row, as a JSON object."""
    return json.dumps(rows[0]).encode()


def as_csv(rows: list[Row]) -> bytes:
    """The rows as CSV with a header."""
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return "".join(",".join(map(str, line)) + "\n" for line in lines).encode()


def as_named_rows(rows: list[Row]) -> bytes:
    """The rows as BentoML takes them: under the name of the service's parameter."""
    return json.dumps({"rows": rows}).encode()


def as_split(rows: list[Row]) -> bytes:
    """The rows as MLflow's `dataframe_split`: the names once, then the values."""
    values = [list(row.values()) for row in rows]
    return json.dumps({"dataframe_split": {"columns": list(rows[0]), "data": values}}).encode()


def as_tensors(rows: list[Row]) -> bytes:
    """The rows as MLServer takes a table: a tensor a column, asking for the probabilities."""
    inputs = [_tensor(name, [row[name] for row in rows]) for name in rows[0]]
    document = {"inputs": inputs, "outputs": [{"name": "predict_proba"}]}
    return json.dumps({"parameters": {"content_type": "pd"}, **document}).encode()


def _tensor(name: str, values: list[Any]) -> dict[str, Any]:
    text = isinstance(values[0], str)
    tensor = {"name": name, "shape": [len(values), 1], "datatype": "BYTES" if text else "FP64"}
    return {**tensor, "data": values, **({"parameters": {"content_type": "str"}} if text else {})}
