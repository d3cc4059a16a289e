"""The training profile: sketches of rows learnt from, and of answers on the hold-out."""

from __future__ import annotations

import io

import numpy as np
import pytest

from errors import ArtifactDamaged
from learning.profile import MEMBER, Profile, dump, load, profile_of, score_of, watched
from learning.tasks import read_target
from tables.dataset import Dataset, read_dataset
from tables.readers import read_table
from tables.sketch import CodeSketch, NumberSketch
from tables.split import split


def dataset(label: str = "yes no", rows: int = 200) -> Dataset:
    random = np.random.default_rng(0)
    words = label.split()
    lines = ["size,home,since,comment,label"]
    for row in range(rows):
        size = "" if row % 10 == 0 else f"{random.normal():.3f}"
        home = ("rent", "own", "own")[row % 3]
        comment = "" if row % 5 == 0 else "what a " + "very " * (row % 7) + f"good thing {row}"
        lines.append(f"{size},{home},2024-01-{row % 28 + 1:02},{comment},{words[row % len(words)]}")
    table = read_table(io.BytesIO("\n".join(lines).encode()))
    return read_dataset(table, "label", read_target=read_target(None))


def profile(label: str, outputs: list[float]) -> tuple[Profile, Dataset, Dataset]:
    train, holdout = split(dataset(label), 0)
    answered = np.tile(np.array(outputs), (holdout.rows, 1))
    return profile_of(train, holdout, answered), train, holdout


def test_features_are_those_of_the_rows_learnt_from() -> None:
    found, train, _ = profile("yes no", [0.25, 0.75])
    assert found.rows == train.rows == 160
    assert set(found.features) == {"size", "home", "since", "comment"}
    sizes = dict(watched(train.schema, train.batch))["size"]
    assert found.features["size"].missing == np.isnan(sizes).sum() > 0
    assert isinstance(found.features["home"], CodeSketch)
    assert sum(found.features["home"].counts) == 160
    assert isinstance(found.features["comment"], NumberSketch)


def test_of_a_date_only_whether_it_is_there_is_watched() -> None:
    found, _, _ = profile("yes no", [0.25, 0.75])
    assert found.features["since"] == CodeSketch(0, 1, (0,), (160,))


def test_the_score_of_two_classes_is_the_second_ones() -> None:
    found, _, holdout = profile("yes no", [0.25, 0.75])
    assert found.answers.rows == holdout.rows == 40
    assert (found.answers.score.minimum, found.answers.score.maximum) == (0.75, 0.75)
    assert sum(found.answers.happened) == (holdout.target == 1).sum()
    expected = -np.log(np.where(holdout.target == 1, 0.75, 0.25)).mean()
    assert found.answers.mean_loss == pytest.approx(expected)
    assert found.answers.predicted is None


def test_the_score_of_more_classes_is_the_predicted_ones() -> None:
    found, _, holdout = profile("a b c", [0.1, 0.6, 0.3])
    assert found.answers.score.minimum == pytest.approx(0.6)
    assert sum(found.answers.happened) == (holdout.target == 1).sum()
    assert found.answers.predicted is not None
    assert found.answers.predicted.counts == (0, holdout.rows, 0)


def test_a_quantity_has_losses_and_nothing_that_happened() -> None:
    found, _, holdout = profile(" ".join(str(n + 0.5) for n in range(97)), [20.0])
    assert found.answers.happened == ()
    assert found.answers.mean_loss == pytest.approx(((holdout.target - 20) ** 2).mean())


def test_a_profile_is_read_back_and_a_model_of_before_has_none() -> None:
    found, _, _ = profile("yes no", [0.25, 0.75])
    members = dump(found)
    assert load(members) == found
    assert load({}) is None
    with pytest.raises(ArtifactDamaged, match=MEMBER):
        load({MEMBER: members[MEMBER][:-1]})


def test_a_score_is_one_number_a_row() -> None:
    assert score_of(np.array([[0.2, 0.8]], np.float32)).tolist() == pytest.approx([0.8])
    assert score_of(np.array([[0.2, 0.1, 0.7]], np.float32)).tolist() == pytest.approx([0.7])
    assert score_of(np.array([[7.5]], np.float32)).tolist() == [7.5]
