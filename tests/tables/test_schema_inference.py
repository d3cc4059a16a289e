"""Inference: the signature of a table, what is left out and flagged, what is refused."""

from __future__ import annotations

import pytest

from errors import DatasetError
from tables.column import TEXT_EXAMPLE
from tables.schema import Feature
from tables.schema_inference import infer_schema
from tables.table import Table

ROWS = 40
LABEL = ["yes", "no"] * (ROWS // 2)


def infer(**columns):
    return infer_schema(Table({**columns, "label": LABEL}), "label")[:2]


def feature(cells, **more):
    (found,) = infer_schema(Table({"x": cells, "label": LABEL}), "label", **more)[0].features
    return found


def refusal(table, target="label", **more):
    with pytest.raises(DatasetError) as refused:
        infer_schema(table, target, **more)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def cycle(*cells):
    return [cells[i % len(cells)] for i in range(ROWS)]


def test_every_kind_has_its_facts():
    assert feature(cycle("3", "1", None, "7")) == Feature(
        "x", "integer", nullable=True, minimum=1.0, maximum=7.0, example=3
    )
    assert feature(cycle("1.5", "2", "9")) == Feature(
        "x", "number", minimum=1.5, maximum=9.0, example=2.0
    )
    assert feature(cycle("Yes", "no", "no")) == Feature("x", "boolean", example=False)
    assert feature(cycle("b", "a", "b", None)) == Feature(
        "x", "category", nullable=True, categories=("a", "b"), example="b"
    )
    assert feature([f"some text number {i}" for i in range(ROWS)]) == Feature(
        "x", "text", example=TEXT_EXAMPLE
    )


def test_every_row_counts_not_only_the_first():
    cells = cycle("1", "2")
    assert feature(cells).kind == "integer"
    cells[-1] = "2.5"
    assert feature(cells).kind == "number"
    cells[-1] = "x"
    assert feature(cells).categories == ("1", "2", "x")
    cells[-1] = None
    assert feature(cells).nullable


def test_a_text_example_is_nobody_s_text():
    texts = [f"my name is {i} and" for i in range(ROWS)]
    assert feature(texts).example not in texts


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (cycle("x"), "same value"),
        (cycle("1.0", "1"), "same value"),
        (cycle("Yes", "TRUE"), "same value"),
        (cycle("x", None), "same value"),
        (cycle(None), "no value"),
        (cycle("01/13/2024", "13/01/2024"), "dates"),
        ([f"C{i:05}" for i in range(ROWS)], "identifier"),
    ],
)
def test_what_is_left_out_is_said_and_ignored_in_rows(cells, why):
    schema, notes = infer(x=cells, kept=cycle("1", "2", "3"))
    assert [f.name for f in schema.features] == ["kept"]
    assert schema.ignored == ("x",)
    (note,) = notes
    assert note.startswith("x ")
    assert why in note
    assert "left out" in note


def test_an_integer_that_differs_in_every_row_is_kept_and_flagged():
    schema, notes = infer(x=[str(1000 + i) for i in range(ROWS)])
    assert [f.name for f in schema.features] == ["x"]
    assert "identifier" in notes[0]


def test_many_categories_are_flagged():
    _, notes = infer(x=cycle(*(f"v{i}" for i in range(ROWS - 1))))
    assert notes == (f"x has {ROWS - 1} categories in {ROWS} rows",)


def test_nothing_is_said_of_an_ordinary_column():
    assert infer(x=cycle("1", "2", "3"), y=cycle("a", "b", None))[1] == ()


def test_an_alias_in_the_table_is_read_as_its_category():
    found = feature(
        cycle("rent", "aluguel", "owner"),
        aliases={"x": {"aluguel": "rent", "propria": "owner", "pais": "parents"}},
    )
    assert found.categories == ("owner", "rent")
    assert found.aliases == {"aluguel": "rent", "propria": "owner"}


def test_a_settled_kind_counts_more_than_the_values():
    assert feature(cycle("1", "2"), kinds={"x": "category"}).categories == ("1", "2")
    dates = [f"2024-01-{1 + i % 28:02d}" for i in range(ROWS)]
    assert feature(dates, kinds={"x": "category"}).kind == "category"
    assert feature(cycle("1", "2"), kinds={"x": "number"}).example == 1.0


def test_a_settled_kind_that_does_not_fit_is_refused():
    table = Table({"x": cycle("1", "b"), "label": LABEL})
    for kind in ("integer", "number", "boolean"):
        assert "column x, row " in refusal(table, kinds={"x": kind})


def test_rows_without_a_label_or_of_a_rare_class_are_not_looked_at():
    label = ["", *LABEL[1:-1], "maybe"]
    x = ["none of these", *cycle("1", "2", "3")[1:-1], "is a number"]
    schema, notes, batch, values, _ = infer_schema(Table({"x": x, "label": label}), "label")
    assert schema.features == (Feature("x", "integer", minimum=1.0, maximum=3.0, example=2),)
    assert batch.matrix.shape == (ROWS - 2, 1)
    assert values.tolist() == [0, *[1, 0] * (ROWS // 2 - 2), 1]
    assert len(notes) == 2


def test_a_cell_is_named_by_its_row_in_the_file_also_where_rows_are_left_out():
    cells = [str(i / 3) for i in range(ROWS)]
    cells[7] = "pending"
    table = Table({"x": cells, "label": ["", *LABEL[1:]]})
    assert refusal(table).startswith("column x, row 8: not a number")
    table = Table(table.columns, lines=range(2, ROWS + 2))
    assert refusal(table).startswith("column x, row 8 (line 9): not a number")


@pytest.mark.parametrize("name", ["rownames", "Unnamed: 0"])
def test_an_index_that_pandas_or_r_named_is_left_out(name):
    table = Table({name: list(map(str, range(1, ROWS + 1))), "x": cycle("1", "2"), "y": LABEL})
    inferred = infer_schema(table, "y")
    assert inferred.schema.ignored == (name,)
    assert inferred.notes == (f"{name} counts the rows, as an index does; it is left out",)
    unlabelled = Table({**table.columns, "y": ["", *LABEL[1:5], "", *LABEL[6:]]})
    assert infer_schema(unlabelled, "y").schema.ignored == (name,)
    other = Table({name: list(map(str, range(ROWS, 0, -1))), "x": cycle("1", "2"), "y": LABEL})
    assert infer_schema(other, "y").schema.ignored == ()


def test_a_table_with_nothing_to_learn_from_is_refused():
    assert "nothing to learn" in refusal(Table({"x": cycle("a"), "label": LABEL}))


def test_words_in_a_column_of_numbers_are_refused_with_their_row():
    cells = [str(i / 3) for i in range(ROWS)]
    cells[7] = "pending"
    found = refusal(Table({"x": cells, "label": LABEL}))
    assert found.startswith("column x, row 8: not a number")
    assert "pending" not in found


@pytest.mark.parametrize("cell", ["1e39", "-1e39", "inf", "1e400"])
def test_a_number_too_large_for_the_matrix_is_refused(cell):
    cells = [str(i / 3) for i in range(ROWS)]
    cells[3] = cell
    assert "column x, row 4" in refusal(Table({"x": cells, "label": LABEL}))
