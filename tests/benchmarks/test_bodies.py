from __future__ import annotations

import csv
import json
from pathlib import Path

from benchmarks import bodies


def test_rows_are_typed_complete_and_without_the_label(tmp_path: Path) -> None:
    file = tmp_path / "credit.csv"
    file.write_text("age,home,records,approved\n30,rent,no,true\n,rent,no,true\n-4,own,yes,false\n")
    assert bodies.read_rows(file) == [
        {"age": 30, "home": "rent", "records": "no"},
        {"age": -4, "home": "own", "records": "yes"},
    ]


def test_every_system_is_told_the_same_rows() -> None:
    rows = bodies.repeat([{"age": 30, "home": "rent"}, {"age": 4, "home": "own"}], 3)
    assert json.loads(bodies.as_json(rows)) == rows
    assert json.loads(bodies.as_object(rows)) == rows[0]
    assert json.loads(bodies.as_named_rows(rows)) == {"rows": rows}
    split = json.loads(bodies.as_split(rows))["dataframe_split"]
    assert [dict(zip(split["columns"], line, strict=True)) for line in split["data"]] == rows
    inputs = json.loads(bodies.as_tensors(rows))["inputs"]
    assert {i["name"]: i["data"] for i in inputs} == {
        "age": [30, 4, 30],
        "home": ["rent", "own", "rent"],
    }
    lines = list(csv.DictReader(bodies.as_csv(rows).decode().splitlines()))
    assert lines == [{name: str(value) for name, value in row.items()} for row in rows]
