"""What is logged of one version of a model: which columns, and how they are read again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from tables.schema import Class, Feature, Schema

# Before the name of a feature, in a log's columns and in what its tests are called.
INPUT = "in."
# Hexadecimal digits of what stands for a hashed word.
HASH_DIGITS = 16


class Answering(Protocol):
    """What the log needs of a live model."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def version(self) -> str:
        """The version's id."""
        ...

    @property
    def schema(self) -> Schema:
        """What its rows look like."""
        ...

    @property
    def task(self) -> Any:
        """What it predicts."""
        ...


class LoggedColumn(msgspec.Struct, frozen=True, array_like=True):
    """A column of the matrix, or a text: `words` are those of its codes, if it has such."""

    name: str
    kind: str
    words: tuple[str, ...] = ()


class Subject(msgspec.Struct, frozen=True, tag="subject", array_like=True):
    """A version whose rows follow in a segment, under this number.

    `columns` are those of the matrix, in its order, and then those of texts; `hashed` names
    the features whose words are not there as they were sent.
    """

    number: int
    model: str
    version: str
    task: str
    target: str
    classes: tuple[Class, ...]
    share: float
    columns: tuple[LoggedColumn, ...]
    hashed: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many of the columns are of the matrix."""
        return sum(column.kind != "text" for column in self.columns)


@dataclass(frozen=True)
class Selection:
    """What is kept of a batch.

    `columns` are the indices of the matrix's columns that are kept, None where all are, and
    `index_of` says where each of them then is; `texts` are the indices of the texts kept.
    Of `hashed` columns and `hashed_texts` words are kept as `digest` has them.
    """

    subject: Subject
    columns: NDArray[np.intp] | None
    index_of: dict[int, int]
    texts: tuple[int, ...]
    hashed: frozenset[int]
    hashed_texts: frozenset[int]
    digest: Callable[[str], str]


def select(answering: Answering, number: int, share: float, key: bytes) -> Selection:
    """Return what is logged of a live model; without a key what is to be hashed is left out."""
    schema = answering.schema
    digest = _digest_by(key)
    matrix = [(i, owner, column) for i, (owner, column) in enumerate(_columns(schema))]
    kept = [(i, o, c) for i, o, c in matrix if _is_kept(o, key)]
    texts = [(i, f) for i, f in enumerate(schema.texts) if _is_kept(f, key)]
    columns = [_logged(o, c, digest) for _, o, c in kept]
    columns += [LoggedColumn(f.name, "text") for _, f in texts]
    target = schema.target
    subject = Subject(
        number,
        answering.name,
        answering.version,
        target.task,
        target.name,
        target.classes,
        share,
        tuple(columns),
        tuple(f.name for f in schema.features if f.log == "hash"),
    )
    indices = [i for i, _, _ in kept]
    return Selection(
        subject,
        None if len(kept) == len(matrix) else np.array(indices, np.intp),
        {column: index for index, column in enumerate(indices)},
        tuple(i for i, _ in texts),
        frozenset(i for i, owner, _ in kept if owner.log == "hash"),
        frozenset(i for i, feature in texts if feature.log == "hash"),
        digest,
    )


def _columns(schema: Schema) -> list[tuple[Feature, Feature]]:
    return [(feature, column) for feature in schema.values for column in feature.columns]


def _is_kept(feature: Feature, key: bytes) -> bool:
    if feature.log == "hash":
        # A number's hash says no more than that two are equal: words and texts alone are hashed.
        return bool(key) and feature.kind in ("category", "text")
    return feature.kind != "text" if feature.log is None else feature.log


def _logged(owner: Feature, column: Feature, digest: Callable[[str], str]) -> LoggedColumn:
    words = owner.categories
    if owner.log == "hash":
        words = tuple(map(digest, words))
    return LoggedColumn(column.name, column.kind, words)


def _digest_by(key: bytes) -> Callable[[str], str]:
    def digest(word: str) -> str:
        return hmac.new(key, word.encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]

    return digest
