"""Classifiers of texts by their stems, and what they compile to."""

from __future__ import annotations

import numpy as np
import pytest

from errors import RecipeError
from learning.compile.compilation import compile as compile_model
from learning.estimators import Candidates
from learning.runtimes import load_runtime
from learning.runtimes.sklearn import estimator_input
from recipes.tweets.frequencies import ClassFrequencies
from recipes.tweets.scorers import frequencies, tfidf, words
from tables.batch import Batch
from tables.schema import Class, Feature, Schema, Target

TEXTS = (
    "good good day",
    "a good friend, lovely weather",
    "bad day",
    "very bad weather, no friends",
    "lovely, lovely, lovely",
    "what is it",
)
BESIDE = ("sunny", "so sunny there", "rain again", "rain and storm", "sunny rain", "storm")
NEW = ("", "gooder friendship", "BAD bad bad", "nothing known here", "lovely http://bad.example")


def schema(*classes: Class, texts: int = 1) -> Schema:
    """A signature of nothing but texts."""
    features = tuple(Feature(f"text{i}", "text") for i in range(texts))
    return Schema(features, Target("mood", classes or ("negative", "positive")))


def batch(*columns: tuple[str, ...]) -> Batch:
    """Texts as serving hands them over."""
    return Batch(np.empty((len(columns[0]), 0), dtype=np.float32), tuple(map(list, columns)))


def test_frequencies_are_shares_of_a_class() -> None:
    counts = np.array([[1, 0], [1, 1], [0, 1], [0, 1]])
    fitted = ClassFrequencies().fit(counts, np.array([0, 0, 1, 1]))
    assert fitted.frequencies_.tolist() == [[2 / 3, 1 / 3], [0.0, 1.0]]
    assert fitted.transform(np.array([[1, 1]])).tolist() == [[1.0, 1.0]]
    assert len(fitted.get_feature_names_out()) == 2


def test_two_classes_are_two_features() -> None:
    given = batch(TEXTS)
    fitted = frequencies(schema(), 0).fit(estimator_input(given), [1, 1, 0, 0, 1, 0])
    assert fitted[:-1].transform(estimator_input(given)).shape == (len(TEXTS), 2)
    assert fitted.predict(estimator_input(batch(("such good friends", "bad")))).tolist() == [1, 0]


def test_a_word_counts_once_a_text() -> None:
    fitted = frequencies(schema(), 0).fit(estimator_input(batch(TEXTS)), [1, 1, 0, 0, 1, 0])
    once, often = fitted.predict_proba(estimator_input(batch(("good", "good good good"))))
    assert once.tolist() == often.tolist()


@pytest.mark.parametrize("make", [frequencies, tfidf])
@pytest.mark.parametrize("classes", [(), ("bad", "good", "mixed")])
@pytest.mark.parametrize("texts", [1, 2])
def test_compiled_they_answer_the_same(make, classes: tuple[Class, ...], texts: int) -> None:
    described = schema(*classes, texts=texts)
    given = batch(*(TEXTS, BESIDE)[:texts])
    target = [1, 1, 0, 0, 1, 0] if not classes else [1, 1, 0, 0, 2, 2]
    fitted = make(described, 0).fit(estimator_input(given), target)
    compiled = compile_model(fitted, described, [given])
    assert (compiled.runtime_name, compiled.reason) == ("text", None)
    assert "estimator.skops" in compiled.members
    runtime = load_runtime("text", compiled.members)
    new = batch(*(NEW, NEW[::-1])[:texts])
    expected = fitted.predict_proba(estimator_input(new))
    assert np.abs(runtime.outputs(new) - expected).max() < 1e-12
    assert np.ptp(expected[:, 0]) > 0.01


def test_both_are_candidates_unless_one_is_named() -> None:
    both = words(schema(), 0)
    assert isinstance(both, Candidates)
    assert list(both.estimators) == ["frequencies", "tfidf"]
    assert words(schema(), 0, scorer="tfidf")[-1].C == tfidf(schema(), 0)[-1].C


def test_other_columns_than_texts_are_refused() -> None:
    mixed = Schema((Feature("text", "text"), Feature("age", "number")), Target("mood", (0, 1)))
    with pytest.raises(RecipeError, match="in nothing else"):
        frequencies(mixed, 0)
