from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from learning.compile.weights import linear_model, text_model
from learning.families.logistic import family
from learning.forms.sources import (
    CannotFold,
    Indicator,
    Linear,
    Number,
    Word,
    columned,
)
from learning.forms.trees import Is
from learning.runtimes.sklearn import estimator_input
from learning.runtimes.text import TextRuntime
from tables.batch import Batch
from tables.schema import Feature, Schema, Target
from tests.learning.samples import batch, target

TEXT = Schema((Feature("text", "text"),), Target("label", (False, True)))
ROWS = batch(400, texts=1)
TEXTS = Batch(np.empty((400, 0), np.float32), ROWS.texts)


def test_columns_of_a_feature_are_added_up() -> None:
    given = Linear(
        [Number(0, 5.0, 2.0, 1.0), Number(0, 5.0), Indicator(Is(1, 3), 4.0, 0.5)],
        [[10.0, 1.0, 100.0]],
        [7.0],
    )
    model = linear_model(given)
    assert model.columns.take == (0, 1)
    assert model.columns.codes == (3,)
    assert model.columns.fill == (5.0, 1.0)
    # The category's column is 1 where the code is not met: its weight is taken away there.
    assert model.weights == ((21.0, -400.0),)
    assert model.intercepts == (7.0 + 10.0 + 450.0,)


def test_words_are_no_columns_of_a_linear_model() -> None:
    with pytest.raises(CannotFold, match="stands on words"):
        linear_model(Linear([Word(0, None, 0)], [[1.0]], [0.0]))


def text_estimator(vectorizer: Any) -> Pipeline:
    prepare = ColumnTransformer([("text", vectorizer, 0)])
    estimator = Pipeline([("prepare", prepare), ("classifier", LogisticRegression())])
    return estimator.fit(estimator_input(TEXTS), target(ROWS))


HARD = [
    "", " ", "GOOD", "cafe CAFÉ café Cafe\u0301", "naïve ﬁne ½ Ⅷ", "don't", "a x A",
    "rain rain sun", "the SUN 42 4 2", "good\nbad\tgood", "Straße İstanbul", "unknown words",
    "good-bad_x",
]  # fmt: skip


@pytest.mark.parametrize(
    "vectorizer",
    [
        CountVectorizer(),
        CountVectorizer(binary=True, lowercase=False, ngram_range=(2, 3)),
        CountVectorizer(stop_words="english", token_pattern=r"(?u)\b\w+\b"),
        CountVectorizer(stop_words=["good", "x"], strip_accents="unicode", max_features=5),
        TfidfVectorizer(),
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b"),
        TfidfVectorizer(norm="l1", smooth_idf=False, strip_accents="ascii"),
        TfidfVectorizer(norm=None, use_idf=False, binary=True, token_pattern=r"\S+"),
    ],
)
def test_texts_are_scored_as_the_vectorizer_and_the_model_do(vectorizer: Any) -> None:
    estimator = text_estimator(vectorizer)
    runtime = TextRuntime(text_model(family.fold(columned(estimator, TEXT), 2)))
    rows = Batch(np.empty((len(HARD), 0), np.float32), (HARD,))
    wanted = estimator.predict_proba(estimator_input(rows))
    np.testing.assert_allclose(runtime.outputs(rows), wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("vectorizer", "what"),
    [
        (CountVectorizer(analyzer="char"), "analyzer"),
        (CountVectorizer(tokenizer=str.split, token_pattern=None), "tokenizer"),
        (CountVectorizer(preprocessor=str.upper), "preprocessor"),
        (CountVectorizer(strip_accents=str.upper), "strip_accents"),
    ],
)
def test_a_vectorizer_with_functions_of_its_own_is_refused(vectorizer: Any, what: str) -> None:
    estimator = text_estimator(vectorizer)
    with pytest.raises(CannotFold, match=f"CountVectorizer has its own {what}"):
        text_model(family.fold(columned(estimator, TEXT), 2))
