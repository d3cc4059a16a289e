"""The compiled runtime of the default learner: trees and a linear term, added up before one link.

The trees are an ONNX graph of one node, the term is numpy's; the scores are added in double
precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import add

import msgspec
import numpy as np

from learning.links import Doubles, outputs_of, row_outputs
from learning.prediction import Outputs
from learning.runtimes.onnx import OnnxRuntime
from learning.runtimes.text import Terms, TextModel
from tables.batch import Batch

TREES, TERM, HEAD = "trees.onnx", "term.json", "additive.json"


class TermModel(msgspec.Struct, frozen=True):
    """A linear model of columns and words, its sums kept within bounds, and weighted `[k]`."""

    model: TextModel
    weights: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Head(msgspec.Struct, frozen=True):
    """What is added to the scores `[k]`, and the link."""

    base: tuple[float, ...]
    link: str


def dump(trees: bytes | None, term: TermModel | None, head: Head) -> dict[str, bytes]:
    """Return the artifact's members that `load` reads; `trees` is an ONNX graph of scores."""
    members = {HEAD: msgspec.json.encode(head)}
    members |= {TREES: trees} if trees else {}
    return members | ({TERM: msgspec.json.encode(term)} if term else {})


def load(members: Mapping[str, bytes]) -> AdditiveRuntime:
    """Return the runtime of an artifact's members."""
    trees, term = members.get(TREES), members.get(TERM)
    return AdditiveRuntime(
        OnnxRuntime(trees) if trees else None,
        msgspec.json.decode(term, type=TermModel) if term else None,
        msgspec.json.decode(members[HEAD], type=Head),
    )


class AdditiveRuntime:
    """Trees and a linear term over a batch."""

    name = "additive"
    compiled = True
    quick = True

    def __init__(self, trees: OnnxRuntime | None, term: TermModel | None, head: Head) -> None:
        self._trees = trees
        self.term = TermScorer(term) if term else None
        self._base = list(head.base)
        self._wide = np.array(head.base)
        self._link = head.link

    def outputs(self, batch: Batch) -> Outputs:
        """Return the outputs `[n, k]`: probabilities, or quantities."""
        if len(batch.matrix) == 1:
            return row_outputs(self._link, self._row(batch))
        total: Doubles = np.tile(self._wide, (len(batch.matrix), 1))
        if self._trees is not None:
            total += self._trees.outputs(batch)
        if self.term is not None:
            total += self.term.rows(batch)
        return outputs_of(self._link, total)

    def _row(self, batch: Batch) -> list[float]:
        added = self._base
        if self._trees is not None:
            added = list(map(add, added, self._trees.row(batch.matrix)))
        if self.term is not None:
            added = list(map(add, added, self.term.row(batch)))
        return added


class TermScorer:
    """Scores rows by a linear term."""

    def __init__(self, term: TermModel) -> None:
        self.terms = Terms(term.model)
        self.bounds = list(zip(term.weights, term.low, term.high, strict=True))
        self._weights, self._low, self._high = map(np.array, (term.weights, term.low, term.high))

    def row(self, batch: Batch) -> list[float]:
        """Return the k scores of the only row."""
        return [
            weight * (low if value < low else high if value > high else value)
            for value, (weight, low, high) in zip(self.terms.row(batch), self.bounds, strict=True)
        ]

    def rows(self, batch: Batch) -> Doubles:
        """Return the scores `[n, k]`."""
        sums = self.terms.rows(batch)
        return np.asarray(np.clip(sums, self._low, self._high) * self._weights)
