"""Datasets: reading CSV and refusing what is none, encoding as serving does, the hold-out."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest

from errors import DatasetError
from tables.dataset import encode, read_dataset
from tables.readers import read_table
from tables.rows import RowCodec
from tables.schema import UNKNOWN
from tables.split import sample, split
from tables.table import Table
from tests.learning.tables import mixed_table

GOOD = "age,home,label\n30,rent,yes\n41,owner,no\n"


def read(text, encoding="utf-8"):
    return read_table(io.BytesIO(text.encode(encoding) if isinstance(text, str) else text))


def refusal(text):
    with pytest.raises(DatasetError) as refused:
        read(text)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# ---------------------------------------------------------------- reading


def test_a_table_is_read_by_column_with_the_line_of_each_row():
    table = read(GOOD)
    assert table.columns == {
        "age": ["30", "41"],
        "home": ["rent", "owner"],
        "label": ["yes", "no"],
    }
    assert table.index(1) == "row 2 (line 3)"
    assert len(table) == 2


def test_a_file_is_read_by_its_path(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    assert read_table(tmp_path / "t.csv").columns == read(GOOD).columns
    with pytest.raises(DatasetError, match=r"cannot read the table .*No such file"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_marks_endings_and_delimiters_are_found_out(encoding, ending, delimiter):
    text = GOOD.replace("home", "onde está").replace("\n", ending).replace(",", delimiter)
    table = read(text, encoding)
    assert list(table.columns) == ["age", "onde está", "label"]
    assert list(table.lines) == [2, 3]


def test_delimiters_within_quotes_are_not_taken_for_delimiters():
    table = read('a;"b, or c, or d";e\n1;"x; ""y"", z";2\n3;"u, v, w";4\n')
    assert table.columns == {
        "a": ["1", "3"],
        "b, or c, or d": ['x; "y", z', "u, v, w"],
        "e": ["2", "4"],
    }


def test_a_header_of_names_with_other_delimiters_is_told_by_the_rows():
    table = read("name;height, cm;age, years\nx;1;2\ny;3;4\n")
    assert list(table.columns) == ["name", "height, cm", "age, years"]


def test_cells_may_hold_line_breaks_and_places_count_lines():
    table = read('a,b\n"x\ny",1\nz,2\n')
    assert table.columns["a"] == ["x\ny", "z"]
    assert table.index(1) == "row 2 (line 4)"


def test_empty_rows_are_passed_over_and_lines_still_count():
    table = read("a,b\n\n1,x\n,\n2,y\n\n")
    assert table.columns == {"a": ["1", "2"], "b": ["x", "y"]}
    assert list(table.lines) == [3, 5]


def test_decimal_commas_are_read_where_the_comma_does_not_delimit():
    table = read("price;text\n1,5;a,b\n2;1,5\n")
    assert table.columns == {"price": ["1.5", "2"], "text": ["a,b", "1,5"]}
    assert table.notes == ("price has decimal commas, read as points",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the table is empty"),
        (" \n\n", "the table is empty"),
        ("\ufeff", "the table is empty"),
        ("a,b\n", "no rows under its header, line 1"),
        ("a\n1\n", "one column"),
        ("age,home,age\n1,2,3\n", "names age twice: columns 1 and 3"),
        ("age, age ,x\n1,2,3\n", "names age twice: columns 1 and 2"),
        (",age\n0,30\n", "no name for column 1"),
        ('"a\nb",c\n1,x\n', "column 1 has a control character"),
        (f"{'a' * 300},b\n0,30\n", "column 1 is longer than 200"),
        ("a,b\n1,x\n2,y,z\n", "row 2 (line 3) has 3 cells, the header 2"),
        ('a,b\n"1\n1",x\n2\n', "row 2 (line 4) has 1 cells, the header 2"),
        ("a,b\n1,x\na,b\n2,y\n", "row 2 (line 3) is the header again"),
        ("a,b\n1,\0\n", "line 2 has a zero byte"),
        ('a,b\n1,"x\n2,y\n', "line 2: a quote is never closed"),
        ('a,b\n1,"x"y\n', "line 2: a quoted cell goes on"),
        (f'a,b\n1,"{"x" * 200_000}"\n', "line 2: a cell is longer than"),
        ("9,rent,60\n17,rent,36\n10,owner,60\n", "no header: line 1 looks like"),
        ("1,2,3\n4,5,6\n", "no header"),
        (GOOD.encode() + b"30,\xff,yes\n", "not UTF-8: line 4"),
        (GOOD.encode("utf-16"), "not UTF-8: line 1"),
        ("age,onde est\xe1\n1,x\n".encode("latin-1"), "not UTF-8: line 1"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(text, why):
    assert why in refusal(text)


def test_names_that_are_years_do_not_make_a_header_of_data():
    assert list(read("country,code,2019\nx,a,1.5\ny,b,2.5\n").columns) == [
        "country",
        "code",
        "2019",
    ]


# ---------------------------------------------------------------- encoding


def test_a_table_is_encoded_as_serving_encodes_the_same_rows(root):
    table = read_table(root / "data" / "credit.csv")
    dataset = read_dataset(table, "approved", {"home": {"aluguel": "rent"}})
    codec = RowCodec(dataset.schema)
    sent = codec.decode_columns({name: list(cells) for name, cells in table.columns.items()}).batch
    np.testing.assert_array_equal(sent.matrix, dataset.batch.matrix)
    again = codec.encode_objects(dataset.objects(range(dataset.rows)))
    np.testing.assert_array_equal(again.matrix, dataset.batch.matrix)


STRANGE = """id;plan;vip;rate;comment;label
1; gold ;Yes;1,5; it was good ;a
2;NA;no;;not so good at all;b
3;silver;;0,1;;a
4;gold;TRUE;16777217;"said ""no"";
left";b
5;none;no;-2,25;never again please;a
""" + "".join(f"{i};gold;no;1,5;row number {i} here;{'ab'[i % 2]}\n" for i in range(6, 20))


def test_a_strange_table_is_encoded_as_serving_encodes_it():
    table = read(STRANGE, "utf-8-sig")
    dataset = read_dataset(table, "label")
    kinds = [feature.kind for feature in dataset.schema.features]
    assert kinds == ["integer", "category", "boolean", "number", "text"]
    codec = RowCodec(dataset.schema)
    for batch in (
        codec.decode_columns({name: list(cells) for name, cells in table.columns.items()}).batch,
        codec.encode_objects(dataset.objects(range(dataset.rows))),
    ):
        np.testing.assert_array_equal(batch.matrix, dataset.batch.matrix)
        assert batch.texts == dataset.batch.texts


def test_missing_is_nan_and_no_text_is_empty():
    batch = read_dataset(read(STRANGE), "label").batch
    assert np.isnan(batch.matrix[1, [1, 3]]).all()
    assert np.isnan(batch.matrix[2, 2])
    assert batch.texts[0][2] == ""
    assert batch.texts[0][0] == " it was good "


def test_the_target_is_the_place_of_each_row_s_class():
    dataset = read_dataset(read(STRANGE), "label")
    classes = dataset.schema.target.classes
    assert [classes[i] for i in dataset.target[:5]] == ["a", "b", "a", "b", "a"]


def test_an_alias_is_encoded_as_its_category():
    table = Table({"home": ["rent", "aluguel", "own"] * 5, "y": ["a", "b", "a"] * 5})
    dataset = read_dataset(table, "y", {"home": {"aluguel": "rent"}})
    assert dataset.batch.matrix[:3, 0].tolist() == [1.0, 1.0, 0.0]
    assert encode(table, dataset.schema).matrix[:3, 0].tolist() == [1.0, 1.0, 0.0]


def test_a_category_of_another_table_is_encoded_as_unknown():
    table = Table({"home": ["rent", "own"] * 8, "y": ["a", "b"] * 8})
    schema = read_dataset(table, "y").schema
    other = Table({"home": ["own", "tent", None], "y": ["a", "a", "b"]})
    np.testing.assert_array_equal(encode(other, schema).matrix[:, 0], [0.0, UNKNOWN, np.nan])


def test_notes_of_the_table_and_giveaways_are_kept():
    table = Table({"x": ["1", "2"] * 20, "y": ["a", "b"] * 20}, notes=("made up",))
    first, second = read_dataset(table, "y").notes
    assert first == "made up"
    assert second.startswith("x alone gives y away")


# ---------------------------------------------------------------- hold-out


def test_the_split_holds_out_a_share_of_every_class():
    dataset = read_dataset(mixed_table(200), "stays")
    train, holdout = split(dataset, seed=0)
    assert train.rows + holdout.rows == 200
    before, after = Counter(dataset.target.tolist()), Counter(holdout.target.tolist())
    assert after == {index: round(0.2 * count) for index, count in before.items()}
    assert holdout.schema == dataset.schema


def test_the_smallest_class_is_in_both_parts():
    table = Table({"x": [str(i % 7) for i in range(105)], "y": ["a"] * 100 + ["b"] * 5})
    train, holdout = split(read_dataset(table, "y"), seed=3)
    assert np.bincount(holdout.target).tolist() == [20, 1]
    assert np.bincount(train.target).tolist() == [80, 4]


def test_the_same_seed_gives_the_same_split_and_another_one_another():
    dataset = read_dataset(mixed_table(), "stays")
    digests = [split(dataset, seed)[1].digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_taken_rows_keep_features_texts_and_classes_together():
    dataset = read_dataset(mixed_table(), "stays")
    taken = dataset.take(np.array([5, 2]))
    assert taken.objects([0, 1]) == dataset.objects([5, 2])
    assert taken.target.tolist() == dataset.target[[5, 2]].tolist()
    assert taken.batch.matrix.flags.c_contiguous


def test_a_sample_has_every_class_in_proportion_and_enough_of_it():
    table = Table({"x": [str(i % 7) for i in range(1000)], "y": ["a"] * 600 + ["b"] * 400})
    taken = sample(read_dataset(table, "y"), 100)
    assert np.abs(np.bincount(taken.target) - [60, 40]).max() <= 2
    table = Table({"x": [str(i % 7) for i in range(1000)], "y": ["a"] * 990 + ["b"] * 10})
    taken = sample(read_dataset(table, "y"), 100)
    assert np.bincount(taken.target).tolist() == [95, 5]
    assert sample(taken, 100) is taken


def test_columns_of_other_lengths_make_no_table():
    with pytest.raises(DatasetError, match="not all of one length"):
        Table({"x": [1, 2], "y": [1]})


def test_the_digest_tells_datasets_apart():
    table = mixed_table()
    first = read_dataset(table, "stays").digest
    assert first == read_dataset(mixed_table(), "stays").digest
    changed = {**table.columns, "comment": ["other words of it", *table.columns["comment"][1:]]}
    assert first != read_dataset(Table(changed), "stays").digest
