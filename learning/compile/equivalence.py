"""The proof that a compiled model answers as its estimator does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from learning.prediction import Outputs, Runtime
from tables.batch import Batch
from tables.schema import UNKNOWN, Schema

# Rows made beside the given ones: as many for thresholds, unless a feature has
# more; the most of all; and those with unknown categories and missing values.
PROBES = 20_000
MOST_PROBES = 100_000
UNSETTLED = 2_000
CHUNK = 10_000

# A task's: the largest difference of two models' outputs; raises EquivalenceError.
Difference = Callable[[Outputs, Outputs], float]


def prove(
    expected: Callable[[Batch], Outputs],
    runtime: Runtime,
    batches: Iterable[Batch],
    difference: Difference,
) -> dict[str, float]:
    """Return how many rows were compared, and the largest difference, as the task tells it.

    Raises EquivalenceError where the runtime does not answer as expected.
    """
    rows, largest = 0, 0.0
    for batch in chain.from_iterable(chunks(b, CHUNK) for b in batches):
        rows += len(batch.matrix)
        largest = max(largest, difference(expected(batch), runtime.outputs(batch)))
    return {"rows": rows, "largest_difference": largest}


def chunks(batch: Batch, size: int) -> Iterable[Batch]:
    """Yield the batch in pieces of at most `size` rows."""
    for start in range(0, len(batch.matrix), size):
        part = slice(start, start + size)
        yield Batch(batch.matrix[part], tuple(texts[part] for texts in batch.texts))


def probes(rows: Batch, schema: Schema, thresholds: dict[int, list[float]], seed: int) -> Batch:
    """Return rows where a compiled model would first go wrong.

    Given rows, drawn at random, with some of their numbers placed at a
    threshold and at the next float32 on either side, every threshold in turn;
    with some of their categories unknown and values missing, where the
    schema lets them; and with texts mixed of two texts' words.
    """
    generator = np.random.default_rng(seed)
    sides = {f: _sides(values) for f, values in thresholds.items()}
    # A category's column holds codes, and nothing between them.
    codes = [f for f in sides if schema.numeric[f].kind == "category"]
    sides |= {f: np.unique(np.rint(sides[f])) for f in codes}
    sizes = [len(s) for s in sides.values()]
    placed = min(max([min(PROBES, sum(sizes)), *sizes]), MOST_PROBES - UNSETTLED)
    drawn = generator.integers(len(rows.matrix), size=placed + UNSETTLED)
    matrix = rows.matrix[drawn]
    _put_at(matrix[:placed], sides)
    _unsettle(matrix[placed:], schema, generator)
    return Batch(matrix, tuple(_mixed(texts, drawn, generator) for texts in rows.texts))


def _mixed(texts: list[str], drawn: NDArray[np.intp], generator: np.random.Generator) -> list[str]:
    """Return texts made of words of two, in any order; every tenth in capitals, the first empty."""
    made = []
    for index in drawn:
        words = np.array(f"{texts[index]} {texts[index - 1]}".split())
        made.append(" ".join(generator.permutation(words)[: len(words) // 2 + 1]))
    made[::10] = [text.upper() for text in made[::10]]
    return ["", *made[1:]]


def _sides(thresholds: list[float]) -> NDArray[np.float32]:
    at = np.array(thresholds, np.float32)
    at = at[np.isfinite(at)]
    with np.errstate(over="ignore"):
        # Beside the largest float32 is infinity, which no row has.
        around = (np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf)))
    sides = np.unique(np.concatenate(around))
    finite: NDArray[np.float32] = sides[np.isfinite(sides)]
    return finite


def _put_at(matrix: NDArray[np.float32], sides: dict[int, NDArray[np.float32]]) -> None:
    """Deal the values out over the rows, as few to a row as there is room for."""
    start, count = 0, len(matrix)
    for feature, values in sides.items():
        values = values[:: -(-len(values) // count)] if len(values) > count else values
        indices = (start + np.arange(len(values))) % count
        matrix[indices, feature] = values
        start += len(values)


def _unsettle(matrix: NDArray[np.float32], schema: Schema, generator: np.random.Generator) -> None:
    for index, feature in enumerate(schema.numeric):
        if feature.kind == "category":
            matrix[generator.random(len(matrix)) < 0.2, index] = UNKNOWN
        if feature.nullable or schema.imputes is True:
            matrix[generator.random(len(matrix)) < 0.2, index] = np.nan
