"""The explainer: what each feature of a row contributes to the score that is answered.

A row's score is the baseline and its contributions added up. The baseline is the mean score of
the rows learnt from, as far as the trees tell by how many of them came where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from errors import ArtifactDamaged
from learning.explaining.linear import Bounds, Features, Sum
from learning.explaining.paths import Kept
from learning.explaining.trees import Trees, trees_of
from learning.links import Doubles
from learning.prediction import Runtime
from learning.processors import processors
from tables.batch import Batch
from tables.schema import Schema

MEMBER = "explanation.bin"
# In what the contributions add up: a link is the function from there to the answer.
Space = Literal["log_odds", "log_probability", "probability", "value", "log_value"]
SPACES: Mapping[str, Space] = {
    "logistic": "log_odds",
    "softmax": "log_probability",
    "mean": "probability",
    "identity": "value",
    "exponential": "log_value",
}
# So many rows are one thread's work.
BLOCK = 64


class Explanation(msgspec.Struct, frozen=True):
    """What explains a model beside its runtime.

    `base` is what is added to each score, `means` what each feature is a part of the linear
    sum in the mean `[k, features]`, none where there is no such sum.
    """

    link: str
    base: tuple[float, ...]
    trees: Kept | None = None
    means: tuple[tuple[float, ...], ...] = ()


class Explained(NamedTuple):
    """Contributions `[n, features]` to a score of each row, its index `[n]`, and the baselines.

    `words` are those of each text feature, by its index, for each row; none without texts.
    """

    contributions: Doubles
    outputs: list[int]
    baselines: list[float]
    words: list[dict[int, dict[str, float]]]


def dump(explanation: Explanation) -> dict[str, bytes]:
    """Return the artifact's member that `load` reads."""
    return {MEMBER: msgspec.msgpack.encode(explanation)}


def load(members: Mapping[str, bytes], runtime: Runtime, schema: Schema) -> Explainer | None:
    """Return what explains a model, None where its artifact has nothing. Raises ArtifactDamaged."""
    if MEMBER not in members:
        return None
    try:
        kept = msgspec.msgpack.decode(members[MEMBER], type=Explanation)
        return Explainer(kept, runtime, schema)
    except (msgspec.MsgspecError, ValueError, IndexError):
        raise ArtifactDamaged(f"the artifact's {MEMBER} is not what this release writes") from None


class Explainer:
    """Explains the answers of a runtime."""

    def __init__(self, kept: Explanation, runtime: Runtime, schema: Schema) -> None:
        self.space = SPACES[kept.link]
        self.link = kept.link
        self.outputs = len(kept.base)
        self._base = kept.base
        self._means = [np.array(means) for means in kept.means]
        self._count = len(schema.features)
        self._sum = sum_of(runtime, schema)
        paths = kept.trees.paths() if kept.trees else None
        each = [paths.of(output) for output in range(self.outputs)] if paths else []
        self._trees: list[Trees] = [trees_of(part, self._count) for part in each]
        self._baselines = [self._baseline(output) for output in range(self.outputs)]

    @property
    def quick(self) -> bool:
        """Whether a row is explained in well under a millisecond."""
        return all(trees.quick for trees in self._trees)

    @property
    def single(self) -> bool:
        """Whether there is one score, be there two classes or a quantity."""
        return self.outputs == 1

    def explain(self, batch: Batch, outputs: Sequence[int], words: bool = True) -> Explained:
        """Return the contributions to the score of the given index, for each row.

        Where there is one score, of two classes it is the second's, whatever the index.
        """
        chosen = [0] * len(batch.matrix) if self.single else list(outputs)
        rows = single_rows(batch)
        found = np.zeros((len(rows), self._count))

        def work(start: int) -> None:
            for index in range(start, min(start + BLOCK, len(rows))):
                found[index] = self._row(rows[index], chosen[index])

        starts = range(0, len(rows), BLOCK)
        if len(starts) > 1:
            list(self._threads.map(work, starts))
        else:
            work(0)
        told = self._words(rows, chosen) if words and batch.texts else []
        return Explained(found, chosen, [self._baselines[output] for output in chosen], told)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(processors(), "explain")

    def _row(self, row: Batch, output: int) -> Doubles:
        found = np.zeros(self._count)
        if self._trees:
            found += self._trees[output].row(row.matrix[0].tolist())
        if self._sum is not None:
            found += self._sum.contributions(row, output, self._means[output])
        return found

    def _words(self, rows: list[Batch], outputs: list[int]) -> list[dict[int, dict[str, float]]]:
        if self._sum is None:
            return []
        return [
            self._sum.words(row, output, self._means[output])
            for row, output in zip(rows, outputs, strict=True)
        ]

    def _baseline(self, output: int) -> float:
        found = self._base[output] + (self._trees[output].baseline if self._trees else 0.0)
        if self._sum is not None:
            found += self._sum.baseline(output, self._means[output])
        return float(found)


def sum_of(runtime: Any, schema: Schema) -> Sum | None:
    """Return the linear sum that is a part of a runtime's scores, None where there is none."""
    columns = len(schema.numeric)
    features = Features(schema.owners[:columns], schema.owners[columns:], len(schema.features))
    term = getattr(runtime, "term", None)
    if term is not None:
        return Sum(term.terms, features, [Bounds(*bounds) for bounds in term.bounds])
    terms = getattr(runtime, "terms", None)
    return Sum(terms, features) if terms is not None else None


def single_rows(batch: Batch) -> list[Batch]:
    """Return each row as a batch of its own."""
    if len(batch.matrix) == 1:
        return [batch]
    texts = zip(*batch.texts, strict=True) if batch.texts else ((),) * len(batch.matrix)
    return [
        Batch(batch.matrix[i : i + 1], tuple([text] for text in row)) for i, row in enumerate(texts)
    ]
