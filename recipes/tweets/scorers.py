"""Classifiers of tweets by their stems: summed word frequencies, and TF-IDF weights.

scikit-learn is imported when one is made: reading the recipe costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from errors import RecipeError
from learning.estimators import Candidates
from learning.families.logistic import Strength
from learning.preparation import pipeline
from recipes.tweets.words import analyser
from tables.schema import Schema

Scorer = Literal["better", "frequencies", "tfidf"]


def frequencies(schema: Schema, seed: int, *, C: Strength = 1.0) -> Any:
    """Return a logistic regression on the summed frequencies of a text's words in each class.

    Of two classes these are two features, the negative and the positive. A word
    counts once a text, however often it is in it.
    """
    from sklearn.linear_model import LogisticRegression

    from recipes.tweets.frequencies import summed_frequencies

    classifier = LogisticRegression(C=C, random_state=seed)
    return _by_words(schema, summed_frequencies, classifier)


def tfidf(schema: Schema, seed: int, *, C: Strength = 10.0) -> Any:
    """Return a logistic regression on the TF-IDF weights of a text's words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(C=C, max_iter=1000, random_state=seed)
    return _by_words(schema, lambda: TfidfVectorizer(analyzer=analyser()), classifier)


def words(schema: Schema, seed: int, *, scorer: Scorer = "better") -> Any:
    """Return the named one of the two, or both as candidates: the better in cross-validation."""
    makers = {"frequencies": frequencies, "tfidf": tfidf}
    if scorer != "better":
        return makers[scorer](schema, seed)
    return Candidates({name: make(schema, seed) for name, make in makers.items()}, seed)


def _by_words(schema: Schema, words: Callable[[], Any], classifier: Any) -> Any:
    from sklearn.compose import ColumnTransformer

    if not schema.texts or schema.numeric:
        raise RecipeError(
            "words are counted in texts, and in nothing else: one text column at least"
        )
    steps = [(f"text {text.name}", words(), index) for index, text in enumerate(schema.texts)]
    return pipeline(ColumnTransformer(steps), classifier)
