"""The compiled runtime of texts: words counted in Python, as the vectorizer counts them.

Text does not survive ONNX: its tokenizer is another, and labels flip.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import log, sqrt
from operator import add
from typing import Literal

import msgspec
import numpy as np

from learning.links import Doubles, probabilities_of, row_probabilities
from learning.prediction import Outputs
from learning.runtimes.analysis import Analysis, analysed
from learning.runtimes.scores import LinearModel, LinearScorer
from learning.runtimes.stemmed import STEMMED
from tables.batch import Batch

MEMBER = "text.json"


class Words(msgspec.Struct, frozen=True):
    """How one text feature is counted and weighed.

    `text` is its index in the batch. Words are what `pattern` finds, without
    the stop words; terms are runs of `shortest` to `longest` words. `weights`
    is `[k, terms]`. The options are those of scikit-learn's TfidfVectorizer.
    With an `analysis`, terms are what that finds instead. `stemmed` is how
    artifacts from before said so: they mean `learning.runtimes.stemmed`.
    """

    text: int
    terms: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    pattern: str
    lowercase: bool = True
    accents: Literal["ascii", "unicode"] | None = None
    stop_words: tuple[str, ...] = ()
    shortest: int = 1
    longest: int = 1
    binary: bool = False
    sublinear: bool = False
    idf: tuple[float, ...] | None = None
    norm: Literal["l1", "l2"] | None = None
    stemmed: bool = False
    analysis: Analysis | None = None


class TextModel(msgspec.Struct, frozen=True):
    """The text features, and a linear model of the others, with the intercepts."""

    words: tuple[Words, ...]
    linear: LinearModel


def dump(model: TextModel) -> dict[str, bytes]:
    """Return the artifact's members that `load` reads."""
    return {MEMBER: msgspec.json.encode(model)}


def load(members: Mapping[str, bytes]) -> TextRuntime:
    """Return the runtime of an artifact's members."""
    return TextRuntime(msgspec.json.decode(members[MEMBER], type=TextModel))


class TextRuntime:
    """A linear model of words, and of the features beside them."""

    name = "text"
    compiled = True
    quick = True

    def __init__(self, model: TextModel) -> None:
        self.terms = Terms(model)

    def outputs(self, batch: Batch) -> Outputs:
        """Return the probabilities `[n, k]`."""
        if len(batch.matrix) == 1:
            return row_probabilities(self.terms.row(batch))
        return probabilities_of(self.terms.rows(batch))


class Terms:
    """Scores rows by a linear model of columns and words."""

    def __init__(self, model: TextModel) -> None:
        self.linear = LinearScorer(model.linear) if model.linear.columns.take else None
        self.intercepts = model.linear.intercepts
        self.words = [(words.text, WordScorer(words)) for words in model.words]

    def row(self, batch: Batch) -> list[float]:
        """Return the k scores of the only row."""
        sums = self.linear.row(batch.matrix) if self.linear else [*self.intercepts]
        for index, words in self.words:
            sums = list(map(add, sums, words.score(batch.texts[index][0])))
        return sums

    def rows(self, batch: Batch) -> Doubles:
        """Return the scores `[n, k]`."""
        if self.linear:
            sums = self.linear.rows(batch.matrix)
        else:
            sums = np.tile(np.array(self.intercepts), (len(batch.matrix), 1))
        for index, words in self.words:
            sums += words.scores(batch.texts[index])
        return sums


class WordScorer:
    """Scores texts by their words."""

    def __init__(self, words: Words) -> None:
        self._analyse = analyser(words)
        self._terms = words.terms
        self._indices = {term: index for index, term in enumerate(words.terms)}
        self._weights = list(zip(*words.weights, strict=True))
        self._outputs = len(words.weights)
        self._idf = words.idf
        self._binary, self._sublinear, self._norm = words.binary, words.sublinear, words.norm

    def scores(self, texts: list[str]) -> Doubles:
        """Return the scores `[n, k]` of the texts, without an intercept."""
        return np.array([self.score(t) for t in texts]).reshape(len(texts), self._outputs)

    def score(self, text: str) -> list[float]:
        """Return the k scores of one text, without an intercept."""
        values, norm = self._found(text)
        weights = self._weights
        if self._outputs == 1:
            return [sum([v * weights[p][0] for p, v in values.items()]) / norm]
        return [
            sum([v * weights[p][k] for p, v in values.items()]) / norm for k in range(self._outputs)
        ]

    def terms(self, text: str, output: int) -> dict[str, float]:
        """Return what each term of a text adds to a score."""
        values, norm = self._found(text)
        return {self._terms[p]: v * self._weights[p][output] / norm for p, v in values.items()}

    def _found(self, text: str) -> tuple[dict[int, float], float]:
        """Return the values of the terms of a text by index, and what they are divided by."""
        indices = self._indices
        counts = Counter([indices[t] for t in self._analyse(text) if t in indices])
        values = self._values(counts)
        return values, self._length(values.values())

    def _values(self, counts: Mapping[int, int]) -> dict[int, float]:
        values: dict[int, float] = dict(counts)
        if self._binary:
            values = dict.fromkeys(values, 1.0)
        if self._sublinear:
            values = {p: log(v) + 1.0 for p, v in values.items()}
        if self._idf is not None:
            idf = self._idf
            values = {p: v * idf[p] for p, v in values.items()}
        return values

    def _length(self, values: Iterable[float]) -> float:
        if self._norm is None:
            return 1.0
        if self._norm == "l1":
            return sum(map(abs, values)) or 1.0
        return sqrt(sum([v * v for v in values])) or 1.0


def analyser(words: Words) -> Callable[[str], list[str]]:
    """Return the function from a text to its terms, in the order of scikit-learn's own steps."""
    analysis = STEMMED if words.stemmed else words.analysis
    if analysis is not None:
        return analysed(analysis)
    find = re.compile(words.pattern).findall
    accents = _ACCENTS[words.accents]
    stop_words = frozenset(words.stop_words)
    single = words.longest == 1

    def analyse(text: str) -> list[str]:
        if words.lowercase:
            text = text.lower()
        found: list[str] = find(accents(text))
        if stop_words:
            found = [w for w in found if w not in stop_words]
        return found if single else _runs(found, words.shortest, words.longest)

    return analyse


def _runs(words: list[str], shortest: int, longest: int) -> list[str]:
    return [
        " ".join(words[start : start + length])
        for length in range(shortest, min(longest, len(words)) + 1)
        for start in range(len(words) - length + 1)
    ]


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join([c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)])


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


_ACCENTS: dict[str | None, Callable[[str], str]] = {
    "ascii": _ascii,
    "unicode": _without_accents,
    None: str,
}
