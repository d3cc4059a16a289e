from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from errors import ModelFileError
from learning.imports import example as example_module
from learning.imports.example import Example, read_example

ROW = {"age": 30, "own": True, "sure": "False", "code": "007", "y": "yes"}


def of_json(folder: Path, document: Any) -> Example:
    file = folder / "row.json"
    file.write_text(json.dumps(document))
    return read_example(file, "y")


def of_table(folder: Path, text: str) -> Example:
    file = folder / "table.csv"
    file.write_text(text)
    return read_example(file, "y")


def kinds(example: Example) -> dict[str, str]:
    return {feature.name: feature.kind for feature in example.features}


def test_a_row_shows_the_kind_of_each_value(tmp_path: Path) -> None:
    made = of_json(tmp_path, ROW)
    # In quotes, digits were meant to be text.
    assert kinds(made) == {"age": "number", "own": "boolean", "sure": "boolean", "code": "text"}
    assert made.labels == ["yes"]
    assert made.words == {"sure"}
    assert made.rows == [{"age": 30, "own": True, "sure": False, "code": "007"}]


def test_a_tables_cells_are_what_they_look_like(tmp_path: Path) -> None:
    made = of_table(tmp_path, "age,own,code\n30,true,a1\n,false,b2\n18,true,\n")
    assert kinds(made) == {"age": "number", "own": "boolean", "code": "text"}
    age, own, code = made.features
    assert (age.nullable, own.nullable, code.nullable) == (True, False, True)
    assert (age.minimum, age.maximum, age.example) == (18, 30, 30)
    assert made.labels is None
    assert made.words == frozenset()


def test_of_a_long_table_the_first_rows_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_module, "MOST_ROWS", 2)
    made = of_table(tmp_path, "age,y\n1,a\n2,b\n3,c\n")
    assert [row["age"] for row in made.rows] == [1, 2]
    assert made.labels == ["a", "b"]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "expected a row, or rows"),
        (3, "expected a row, or rows"),
        ([{"a": 1}, {"b": 1}], "expected a row, or rows"),
        ({}, "the example has no row"),
        ({"age": None}, "no value of age"),
        ([{"age": 1}, {"age": "x"}], "several kinds, or of none, in age"),
        ({"age": [1]}, "several kinds, or of none, in age"),
    ],
)
def test_an_example_that_shows_nothing_is_refused(tmp_path: Path, document: Any, told: str) -> None:
    with pytest.raises(ModelFileError, match=told):
        of_json(tmp_path, document)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"cannot read the example .*nowhere\.json"):
        read_example(tmp_path / "nowhere.json", "y")
    (tmp_path / "cut.json").write_text("{")
    with pytest.raises(ModelFileError, match=r"the example .*cut\.json: "):
        read_example(tmp_path / "cut.json", "y")


def test_a_thousand_rows_of_an_example_are_answered(tmp_path: Path) -> None:
    assert len(of_table(tmp_path, "a,b\n" + "1,2\n" * 1001).rows) == 1000
