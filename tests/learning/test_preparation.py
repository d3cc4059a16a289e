"""The ready-made pipelines: what they are fitted on, and what they make of missing and unknown."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from learning.families.boosting import boosting
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.preparation import prepare
from learning.runtimes.sklearn import estimator_input
from tables.dataset import read_dataset
from tables.schema import UNKNOWN, Feature, Schema, Target
from tables.table import Table
from tests.learning.tables import dated_table, mixed_table, without

MIXED = read_dataset(mixed_table(), "stays")
PLAIN = read_dataset(without(mixed_table(), "comment"), "stays")


@pytest.mark.parametrize("make", [forest, boosting, logistic])
def test_each_learns_what_there_is_to_learn(make):
    fitted = make(PLAIN.schema, 0).fit(estimator_input(PLAIN.batch), PLAIN.target)
    assert fitted.score(estimator_input(PLAIN.batch), PLAIN.target) > 0.8
    assert [name for name, _ in fitted.steps] == ["prepare", "classifier"]


@pytest.mark.parametrize("make", [forest, logistic])
def test_texts_are_learnt_from_beside_the_rest(make):
    fitted = make(MIXED.schema, 0).fit(estimator_input(MIXED.batch), MIXED.target)
    assert fitted.score(estimator_input(MIXED.batch), MIXED.target) > 0.8


@pytest.mark.parametrize("make", [forest, logistic])
def test_an_unknown_category_and_a_missing_one_are_zero_in_every_column(make):
    prepare = make(PLAIN.schema, 0).fit(PLAIN.batch.matrix, PLAIN.target)[0]
    rows = PLAIN.batch.matrix[:3].copy()
    index = [f.name for f in PLAIN.schema.numeric].index("plan")
    rows[:, index] = [0, np.nan, UNKNOWN]
    assert prepare.transform(rows)[:, :3].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_what_the_forest_sees_is_float32():
    prepared = forest(PLAIN.schema, 0)[0].fit_transform(PLAIN.batch.matrix)
    assert prepared.dtype == np.float32


def test_missing_numbers_are_the_median_and_an_empty_column_keeps_its_place():
    schema = PLAIN.schema
    rows = PLAIN.batch.matrix.copy()
    rows[:, 1] = np.nan
    prepared = forest(schema, 0)[0].fit_transform(rows)
    assert prepared.shape[1] == 3 + 3
    rows = np.array([[20, 1, 0, 0], [30, np.nan, 0, 0], [40, 5, 0, 0]], dtype=np.float32)
    assert forest(schema, 0)[0].fit_transform(rows)[1, 4] == 3.0


def test_hundreds_of_categories_are_kept_sparse_and_learnt():
    cells = [f"v{i % 201}" for i in range(603)]
    table = Table({"x": cells, "y": [cell in ("v1", "v2", "v3") for cell in cells]})
    dataset = read_dataset(table, "y")
    for make in (forest, logistic, boosting):
        fitted = make(dataset.schema, 0).fit(dataset.batch.matrix, dataset.target)
        assert fitted.predict_proba(dataset.batch.matrix).shape == (dataset.rows, 2)


@pytest.mark.parametrize(("categories", "sparse"), [(200, False), (201, True)])
def test_two_hundred_columns_of_categories_are_kept_whole(categories, sparse):
    features = (Feature("x", "category", categories=tuple(map(str, range(categories)))),)
    ((_, encoder, _),) = prepare(Schema(features, Target("y", (0, 1)))).transformers
    assert encoder.sparse_output is sparse


def test_twenty_thousand_words_of_a_text_are_kept():
    ((_, words, _),) = prepare(Schema((Feature("t", "text"),), Target("y", (0, 1)))).transformers
    assert words.max_features == 20_000


def test_a_forest_is_not_drowned_in_words():
    texts = [" ".join(f"w{j * i % 997}" for j in range(30)) for i in range(1, 101)]
    dataset = read_dataset(Table({"t": texts, "y": ["a", "b"] * 50}), "y")
    prepared = forest(dataset.schema, 0)[0].fit_transform(estimator_input(dataset.batch))
    assert prepared.shape[1] == 200


def test_one_letter_texts_have_a_vocabulary():
    texts = [f"{a} {b} {c}" for a in "abcde" for b in "xyz" for c in "uv"]
    dataset = read_dataset(Table({"t": texts, "y": ["a", "b"] * 15}), "y")
    estimator = clone(logistic(dataset.schema, 0))
    estimator.fit(estimator_input(dataset.batch), dataset.target)


def test_where_a_date_stands_on_a_circle_is_for_what_adds_up():
    dataset = read_dataset(dated_table(), "busy")
    numbers = len(dataset.schema.numeric)
    widths = [
        make(dataset.schema, 0)[0].fit_transform(dataset.batch.matrix).shape[1]
        for make in (forest, logistic)
    ]
    assert widths == [numbers - 6, numbers]
