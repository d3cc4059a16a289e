"""Datasets: encoding as serving does, the hold-out."""

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


def read(text, encoding="utf-8"):
    return read_table(io.BytesIO(text.encode(encoding)))


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
2;NA;no;NA;not so good at all;b
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
    first, *_, last = read_dataset(table, "y").notes
    assert first == "made up"
    assert last.startswith("x alone gives y away")


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


def test_features_say_what_stands_in_the_prediction_log():
    dataset = read_dataset(mixed_table(100), "stays")
    logged = dataset.logging({"age": False, "plan": "hash", "comment": True})
    said = {feature.name: feature.log for feature in logged.schema.features}
    assert (said["age"], said["plan"], said["comment"]) == (False, "hash", True)
    assert {said[name] for name in said.keys() - {"age", "plan", "comment"}} == {None}
    with pytest.raises(DatasetError, match="log: the table has no column nothing"):
        dataset.logging({"nothing": False})


def test_rows_are_drawn_in_their_order_and_of_few_all():
    dataset = read_dataset(Table({"a": [*map(str, range(40))], "b": ["x", "y"] * 20}), "b")
    some = dataset.drawn(7, 3)
    values = some.batch.matrix[:, 0].tolist()
    assert len(values) == 7
    assert values == sorted(values)
    assert np.array_equal(some.batch.matrix, dataset.drawn(7, 3).batch.matrix)
    assert dataset.drawn(40, 3) is dataset
