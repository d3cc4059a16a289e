"""What holds for an estimator family that says nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier

from errors import ModelFileError
from learning.family import Family, fit_in_steps, linear_importances
from learning.progress import SilentProgress
from tables.schema import Schema, Target

ROWS = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])


class Steps(SilentProgress):
    """Counts the steps, and how many there are to be."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def stage(self, name: str, total: int | None = None) -> None:
        """Note the stage."""
        self.seen.append((name, total))

    def advance(self, steps: int = 1) -> None:
        """Note the steps."""
        self.seen.append(steps)


@pytest.mark.parametrize(
    ("total", "steps"), [(200, [10] * 20), (47, [3] * 15 + [2]), (1, [1]), (20, [1] * 20)]
)
def test_an_ensemble_is_fitted_in_twenty_steps_at_most(total: int, steps: list[int]) -> None:
    seen = Steps()
    model = RandomForestClassifier(total, max_depth=1, random_state=0)
    fit_in_steps(model, "n_estimators", ROWS, np.array([0, 1, 1]), seen)
    assert seen.seen == [("fit", total), *steps]
    assert len(model.estimators_) == total


def test_coefficients_weigh_by_the_spread_of_their_column() -> None:
    model = SimpleNamespace(coef_=np.array([[1.0, 5.0], [-3.0, 5.0]]))
    spread = np.sqrt(8 / 3)
    for rows in (ROWS, csr_matrix(ROWS)):
        np.testing.assert_allclose(linear_importances(model, rows), [2 * spread, 0.0], atol=1e-12)


def test_a_model_of_no_known_family_has_no_trees_and_no_importances() -> None:
    family = Family()
    assert (family.classes(), family.size(object())) == ((), {})
    assert family.importances(object(), ROWS) is None
    assert family.reads(Schema((), Target("y", (0, 1))))


def test_trees_are_counted_with_the_deepest() -> None:
    model = RandomForestClassifier(3, random_state=0).fit(ROWS, [0, 1, 0])
    deepest = max(tree.get_depth() for tree in model.estimators_)
    assert Family().size(model) == {"num_trees": 3, "max_depth": deepest}


def test_files_are_read_by_the_families_that_have_their_own() -> None:
    with pytest.raises(ModelFileError, match="no file of "):
        Family().read_file(b"", (), frozenset())
