from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from learning.runtimes import text
from learning.runtimes.columns import Columns
from learning.runtimes.scores import LinearModel
from learning.runtimes.text import TextModel, Words, WordScorer
from tables.batch import Batch

ALONE = LinearModel(Columns(take=()), weights=((),), intercepts=(0.5,))


def words(**options: object) -> Words:
    given: dict[str, object] = {
        "text": 0,
        "terms": ("bad", "good", "very good"),
        "weights": ((-1.0, 2.0, 4.0),),
        "pattern": r"(?u)\b\w\w+\b",
        **options,
    }
    return Words(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "score"),
    [
        ({}, 3.0),
        ({"binary": True}, 1.0),
        ({"longest": 2}, 7.0),
        ({"shortest": 2, "longest": 2}, 4.0),
        ({"stop_words": ("good",)}, -1.0),
        ({"lowercase": False}, 1.0),
        ({"sublinear": True}, 2 * (1 + log(2)) - 1),
        ({"idf": (3.0, 0.5, 1.0)}, 2 * 2 * 0.5 - 3.0),
        ({"norm": "l1"}, 3.0 / 3),
        ({"norm": "l2"}, 3.0 / sqrt(5)),
    ],
)
def test_each_option_counts_as_it_says(options: dict[str, object], score: float) -> None:
    scorer = WordScorer(words(**options))
    assert scorer.scores(["Good, bad: very good!"])[0] == pytest.approx([score])


def test_a_text_of_no_known_word_scores_nothing() -> None:
    for norm in (None, "l1", "l2"):
        assert WordScorer(words(norm=norm)).scores(["", "other"]).tolist() == [[0.0], [0.0]]


def test_accents_are_kept_or_taken_off() -> None:
    options = {"terms": ("naive", "nave", "naïve"), "weights": ((1.0, 10.0, 100.0),)}
    scores = [
        WordScorer(words(accents=accents, **options)).scores(["naïve ½"])[0, 0]
        for accents in (None, "unicode", "ascii")
    ]
    assert scores == [100.0, 1.0, 1.0]


def test_texts_and_features_are_added_up() -> None:
    beside = LinearModel(Columns(take=(0,), fill=(2.0,)), weights=((3.0,),), intercepts=(0.5,))
    model = TextModel((words(), words(text=1, weights=((-10.0, 0.0, 0.0),))), beside)
    runtime = text.load(text.dump(model))
    matrix = np.array([[1.0], [np.nan]], np.float32)
    rows = Batch(matrix, (["good", "bad"], ["good", "bad bad"]))
    scores = np.array([0.5 + 3 + 2, 0.5 + 6 - 1 - 20])
    assert runtime.outputs(rows)[:, 1] == pytest.approx(1 / (1 + np.exp(-scores)))


def test_one_text_and_many_get_the_same_answer() -> None:
    runtime = text.load(text.dump(TextModel((words(),), ALONE)))
    texts = ["good", "bad bad", ""]
    together = runtime.outputs(Batch(np.empty((3, 0), np.float32), (texts,)))
    for index, one in enumerate(texts):
        alone = runtime.outputs(Batch(np.empty((1, 0), np.float32), ([one],)))
        assert alone == pytest.approx(together[index : index + 1])
    assert runtime.outputs(Batch(np.empty((0, 0), np.float32), ([],))).shape == (0, 2)
