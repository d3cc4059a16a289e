from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression

from learning.imports.libraries import answer_of, booster_of, question_of
from tests.conftest import require

ROWS = np.column_stack([np.arange(60) % 7, np.arange(60) % 3]).astype(float)
CODES = (1,)


def test_lightgbm_answers_rows_of_its_own_text() -> None:
    data = lightgbm.Dataset(ROWS, ROWS[:, 0] > 3, categorical_feature=[1])
    made = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 3)
    answer = answer_of(made.model_to_string().encode(), question_of("lightgbm", ROWS, CODES))
    assert answer.version == lightgbm.__version__
    assert answer.outputs().tolist() == np.asarray(made.predict(ROWS)).reshape(-1, 1).tolist()


def test_a_booster_is_known_by_its_library(tmp_path: Path) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1)
    model.fit(ROWS, np.where(ROWS[:, 0] > 3, "yes", "no"))
    for one, classes in ((model, ["no", "yes"]), (model.booster_, [])):
        found = booster_of(one, tmp_path)
        assert found == ("lightgbm", model.booster_.model_to_string().encode(), classes)
    assert booster_of(LogisticRegression(), tmp_path) is None


def test_xgboost_answers_with_the_probability_of_every_class() -> None:
    require(find_spec("xgboost") is not None, "XGBoost", "pip install -r requirements-xgboost.txt")
    xgboost = import_module("xgboost")
    data = xgboost.DMatrix(
        ROWS, np.arange(60) % 3, feature_types=["q", "c"], enable_categorical=True
    )
    for objective in ("multi:softprob", "multi:softmax"):
        made = xgboost.train({"objective": objective, "num_class": 3, "nthread": 1}, data, 3)
        answer = answer_of(bytes(made.save_raw("json")), question_of("xgboost", ROWS, CODES))
        assert answer.outputs().shape == (60, 3)
        np.testing.assert_allclose(answer.outputs().sum(axis=1), 1.0, atol=1e-6)
        assert answer.version == xgboost.__version__
