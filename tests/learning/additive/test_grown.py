"""Forests that are grown elsewhere: what is learnt there, and what becomes of it here."""

from __future__ import annotations

import numpy as np
import pytest

from learning.additive.grown import Brought
from learning.additive.targets import AdditiveRegressor
from learning.preparation import prepare
from learning.progress import SilentProgress
from tables.schema import Feature, Schema, Target

SCHEMA = Schema((Feature("a", "number"), Feature("b", "number")), Target("y"))


class Elsewhere:
    """Grows no forest but remembers what it was asked for."""

    rows, asks = 123_456, False

    def __init__(self, text):
        self.text, self.asked, self.settled = text, [], []

    def settle(self, fills, left_out):
        self.settled.append((dict(fills), list(left_out)))

    def grow(self, forest, budget):
        self.asked.append(forest)
        return self.text

    def close(self):
        pass


def rows(count=400):
    random = np.random.default_rng(0)
    matrix = random.normal(size=(count, 2)).astype(np.float32)
    return matrix, 100.0 + 20.0 * matrix[:, 0] + random.normal(size=count)


def estimator():
    linear = prepare(SCHEMA, scaled=True)
    return AdditiveRegressor(columns=2, linear=linear, seed=0)


def fitted_text():
    import lightgbm

    matrix, values = rows()
    data = lightgbm.Dataset(matrix, (values - values.mean()) / values.std())
    return lightgbm.train({"verbosity": -1, "num_leaves": 7}, data, 30).model_to_string()


def test_forests_are_grown_elsewhere_and_weighed_here():
    elsewhere, (matrix, values) = Elsewhere(fitted_text()), rows()
    fold = [(np.arange(300), np.arange(300, 400))]
    model = estimator().learn(matrix, values, SilentProgress(), fold, elsewhere)
    assert elsewhere.settled == [(model.fills_, [])]
    assert len(elsewhere.asked) == 2
    asked = elsewhere.asked[0]
    assert asked.bring == Brought("identity", float(values.std()), float(values.mean()))
    # The rate is that of the rows elsewhere, and not of those in memory.
    assert asked.settings["learning_rate"] == 0.1
    assert np.array_equal(asked.held[0], matrix[300:])
    assert np.allclose(asked.held[1], asked.bring(values[300:]))
    assert np.sqrt(np.mean((model.predict(matrix) - values) ** 2)) < 3.0
    assert model._grower is None
    assert not {"_grower", "_kept", "_bring"} & model.__getstate__().keys()


@pytest.mark.parametrize("brought", [Brought("identity", 2.0, 1.0), Brought("exponential", 3.0)])
def test_quantities_are_brought_to_what_a_forest_learns(brought):
    values = np.array([1.0, 3.0, 9.0])
    want = [0.0, 1.0, 4.0] if brought.link == "identity" else np.log(values / 3.0)
    assert np.allclose(brought(values), want)
    assert (Brought("softmax")(values) == values).all()
