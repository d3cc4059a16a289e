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
from learning.explaining.background import KeptBackground
from learning.explaining.bins import Places
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
BLOCK = 256


class Explanation(msgspec.Struct, frozen=True):
    """What explains a model beside its runtime.

    `base` is what is added to each score, `means` what each feature is a part of the linear
    sum in the mean `[k, features]`, none where there is no such sum. `background` is of the
    sample that contributions are against, where they are, and `rows` how many it has.
    """

    link: str
    base: tuple[float, ...]
    trees: Kept | None = None
    means: tuple[tuple[float, ...], ...] = ()
    background: KeptBackground | None = None
    rows: int = 0


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
        self._trees = _trees(kept, self._count)
        # Whether a row is explained in well under a millisecond.
        self.quick = all(trees.quick for trees in self._trees)
        self._baselines = [self._baseline(output) for output in range(self.outputs)]

    @property
    def single(self) -> bool:
        """Whether there is one score, be there two classes or a quantity."""
        return self.outputs == 1

    @property
    def work(self) -> int:
        """How many numbers a row takes that is explained leaf by leaf, 0 where none is."""
        return max((trees.work for trees in self._trees), default=0)

    @property
    def cost(self) -> str:
        """What explaining a row takes, in words."""
        return self._trees[0].cost if self._trees else "microseconds a row"

    def explain(self, batch: Batch, outputs: Sequence[int], words: bool = True) -> Explained:
        """Return the contributions to the score of the given index, for each row.

        Where there is one score, of two classes it is the second's, whatever the index.
        """
        chosen = [0] * len(batch.matrix) if self.single else list(outputs)
        made = np.zeros((len(chosen), self._count))
        told: list[dict[int, dict[str, float]]] = [{} for _ in chosen] if self._tells(words) else []

        def work(rows: Places) -> None:
            output = chosen[rows[0]]
            part = batch if len(rows) == len(chosen) else rows_of(batch, rows)
            found, own = self._block(part, output, bool(told))
            made[rows] = found
            for row, terms in zip(rows.tolist(), own, strict=False):
                told[row] = terms

        blocks = _blocks(chosen)
        if len(blocks) > 1:
            list(self._threads.map(work, blocks))
        elif blocks:
            work(blocks[0])
        return Explained(made, chosen, [self._baselines[output] for output in chosen], told)

    def of_trees(self, batch: Batch, output: int) -> Doubles:
        """Return what the trees alone contribute to a score `[n, features]`."""
        if not self._trees:
            return np.zeros((len(batch.matrix), self._count))
        return self._trees[output].rows(batch.matrix)

    def _tells(self, words: bool) -> bool:
        return words and self._sum is not None and self._sum.has_words

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(processors(), "explain")

    def _block(
        self, batch: Batch, output: int, words: bool
    ) -> tuple[Doubles, list[dict[int, dict[str, float]]]]:
        """Return the contributions of rows to one score `[n, features]`, and the words'."""
        found = self.of_trees(batch, output)
        if self._sum is None:
            return found, []
        shares = self._sum.contributions(batch, output, self._means[output])
        told = self._sum.words(batch, output, shares.factors) if words else []
        return found + shares.contributions, told

    def _baseline(self, output: int) -> float:
        found = self._base[output] + (self._trees[output].baseline if self._trees else 0.0)
        if self._sum is not None:
            found += self._sum.baseline(output, self._means[output])
        return float(found)


def _trees(kept: Explanation, features: int) -> list[Trees]:
    """Return the trees of each score, none where there are none."""
    if kept.trees is None:
        return []
    paths, against = kept.trees.paths(), kept.background
    background = against.background() if against else None
    found = []
    for output in range(len(kept.base)):
        own = paths.outputs == output
        beside = background.of(own) if background else None
        found.append(trees_of(paths.taken(own), features, beside))
    return found


def _blocks(outputs: Sequence[int]) -> list[Places]:
    """Return the rows of each block: of one score, and one thread's work."""
    if len(outputs) == 1:
        return [np.zeros(1, np.intp)]
    scores = np.array(outputs, np.intp)
    every = (np.flatnonzero(scores == output) for output in np.unique(scores))
    return [rows[i : i + BLOCK] for rows in every for i in range(0, len(rows), BLOCK)]


def rows_of(batch: Batch, rows: Places) -> Batch:
    """Return some rows."""
    indices = rows.tolist()
    texts = tuple([column[index] for index in indices] for column in batch.texts)
    return Batch(np.ascontiguousarray(batch.matrix[rows]), texts)


def sum_of(runtime: Any, schema: Schema) -> Sum | None:
    """Return the linear sum that is a part of a runtime's scores, None where there is none."""
    columns = len(schema.numeric)
    features = Features(schema.owners[:columns], schema.owners[columns:], len(schema.features))
    term = getattr(runtime, "term", None)
    if term is not None:
        return Sum(term.terms, features, [Bounds(*bounds) for bounds in term.bounds])
    terms = getattr(runtime, "terms", None)
    return Sum(terms, features) if terms is not None else None
