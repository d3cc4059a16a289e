"""Linear models over a batch: what the linear, text and additive runtimes are made from."""

from __future__ import annotations

from typing import Any, NamedTuple

from learning.forms.sources import CannotFold, Indicator, Linear, Number, Source, Sum, Word
from learning.forms.trees import Is
from learning.runtimes.analysis import Analyser
from learning.runtimes.columns import Columns
from learning.runtimes.scores import LinearModel
from learning.runtimes.text import TextModel, Words


class _Term(NamedTuple):
    """A source as a column: what stands in it, its slope, and what goes to the intercept."""

    column: tuple[int, float | None] | Is
    slope: float
    constant: float


def _term(source: Number | Indicator) -> _Term:
    if isinstance(source, Number):
        return _Term((source.feature, source.fill), source.scale, source.shift)
    # The runtime's column is 0 where the test holds, and 1 elsewhere.
    return _Term(source.test, -source.scale, source.scale + source.shift)


def linear_model(given: Linear) -> LinearModel:
    """Return a linear classifier of numbers and categories in the form that its runtime reads."""
    terms = [_term(s) for s in given.sources if isinstance(s, Number | Indicator)]
    if len(terms) < len(given.sources):
        raise CannotFold("a linear model stands on words")
    numbers = list(dict.fromkeys(t.column for t in terms if not isinstance(t.column, Is)))
    tests = list(dict.fromkeys(t.column for t in terms if isinstance(t.column, Is)))
    indices = {c: i for i, c in enumerate((*numbers, *tests))}
    weights = [[0.0] * len(indices) for _ in given.weights]
    intercepts = list(given.intercepts)
    for output, row in enumerate(given.weights):
        for weight, term in zip(row, terms, strict=True):
            weights[output][indices[term.column]] += weight * term.slope
            intercepts[output] += weight * term.constant
    columns = Columns(
        take=(*(f for f, _ in numbers), *(t.feature for t in tests)),
        codes=tuple(t.code for t in tests),
        fill=(*(v for _, v in numbers), *(0.0 if t.missing else 1.0 for t in tests)),
    )
    return LinearModel(columns, tuple(map(tuple, weights)), tuple(intercepts))


def text_model(given: Linear) -> TextModel:
    """Return a linear classifier of words, and maybe of more, in the form that its runtime reads.

    Raises CannotFold for a vectorizer whose words the runtime cannot find.
    """
    given = _spread(given)
    beside = [i for i, s in enumerate(given.sources) if isinstance(s, Number | Indicator)]
    groups: dict[tuple[int, int], list[int]] = {}
    for index, source in enumerate(given.sources):
        if isinstance(source, Word):
            groups.setdefault((source.text, id(source.vectorizer)), []).append(index)
    words = tuple(_words(_part(given, indices)) for indices in groups.values())
    return TextModel(words, linear_model(_part(given, beside)))


def _spread(given: Linear) -> Linear:
    """Return the same model with a weight for each word of a sum, in place of the sum's."""
    sums = [i for i, source in enumerate(given.sources) if isinstance(source, Sum)]
    kept = [i for i in range(len(given.sources)) if i not in sums]
    sources: list[Source] = [given.sources[i] for i in kept]
    weights = [[row[i] for i in kept] for row in given.weights]
    intercepts = list(given.intercepts)
    words = dict.fromkeys(w for i in sums for w in _sum_of(given, i).words)
    for output, row in enumerate(given.weights):
        totals = dict.fromkeys(words, 0.0)
        for source, weight in ((_sum_of(given, i), row[i]) for i in sums):
            intercepts[output] += weight * source.shift
            for word, share in zip(source.words, source.weights, strict=True):
                totals[word] += weight * source.scale * share
        weights[output] += totals.values()
    return Linear([*sources, *words], weights, intercepts)


def _sum_of(given: Linear, index: int) -> Sum:
    source = given.sources[index]
    assert isinstance(source, Sum)
    return source


def _part(given: Linear, indices: list[int]) -> Linear:
    """Return the linear model of some of the sources."""
    weights = [[row[i] for i in indices] for row in given.weights]
    return Linear([given.sources[i] for i in indices], weights, given.intercepts)


def _words(given: Linear) -> Words:
    first = given.sources[0]
    assert isinstance(first, Word)
    vectorizer = first.vectorizer
    _check(vectorizer)
    weighs = hasattr(vectorizer, "use_idf")
    analyzer = vectorizer.analyzer
    shortest, longest = vectorizer.ngram_range
    return Words(
        text=first.text,
        terms=tuple(str(t) for t in vectorizer.get_feature_names_out()),
        weights=tuple(tuple(row) for row in given.weights),
        pattern=vectorizer.token_pattern,
        analysis=analyzer.analysis if isinstance(analyzer, Analyser) else None,
        lowercase=vectorizer.lowercase,
        accents=vectorizer.strip_accents,
        stop_words=tuple(sorted(vectorizer.get_stop_words() or ())),
        shortest=shortest,
        longest=longest,
        binary=vectorizer.binary,
        sublinear=weighs and vectorizer.sublinear_tf,
        idf=tuple(vectorizer.idf_.tolist()) if weighs and vectorizer.use_idf else None,
        norm=vectorizer.norm if weighs else None,
    )


def _check(vectorizer: Any) -> None:
    own = [n for n in ("preprocessor", "tokenizer") if getattr(vectorizer, n) is not None]
    if vectorizer.analyzer != "word" and not isinstance(vectorizer.analyzer, Analyser):
        own.append("analyzer")
    if callable(vectorizer.strip_accents):
        own.append("strip_accents")
    if own:
        raise CannotFold(f"{type(vectorizer).__name__} has its own {' and '.join(own)}")
