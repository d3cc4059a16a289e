from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import EquivalenceError, ModelFileError
from learning.imports import imported
from learning.imports.imported import class_of, classes_of, encoded, reproduce
from tables.batch import Batch
from tables.schema import Class, Feature, Schema, Target


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["no", "yes"], ("no", "yes")),
        (["TRUE", "FALSE"], (True, False)),
        (["2", "-1"], (2, -1)),
        (["01", "2"], ("01", "2")),  # as numbers they would be other names
        (["1", "x"], ("1", "x")),
    ],
)
def test_classes_are_what_their_names_say(names: list[str], classes: tuple[Class, ...]) -> None:
    made = classes_of(names)
    assert made == classes
    assert [type(one) for one in made] == [type(one) for one in classes]


@pytest.mark.parametrize("names", [[], ["one"], ["a", "a"]])
def test_fewer_than_two_classes_are_none(names: list[str]) -> None:
    with pytest.raises(ModelFileError, match="two classes or more"):
        classes_of(names)


def test_a_models_own_class_is_a_labels() -> None:
    assert [class_of(value) for value in (3.0, True, "a")] == [3, True, "a"]
    for wrong in (0.5, None, b"a"):
        with pytest.raises(ModelFileError):
            class_of(wrong)


class Half:
    """A runtime that is as sure of two classes."""

    def outputs(self, batch: Batch) -> Any:
        """Return a half each."""
        return np.full((len(batch.matrix), 2), 0.5)


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Batch:
    """Three rows, for whichever runtime answers a half each."""
    monkeypatch.setattr(imported, "load_runtime", lambda name, members: Half())
    schema = Schema((Feature("x", "number"),), Target("y", ("a", "b")))
    return encoded(schema, [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}])


def test_the_proof_says_how_many_rows_and_how_far_off(batch: Batch) -> None:
    expected = np.array([[0.5, 0.5], [0.5, 0.5], [0.501, 0.499]])
    _, proof = reproduce("any", {}, batch, expected, 1e-2)
    assert proof == {"rows": 3, "largest_difference": pytest.approx(1e-3)}


@pytest.mark.parametrize("wrong", [0.6, float("nan")])
def test_a_row_that_is_answered_otherwise_is_named(batch: Batch, wrong: float) -> None:
    expected = np.array([[0.5, 0.5], [wrong, 0.4], [0.5, 0.5]])
    with pytest.raises(EquivalenceError, match=r"^row 2 of those"):
        reproduce("any", {}, batch, expected, 1e-6)


def test_another_number_of_classes_is_refused(batch: Batch) -> None:
    with pytest.raises(EquivalenceError, match="answers 2 probabilities a row, not 3"):
        reproduce("any", {}, batch, np.zeros((3, 3)), 1)
