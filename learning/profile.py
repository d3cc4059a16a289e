"""The training profile: what a model's rows and answers looked like in training, as sketches.

Features are those of the rows that were learnt from. Answers are those on the hold-out:
on rows that a model has learnt from it is surer than it will ever be again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from learning.members import read_member
from learning.prediction import Outputs
from learning.task import Doubles
from learning.tasks import task_of
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Feature, Schema, Target
from tables.sketch import CodeSketch, NumberSketch, Sketch, count, sketch_codes, sketch_numbers

MEMBER = "training.profile"


class Answers(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answers on so many rows of the hold-out.

    `score` is what `score_of` makes of them and `happened` in how many rows of each of its
    cells that came true (none for a quantity). `loss` is the task's, a row, with
    its mean and standard deviation; `predicted` the predicted class where there are over two.
    """

    rows: int
    score: NumberSketch
    loss: NumberSketch
    mean_loss: float
    loss_deviation: float
    happened: tuple[int, ...] = ()
    predicted: CodeSketch | None = None


class Profile(msgspec.Struct, frozen=True):
    """What so many rows looked like that a model learnt from, by feature; and its answers."""

    rows: int
    features: dict[str, Sketch]
    answers: Answers


def profile_of(train: Dataset, holdout: Dataset, outputs: Outputs) -> Profile:
    """Return the profile of a model that learnt from `train`, its outputs being of `holdout`."""
    schema = train.schema
    kinds = {feature.name: feature for feature in schema.features}
    features = {n: _sketch(kinds[n], values) for n, values in watched(schema, train.batch)}
    return Profile(train.rows, features, _answers(holdout, served(outputs, schema.target)))


def watched(schema: Schema, batch: Batch) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Give the name of each feature with the values of it that are watched `[n]`.

    They are the encoded ones; of a text its length in characters, with none missing. Of
    a date it is only whether there is one (0, else NaN): the dates of traffic are others.
    """
    for feature, where in zip(schema.values, schema.slices, strict=True):
        values = batch.matrix[:, where.start]
        yield feature.name, values if feature.dates is None else values * np.float32(0)
    for feature, texts in zip(schema.texts, batch.texts, strict=True):
        lengths = np.fromiter(map(len, texts), np.float32, len(texts))
        yield feature.name, np.where(lengths > 0, lengths, np.float32(np.nan))


def served(outputs: Outputs, target: Target) -> NDArray[np.float32]:
    """Return outputs `[n, width]` as they are answered and logged, with as few digits."""
    task = task_of(target)
    return task.served([task.predict(outputs)])[0].astype(np.float32)


def score_of(answered: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one number a row `[n]`: of two classes the second one's probability.

    Of more it is the predicted class's, of a quantity the value.
    """
    width = answered.shape[1]
    return answered[:, 1] if width == 2 else answered.max(axis=1)


def happened(answered: NDArray[np.float32], values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return in which rows that came true which a score is the probability of `[n]`."""
    if answered.shape[1] == 2:
        return np.asarray(values == 1)
    return np.asarray(answered.argmax(axis=1) == values)


def losses_of(answered: NDArray[np.float32], values: NDArray[Any], target: Target) -> Doubles:
    """Return the loss of each answer `[n]`, as the task has it."""
    return task_of(target).losses(answered, values)


def dump(profile: Profile) -> dict[str, bytes]:
    """Return the member that keeps a profile."""
    return {MEMBER: msgspec.json.encode(profile)}


def load(members: Mapping[str, bytes]) -> Profile | None:
    """Return the profile among an artifact's members; None where it has none.

    Raises ArtifactDamaged.
    """
    return read_member(members, MEMBER, Profile)


def _sketch(feature: Feature, values: NDArray[np.float32]) -> Sketch:
    if feature.kind == "category":
        return sketch_codes(values, feature.codes)
    if feature.kind in ("boolean", "date"):
        return sketch_codes(values, 2 if feature.kind == "boolean" else 1)
    return sketch_numbers(values)


def _answers(holdout: Dataset, answered: NDArray[np.float32]) -> Answers:
    target, width = holdout.schema.target, answered.shape[1]
    score = sketch_numbers(score_of(answered))
    losses = losses_of(answered, holdout.target, target)
    came: tuple[int, ...] = ()
    if width > 1:
        cells = score.cells(score_of(answered))
        came = tuple(count(cells[happened(answered, holdout.target)], score).tolist())
    return Answers(
        rows=holdout.rows,
        score=score,
        loss=sketch_numbers(losses),
        mean_loss=float(losses.mean()),
        loss_deviation=float(losses.std()),
        happened=came,
        predicted=sketch_codes(answered.argmax(axis=1), width) if width > 2 else None,
    )
