"""Descriptions: what learning would read, and why a column is left out."""

from __future__ import annotations

import json

import pytest

from errors import DatasetError
from tables.dataset import read_dataset
from tables.description import MOST_CATEGORIES, describe
from tables.dialect import Dialect
from tables.table import Table

ROWS = 40
TABLE = Table(
    {
        "x": [f"{n},5" for n in range(ROWS)],
        "code": [f"C{n:05}" for n in range(ROWS)],
        "colour": ["red", "blue"] * (ROWS // 2),
        "y": ["yes", "no"] * (ROWS // 2 - 1) + ["", "maybe"],
    },
    dialect=Dialect(";"),
)


def test_it_says_what_learning_reads() -> None:
    document = describe(TABLE, "y").document()
    assert json.loads(json.dumps(document)) == document | {
        "columns": json.loads(json.dumps(document["columns"])),
        "target": {"name": "y", "task": "classification", "classes": ["no", "yes"]},
    }
    assert document["rows"] == ROWS - 2
    assert document["dialect"]["decimal"] == ","
    assert [column.get("kind") for column in document["columns"]] == ["number", None, "category"]
    assert document["columns"][0]["written"] == {"decimal": ","}
    assert "identifier" in document["columns"][1]["left_out"]
    assert len(document["notes"]) == 2
    said = [*document["notes"], *(n for c in document["columns"] for n in c.get("notes", ()))]
    assert [n for n in read_dataset(TABLE, "y").notes if "gives y away" not in n] == said


def test_without_a_target_every_column_is_a_feature() -> None:
    document = describe(TABLE).document()
    assert "target" not in document
    assert document["rows"] == ROWS
    assert document["columns"][3]["kind"] == "category"


def test_a_long_category_is_cut_and_counted() -> None:
    table = Table({"x": [f"v{n % 30}" for n in range(90)], "z": ["1", "2", "3"] * 30})
    (column, _) = describe(table).document()["columns"]
    assert len(column["categories"]) == MOST_CATEGORIES
    assert column["number_of_categories"] == 30


def test_the_report_has_a_line_a_column() -> None:
    lines = describe(TABLE, "y").report().splitlines()
    assert lines[0] == "rows        38"
    assert "label       y: no, yes" in lines
    assert lines[-1].startswith("colour  category  blue, red")
    assert "x       number    0.5 to 37.5" in lines[-3]


def test_what_cannot_be_learnt_from_is_refused_as_there() -> None:
    with pytest.raises(DatasetError, match="the table has no column z"):
        describe(TABLE, "z")
