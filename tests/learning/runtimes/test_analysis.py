"""Words by patterns, stop words and stems: the same from a vectorizer and from an artifact."""

from __future__ import annotations

import pickle

import msgspec
import numpy as np
import pytest
import skops.io

from learning.runtimes.analysis import LONGEST_WORD, Analyser, Analysis, analysed
from learning.runtimes.columns import Columns
from learning.runtimes.scores import LinearModel
from learning.runtimes.sklearn import trusted
from learning.runtimes.stemmed import STEMMED
from learning.runtimes.text import TextModel, TextRuntime, Words, load
from tables.batch import Batch

PLAIN = Analysis(r"@\w+", r"(?<=\w)-(?=\w)", r"\w+", ("the",))


def test_noise_goes_joints_join_and_stop_words_go():
    assert analysed(PLAIN)("The E-Mail @you of the CLIENT") == ["email", "of", "client"]


def test_without_a_stemmer_words_stay_and_with_one_they_are_stemmed():
    stemmed = msgspec.structs.replace(PLAIN, stemmer="portuguese")
    assert analysed(PLAIN)("meninas") == ["meninas"]
    assert analysed(stemmed)("meninas") == analysed(stemmed)("menina")


def test_a_word_without_end_is_left_as_it_is():
    word = "running" * LONGEST_WORD
    assert analysed(STEMMED)(word) == [word]


@pytest.mark.parametrize(
    "again",
    [
        lambda a: pickle.loads(pickle.dumps(a)),
        lambda a: skops.io.loads(skops.io.dumps(a), trusted=sorted(trusted())),
    ],
)
def test_an_analyser_survives_being_kept(again):
    made = Analyser(PLAIN.noise, PLAIN.joints, PLAIN.word, PLAIN.stop_words, "english")
    made("some text first")
    kept = again(made)
    assert kept.analysis == made.analysis
    assert kept("connected @me") == ["connect"]


def model(**more) -> dict[str, bytes]:
    words = Words(0, ("connect", "good"), ((1.0, 2.0),), "", **more)
    linear = LinearModel(Columns(()), ((),), (0.25,))
    return {"text.json": msgspec.json.encode(TextModel((words,), linear))}


def test_an_artifact_from_before_answers_as_one_that_carries_its_analysis():
    texts = ["Connected, the good", "good @connect", "", "nothing"]
    rows = Batch(np.empty((len(texts), 0), np.float32), (texts,))
    before = load(model(stemmed=True)).outputs(rows)
    after = load(model(analysis=STEMMED)).outputs(rows)
    assert isinstance(load(model()), TextRuntime)
    assert np.array_equal(before, after)
    assert before[0, 1] == pytest.approx(1 / (1 + np.exp(-3.25)))
