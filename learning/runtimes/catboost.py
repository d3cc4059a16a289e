"""The runtime of CatBoost models with categories: CatBoost itself answers, a row in some 50 us.

The library is an option: it is imported when a model first asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from errors import ArtifactDamaged, DependencyError
from learning.runtimes.base import Probabilities
from tables.batch import Batch

MEMBER = "model.cbm"
COLUMNS = "catboost.json"
INSTALL = "catboost is not installed; to install it: pip install -r requirements-catboost.txt"

# CatBoost hashes the spellings of categories: one that it never saw is like any other such.
UNKNOWN_CATEGORY = "<unknown>"
MISSING_CATEGORY = "<missing>"
# From this many rows on, more threads pay.
MANY_ROWS = 1000


class Column(msgspec.Struct, frozen=True):
    """Where a feature of CatBoost's comes from.

    `place` is that of a column of the batch's matrix, or of a text. All but
    numbers are categories: by their spelling, or as the text is.
    """

    spelt: Literal["number", "category", "integer", "boolean", "word", "text"]
    place: int
    categories: tuple[str, ...] = ()


class Columns(msgspec.Struct, frozen=True):
    """CatBoost's features in its order, and the place of each class of ours among its own."""

    columns: tuple[Column, ...]
    order: tuple[int, ...]


def dump(model: bytes, columns: Columns) -> dict[str, bytes]:
    """Return the artifact's members that `load` reads."""
    return {MEMBER: model, COLUMNS: msgspec.json.encode(columns)}


def load(members: Mapping[str, bytes]) -> CatBoostRuntime:
    """Return the runtime of an artifact's members. Raises DependencyError, ArtifactDamaged."""
    columns = msgspec.json.decode(members[COLUMNS], type=Columns)
    return CatBoostRuntime(read_model(members[MEMBER]), columns)


def catboost() -> Any:
    """Return the library. Raises DependencyError with the command that installs it."""
    try:
        import catboost as library
    except ImportError:
        raise DependencyError(INSTALL) from None
    return library


def read_model(data: bytes) -> Any:
    """Return a classifier from the bytes of a .cbm file. Raises ArtifactDamaged."""
    library = catboost()
    try:
        return library.CatBoostClassifier().load_model(blob=data)
    except library.CatBoostError:
        raise ArtifactDamaged("the model is not a .cbm file that CatBoost reads") from None


class CatBoostRuntime:
    """A CatBoost classifier over a batch."""

    name = "catboost"
    # Not ours, but it needs no scikit-learn, and is as quick as what is.
    compiled = True
    quick = True

    def __init__(self, model: Any, columns: Columns) -> None:
        self.model = model
        self._columns = columns.columns
        self._order = list(columns.order)

    def probabilities(self, batch: Batch) -> Probabilities:
        """Return the probabilities `[n, k]`."""
        count = len(batch.matrix)
        if not count:
            return np.empty((0, len(self._order)))
        threads = 1 if count < MANY_ROWS else -1
        answered = self.model.predict_proba(table(batch, self._columns), thread_count=threads)
        probabilities: Probabilities = np.asarray(answered)[:, self._order]
        return probabilities


def table(batch: Batch, columns: tuple[Column, ...]) -> NDArray[np.object_]:
    """Return the rows as CatBoost takes them: numbers, and categories by their spelling."""
    made = np.empty((len(batch.matrix), len(columns)), dtype=object)
    for place, column in enumerate(columns):
        if column.spelt == "text":
            made[:, place] = batch.texts[column.place]
        elif column.spelt == "number":
            made[:, place] = batch.matrix[:, column.place]
        else:
            spell = _SPELLINGS[column.spelt](column)
            made[:, place] = [spell(value) for value in batch.matrix[:, column.place].tolist()]
    return made


def _missing(spell: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: MISSING_CATEGORY if value != value else spell(value)


def _by_code(column: Column) -> Callable[[float], str]:
    names = (*column.categories, UNKNOWN_CATEGORY)  # code -1 is the last
    return _missing(lambda code: names[int(code)])


# CatBoost spells a boolean as it does an integer; a "True" that it was given as a word is one.
_SPELLINGS: dict[str, Callable[[Column], Callable[[float], str]]] = {
    "category": _by_code,
    "integer": lambda column: _missing(lambda value: str(int(value))),
    "boolean": lambda column: _missing(lambda value: str(int(value))),
    "word": lambda column: _missing(lambda value: str(bool(value))),
}
