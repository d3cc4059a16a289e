"""scikit-learn's boosted trees over histograms as a forest, weighted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from learning.compile.compilation import compile_forest
from learning.forms.histograms import histograms
from learning.forms.sources import Columned, Number
from learning.runtimes import load_runtime
from tables.batch import Batch


def test_leaves_and_base_are_weighted():
    random = np.random.default_rng(0)
    rows = random.normal(size=(400, 2)).astype(np.float32)
    rows[::7, 1] = np.nan
    model = HistGradientBoostingRegressor(max_iter=20).fit(rows, rows[:, 0] * 3 + 100)
    given = Columned(model, [Number(0), Number(1)], 2, frozenset({0, 1}))
    found = compile_forest(replace(histograms(given, 0.5), link="identity"))
    answers = load_runtime(found.runtime_name, found.members).outputs(Batch(rows))
    assert answers[:, 0] == pytest.approx(0.5 * model.predict(rows))
