from __future__ import annotations

import numpy as np
import pytest

from errors import EquivalenceError
from learning.compile.equivalence import chunks, probes, prove
from learning.prediction import Outputs
from learning.tasks.classification import task
from tables.batch import Batch, joined
from tables.schema import Feature, Schema, Target
from tests.learning.samples import batch, schema


class Shifted:
    """A runtime that is wrong by so much from some row on."""

    name, compiled, quick = "shifted", True, True

    def __init__(self, by: float, start: int = 0) -> None:
        self.by, self.start = by, start

    def outputs(self, batch: Batch) -> Outputs:
        answers = exact(batch)
        answers[self.start :, 0] += self.by
        answers[self.start :, 1] -= self.by
        return answers


def exact(batch: Batch) -> Outputs:
    chance = batch.matrix[:, 0].astype(np.float64)
    return np.column_stack((1 - chance, chance))


def rows(*chances: float) -> Batch:
    return Batch(np.array(chances, np.float32)[:, None])


def test_a_proof_counts_rows_and_keeps_the_largest_difference() -> None:
    proof = prove(exact, Shifted(5e-6, 1), [rows(0.1, 0.9), rows(0.2)], task.difference)
    assert proof["rows"] == 3
    assert proof["largest_difference"] == pytest.approx(5e-6)


@pytest.mark.parametrize("by", [2e-5, float("nan")])
def test_a_probability_too_far_off_is_no_parity(by: float) -> None:
    with pytest.raises(EquivalenceError, match="a probability differs by"):
        prove(exact, Shifted(by, 1), [rows(0.1, 0.9)], task.difference)


def test_a_label_that_flips_is_no_parity_however_close() -> None:
    with pytest.raises(EquivalenceError, match="1 of 2 labels differ"):
        prove(exact, Shifted(1e-6), [rows(0.5000001, 0.9)], task.difference)


def test_another_number_of_classes_is_no_parity() -> None:
    with pytest.raises(EquivalenceError, match="2 probabilities a row, where 1 were expected"):
        prove(lambda b: exact(b)[:, 1:], Shifted(0.0), [rows(0.1)], task.difference)


def test_pieces_of_a_batch_join_to_it() -> None:
    whole = batch(25, texts=2)
    again = joined(chunks(whole, 10))
    assert np.array_equal(again.matrix, whole.matrix, equal_nan=True)
    assert again.texts == whole.texts


def test_every_threshold_has_rows_on_it_and_on_either_side() -> None:
    thresholds = {0: [0.5, 1.5], 2: list(np.linspace(-1, 1, 3000)), 5: [3.0]}
    made = probes(batch(), schema(), thresholds, seed=1).matrix
    for feature, values in thresholds.items():
        at = np.array(values, np.float32)
        for side in (at, np.nextafter(at, np.float32(-9)), np.nextafter(at, np.float32(9))):
            assert np.isin(side, made[:, feature]).all()


def test_probes_have_unknown_categories_and_missing_values_where_allowed() -> None:
    made = probes(batch(), schema(), {}, seed=1).matrix
    assert {i for i in range(6) if (made[:, i] == -1).all()} == set()
    assert (made[:, [1, 4]] == -1).any(axis=0).all()
    assert np.isnan(made).any(axis=0).tolist() == [False, True, True, False, False, False]


def test_probes_mix_texts() -> None:
    given = batch(texts=1)
    (made,) = probes(given, schema(texts=1), {}, seed=1).texts
    assert "" in made
    assert any(t.isupper() for t in made)
    assert len(set(made) - set(given.texts[0])) > 100


def test_probes_are_the_same_for_the_same_seed() -> None:
    first, second = (probes(batch(), schema(), {0: [1.0]}, seed=7).matrix for _ in range(2))
    assert np.array_equal(first, second, equal_nan=True)


def test_probes_are_bounded() -> None:
    thresholds = {0: list(np.linspace(0, 1, 200_000))}
    assert len(probes(batch(), schema(), thresholds, seed=0).matrix) <= 100_000


@pytest.mark.parametrize(("features", "rows"), [(1, 17_000), (3, 22_000), (12, 22_000)])
def test_twenty_thousand_probes_stand_at_thresholds_and_two_thousand_apart(
    features: int, rows: int
) -> None:
    # Each threshold has three sides; one feature's are never left out.
    of_one = np.linspace(0, 1, 5000).tolist()
    numbers = tuple(Feature(f"x{i}", "number") for i in range(features))
    given = Batch(np.zeros((5, features), np.float32))
    numbered = Schema(numbers, Target("y", (0, 1)))
    made = probes(given, numbered, dict.fromkeys(range(features), of_one), 0)
    assert len(made.matrix) == rows
