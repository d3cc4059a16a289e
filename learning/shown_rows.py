"""Some rows of the hold-out, as pages show them: those most wrong, and typical ones.

They are kept only where the recipe lets rows be shown (`Recipe.show_rows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.members import read_member
from learning.prediction import Outputs
from learning.tasks import task_of
from tables.dataset import Dataset
from tables.schema import Schema

MEMBER = "rows.json"
# So many rows of either sort, and so many cells of all together.
MOST_ROWS, MOST_CELLS = 10, 4_000
# Letters of a cell; what is longer ends with a sign.
MOST_LETTERS = 500


class ShownRow(msgspec.Struct, frozen=True, array_like=True):
    """A row's cells in the schema's order, what was true of it, and its loss."""

    cells: tuple[Any, ...]
    truth: Any
    loss: float

    def fields(self, schema: Schema) -> dict[str, Any]:
        """Return the row as a client would send it; a long text was cut."""
        return dict(zip((f.name for f in schema.features), self.cells, strict=True))


class ShownRows(msgspec.Struct, frozen=True):
    """The rows with the largest losses, the largest first; and typical ones."""

    wrong: tuple[ShownRow, ...]
    typical: tuple[ShownRow, ...]


def shown_rows_of(holdout: Dataset, outputs: Outputs) -> ShownRows:
    """Return the rows of the hold-out to show, by a model's outputs `[n, width]` of it.

    A typical row's loss is near the median.
    """
    losses = task_of(holdout.schema.target).losses(outputs, holdout.target)
    most = int(np.clip(MOST_CELLS // (2 * max(1, len(holdout.schema.features))), 1, MOST_ROWS))
    order = np.argsort(-losses, kind="stable")
    middle = np.argsort(np.abs(losses - np.median(losses)), kind="stable")
    wrong = order[:most].tolist()
    typical = [index for index in middle.tolist() if index not in wrong][:most]
    return ShownRows(_rows(holdout, losses, wrong), _rows(holdout, losses, typical))


def dump(rows: ShownRows | None) -> dict[str, bytes]:
    """Return the member that keeps the rows, none where none may be shown."""
    return {} if rows is None else {MEMBER: msgspec.json.encode(rows)}


def load(members: Mapping[str, bytes]) -> ShownRows | None:
    """Return the rows among an artifact's members, None where none. Raises ArtifactDamaged."""
    return read_member(members, MEMBER, ShownRows)


def _rows(
    holdout: Dataset, losses: NDArray[np.float64], indices: Sequence[int]
) -> tuple[ShownRow, ...]:
    classes = holdout.schema.target.classes
    found = []
    for index, row in zip(indices, holdout.objects(indices), strict=True):
        true = holdout.target[index]
        truth = classes[int(true)] if classes else float(true)
        cells = tuple(shortened(cell, MOST_LETTERS) for cell in row.values())
        found.append(ShownRow(cells, truth, float(f"{losses[index]:.6g}")))
    return tuple(found)


def shortened(value: Any, most: int) -> Any:
    """Return a value, of a text with more letters the first and a sign."""
    return value[:most] + "…" if isinstance(value, str) and len(value) > most else value
