"""The target's column: whose rows are kept, what its classes are called, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from errors import DatasetError
from tables.strata import SMALLEST_CLASS
from tables.table import Table
from tables.target import are_numbered, labelled, read_classes

ROWS = 40


def cycle(*cells):
    return [cells[i % len(cells)] for i in range(ROWS)]


def table_of(label, **more):
    return Table({"x": list(map(str, range(len(label)))), "label": label}, **more)


def read(label, **options):
    table, notes = labelled(table_of(label), "label")
    found = read_classes(table, "label", **options)
    return found._replace(notes=(*notes, *found.notes))


def classes(*cells, **options):
    return read(cycle(*cells), **options).target.classes


def refusal(label, **options):
    with pytest.raises(DatasetError) as refused:
        read(label, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_classes_are_sorted_and_typed():
    assert classes("10", "9") == (9, 10)
    assert classes("1.0", "2.0") == (1, 2)
    assert classes("0.5", "1.5") == ("0.5", "1.5")
    assert classes("007", "010") == ("007", "010")
    assert classes("b", "a ", "c") == ("a", "b", "c")
    assert classes(True, False) == classes("true", "false") == (False, True)


@pytest.mark.parametrize("words", [("no", "yes"), ("No", "Yes"), ("FALSE", "TRUE"), ("no", "Yes")])
def test_yes_and_no_keep_the_table_s_spelling_with_yes_last(words):
    found = read(cycle(*reversed(words)))
    assert found.target.classes == words
    assert found.target.keys == words
    assert found.values.tolist() == [1, 0] * (ROWS // 2)
    assert found.notes == ()


def test_spellings_of_yes_are_one_class_under_the_commonest_and_said():
    found = read(cycle("Yes", "yes", "Yes", "no"))
    assert found.target.classes == ("no", "Yes")
    assert found.notes == ("label: 'Yes' and 'yes' are read as one class, 'Yes'",)


def test_a_kind_that_is_given_decides_what_classes_are():
    assert classes("Yes", "no", kind="boolean") == (False, True)
    assert classes("0", "1", kind="category") == ("0", "1")
    assert classes("true", "false", kind="category") == ("false", "true")
    assert classes("1.0", "0.0", kind="integer") == (0, 1)
    assert "column label, row 2: not of kind boolean" in refusal(cycle("yes", "b"), kind="boolean")
    assert "not of kind integer" in refusal(cycle("1", "2.5"), kind="integer")


def test_a_label_that_is_not_there_is_refused_with_a_near_miss():
    table = Table({"age": cycle("1", "2"), "approved": cycle("yes", "no")})
    with pytest.raises(DatasetError, match=r"^the table has no column aproved; did you mean appr"):
        labelled(table, "aproved")
    with pytest.raises(DatasetError, match="it has age, approved"):
        labelled(table, "zzz")


def test_rows_without_a_label_are_left_out_counted_and_named():
    label = cycle("a", "b")
    label[2], label[16], label[17] = None, "", " "
    table, notes = labelled(table_of(label, lines=range(2, ROWS + 2)), "label")
    assert len(table) == ROWS - 3
    assert table.columns["x"][2] == "3"
    assert table.index(2) == "row 4 (line 5)"
    assert notes == ("label, the label, has no value in 3 rows, first row 3 (line 4); left out",)
    assert labelled(table, "label") == (table, ())


def test_a_word_that_means_missing_is_named():
    _, (note,) = labelled(table_of([*cycle("a", "b"), "NA", "NA"]), "label")
    assert "no value in 2 rows ('NA' is read as missing)" in note


def test_among_codes_of_two_letters_na_is_a_class():
    assert classes("NL", "NA", "US", "BR") == ("BR", "NA", "NL", "US")


def test_no_label_at_all_is_refused():
    assert "no value in any row" in refusal(cycle(None))


def test_classes_of_too_few_rows_are_left_out_and_counted():
    found = read([*cycle("a", "b"), "z", "w", "z"])
    assert found.target.classes == ("a", "b")
    assert found.rows.tolist() == list(range(ROWS))
    assert len(found.values) == ROWS
    assert found.notes == (
        "label: 2 classes have fewer than 5 rows, 'w' and 'z', 3 rows in all, left out; "
        "merge_rare merges them",
    )


def test_classes_of_too_few_rows_are_merged_where_it_is_asked():
    rare = [f"r{i}" for i in range(SMALLEST_CLASS)]
    found = read([*cycle("a", "b"), *rare], merge_rare="other")
    assert found.target.classes == ("a", "b", "other")
    assert found.rows is None
    assert found.values[-SMALLEST_CLASS:].tolist() == [2] * SMALLEST_CLASS
    (note,) = found.notes
    assert note.endswith("5 rows in all, merged into the class 'other'")


def test_merged_classes_join_one_of_that_name_and_are_texts_with_the_others():
    assert read([*cycle("1", "2"), "7"], merge_rare="2").target.classes == ("1", "2")
    found = read([*cycle("1", "2"), *"34567"], merge_rare="more")
    assert found.target.classes == ("1", "2", "more")


def test_what_is_still_too_few_when_merged_is_left_out():
    found = read([*cycle("a", "b"), "r", "s"], merge_rare="other")
    assert found.target.classes == ("a", "b")
    assert len(found.notes) == 2


def test_the_smallest_class_that_can_be_split_is_kept():
    assert SMALLEST_CLASS == 5
    label = ["a"] * (ROWS - SMALLEST_CLASS) + ["b"] * SMALLEST_CLASS
    assert read(label).target.classes == ("a", "b")
    assert "only one class has 5 rows" in refusal(["a", *label[:-1]])


def test_classes_that_differ_in_capitals_are_said():
    found = read(cycle("Good", "good", "bad"))
    assert found.target.classes == ("Good", "bad", "good")
    assert found.notes == (
        "label: the classes 'Good' and 'good' differ in capitals only; they are kept apart",
    )


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (cycle("a"), "one class only"),
        (cycle("yes", "Yes"), "one class only"),
        ([f"n{i}" for i in range(ROWS)], "40 classes have fewer than 5 rows, 'n0', 'n1'"),
    ],
)
def test_a_label_that_cannot_be_learnt_is_refused(label, why):
    found = refusal(label)
    assert "column label" in found
    assert why in found


def test_numbers_of_classes_are_no_quantity():
    label = [str(i % 77) for i in range(77 * SMALLEST_CLASS)]
    numbers = np.array(label, np.float64)
    assert are_numbered(numbers)
    assert not are_numbered(3 * numbers)
    assert not are_numbered(numbers[:-1])
    assert len(read(label).target.classes) == 77
    assert len(read([str(3 * int(n)) for n in label], kind="category").target.classes) == 77


def test_many_classes_are_read():
    label = [f"c{i}" for i in range(300)] * SMALLEST_CLASS
    assert len(read(label).target.classes) == 300
