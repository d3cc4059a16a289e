"""What the ready-made pipelines do to a batch before their classifier sees it.

A category never seen and a missing one look alike: zero in each of the
feature's one-hot columns. scikit-learn is imported when a pipeline is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tables.date_parts import WAVES
from tables.schema import Schema
from tables.scripts import WORD

# From this many one-hot columns on, most of them are kept as the zeros that they are.
SPARSE_WIDTH = 200
# The commonest words and pairs of words of a text feature; the rest say little for their weight.
MOST_WORDS = 20_000


def pipeline(prepare: Any, classifier: Any) -> Any:
    """Return a Pipeline of two steps, "prepare" and "classifier"."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", prepare), ("classifier", classifier)])


def prepare(schema: Schema, *, scaled: bool = False, words: int = MOST_WORDS) -> Any:
    """Return one-hot columns, numbers with the median for missing ones, and TF-IDF of words.

    Of dates, what stands on a circle is read where numbers are `scaled`, to be added up.
    """
    from sklearn.compose import ColumnTransformer

    columns = list(enumerate(schema.numeric))
    categories = {index: column for index, column in columns if column.kind == "category"}
    left_out = categories.keys() | (set() if scaled else waves(schema))
    numbers = [index for index, _ in columns if index not in left_out]
    steps: list[tuple[str, Any, Any]] = []
    if categories:
        codes = [np.arange(f.codes, dtype=np.float32) for f in categories.values()]
        sparse = sum(map(len, codes)) > SPARSE_WIDTH
        steps.append(("category", _one_hot(codes, sparse), list(categories)))
    if numbers:
        steps.append(("number", _numbers(scaled), numbers))
    for index, feature in enumerate(schema.texts, start=len(columns)):
        steps.append((f"text {feature.name}", _words(words, feature.unspaced), index))
    return ColumnTransformer(steps)


def waves(schema: Schema) -> set[int]:
    """Return the indices of the columns that say of a date where on a circle it stands."""
    parts = [part for f in schema.values for part in (f.dates.parts if f.dates else ("",))]
    return {index for index, part in enumerate(parts) if part in WAVES}


def _one_hot(codes: list[NDArray[np.float32]], sparse: bool) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        categories=codes, handle_unknown="ignore", sparse_output=sparse, dtype=np.float32
    )


def _numbers(scaled: bool) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    # A column may have values in the hold-out only: it is kept, so that it keeps its index.
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return Pipeline([("impute", imputer), ("scale", StandardScaler())]) if scaled else imputer


def _words(count: int, unspaced: bool) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        # Where nothing parts words, a few characters in a row may be one.
        ngram_range=(1, 4 if unspaced else 2),
        max_features=count,
        sublinear_tf=True,
        # One letter is a word too; without it a column of such has no vocabulary.
        token_pattern=WORD,
    )
