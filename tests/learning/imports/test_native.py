"""Native files, by CatBoost's: compiled without categories, CatBoost's own with them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from errors import ModelFileError
from learning.explaining import explainer
from learning.families.catboost import family
from learning.imports.example import Example
from learning.imports.imported import encoded
from learning.imports.native import TOLERANCE, import_native
from learning.runtimes import load_runtime
from tables.batch import Batch
from tables.schema import Feature, Target
from tests.conftest import require

NUMBERS = np.column_stack([np.arange(80) % 7, np.arange(80) % 5]).astype(float)
TARGET = np.where(NUMBERS.sum(axis=1) > 5, 1, 0)
FEATURES = (
    Feature("a", "number", minimum=0, maximum=6, example=1.0),
    Feature("b", "number", minimum=0, maximum=4, example=2.0),
)
EXAMPLE = Example(FEATURES, [{"a": a, "b": b} for a, b in NUMBERS.tolist()], None, frozenset())


@pytest.fixture
def library() -> Any:
    require(
        find_spec("catboost") is not None, "catboost", "pip install -r requirements-catboost.txt"
    )
    import catboost

    return catboost


def trained(library: Any, rows: Any, **options: Any) -> Any:
    model = library.CatBoostClassifier(
        iterations=5, depth=3, verbose=False, allow_writing_files=False
    )
    return model.fit(rows, TARGET, **options)


def test_numbers_alone_are_compiled_and_answer_alike(library: Any) -> None:
    model = trained(library, NUMBERS)
    made = import_native(family, model._serialize_model(), EXAMPLE, "y")
    assert (made.runtime_name, made.schema.target.classes) == ("onnx", (0, 1))
    np.testing.assert_allclose(made.probabilities, model.predict_proba(NUMBERS[:20]), atol=1e-6)
    assert TOLERANCE == 1e-6
    assert made.info["num_trees"] == 5


def test_contributions_are_catboosts_own(library: Any) -> None:
    model = trained(library, NUMBERS)
    made = import_native(family, model._serialize_model(), EXAMPLE, "y")
    runtime = load_runtime(made.runtime_name, made.members)
    found = explainer.load(made.members, runtime, made.schema)
    assert found is not None, made.info
    ours = found.explain(Batch(NUMBERS.astype(np.float32)), [0] * len(NUMBERS))
    expected = model.get_feature_importance(library.Pool(NUMBERS, TARGET), type="ShapValues")
    np.testing.assert_allclose(ours.contributions, expected[:, :2], atol=1e-9)
    np.testing.assert_allclose(ours.baselines, expected[:, 2], atol=1e-9)


def test_categories_are_answered_by_catboost_itself(library: Any) -> None:
    words = [[str(int(a)), b] for a, b in NUMBERS.tolist()]
    model = trained(library, words, cat_features=[0])
    made = import_native(family, model._serialize_model(), EXAMPLE, "y")
    assert made.runtime_name == "catboost"
    assert made.schema.features[0].kind == "integer"
    assert "reads its categories itself" in made.info["explanation"]["reason"]
    np.testing.assert_allclose(made.probabilities, model.predict_proba(words[:20]), atol=1e-6)


def quantity(library: Any, loss: str, rows: Any, **options: Any) -> Any:
    model = library.CatBoostRegressor(
        iterations=5, depth=3, loss_function=loss, verbose=False, allow_writing_files=False
    )
    return model.fit(rows, 1000.0 + NUMBERS.sum(axis=1), **options)


@pytest.mark.parametrize("loss", ["RMSE", "Quantile:alpha=0.8"])
def test_a_quantity_of_numbers_is_compiled(loss: str, library: Any) -> None:
    model = quantity(library, loss, NUMBERS)
    made = import_native(family, model._serialize_model(), EXAMPLE, "y")
    assert (made.runtime_name, made.schema.target) == ("onnx", Target("y", task="regression"))
    assert made.info["model_name"] == "CatBoostRegressor"
    answers = load_runtime("onnx", made.members).outputs(Batch(NUMBERS.astype(np.float32)))
    np.testing.assert_allclose(answers[:, 0], model.predict(NUMBERS), rtol=1e-6)


def test_a_quantity_of_categories_is_answered_by_catboost_itself(library: Any) -> None:
    rows = [[a, f"c{int(b)}"] for a, b in NUMBERS.tolist()]
    model = quantity(library, "RMSE", rows, cat_features=[1])
    features = (FEATURES[0], Feature("b", "text", example="c1"))
    example = Example(features, [{"a": a, "b": b} for a, b in rows], None, frozenset())
    made = import_native(family, model._serialize_model(), example, "y")
    assert made.runtime_name == "catboost"
    expected = model.predict(rows[:20]).reshape(-1, 1)
    np.testing.assert_allclose(made.probabilities, expected, rtol=1e-9)
    runtime = load_runtime("catboost", made.members)
    assert runtime.outputs(encoded(made.schema, [])).shape == (0, 1)


@pytest.mark.parametrize("loss", ["Poisson", "MultiRMSE"])
def test_a_quantity_of_another_link_is_refused(loss: str, library: Any) -> None:
    """The file's scores are not the quantity, and CatBoost does not say so as it predicts."""
    values = np.column_stack([NUMBERS.sum(axis=1)] * (2 if loss == "MultiRMSE" else 1))
    model = library.CatBoostRegressor(
        iterations=3, loss_function=loss, verbose=False, allow_writing_files=False
    ).fit(NUMBERS, values)
    with pytest.raises(ModelFileError, match=f"of the loss {loss} is neither"):
        import_native(family, model._serialize_model(), EXAMPLE, "y")


def test_other_columns_and_other_bytes_are_refused(library: Any) -> None:
    data = trained(library, NUMBERS)._serialize_model()
    with pytest.raises(ModelFileError, match="reads 2 columns; the example has 1"):
        import_native(family, data, EXAMPLE._replace(features=FEATURES[:1]), "y")
    with pytest.raises(ModelFileError, match=r"not a \.cbm file"):
        import_native(family, b"nothing of the kind", EXAMPLE, "y")
