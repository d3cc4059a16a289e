from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from errors import EquivalenceError
from learning.compile import compilation
from learning.compile.compilation import Compiled, compile, compile_forest
from learning.compile.equivalence import probes, prove
from learning.families.boosting import boosting
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.forms.trees import AtMost, Forest, Leaf, Split
from learning.runtimes import load_runtime
from learning.runtimes.sklearn import SklearnRuntime, estimator_input, load_estimator
from learning.tasks.classification import task
from tables.batch import Batch
from tables.dataset import read_dataset
from tables.schema import Feature, Schema, Target
from tables.table import Table
from tests.learning.samples import batch, prepared, schema, target
from tests.learning.tables import dated_table

ROWS, LATER = batch(), batch(100, seed=1)
CLASSES: dict[int, tuple[Any, ...]] = {2: (False, True), 3: ("a", "b", "c")}


def compiled(estimator: Any, classes: int = 2) -> Compiled:
    estimator.fit(ROWS.matrix, target(ROWS, classes))
    return compile(estimator, schema(*CLASSES[classes]), [ROWS, LATER])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("runtime", "make"),
    [
        ("onnx", lambda: forest(schema(), 0, n_estimators=30)),
        ("onnx", lambda: boosting(schema(), 0, max_iter=10)),
        ("linear", lambda: logistic(schema(), 0)),
        ("onnx", lambda: prepared(ExtraTreesClassifier(10, random_state=0))),
        ("onnx", lambda: prepared(RandomForestClassifier(7, max_depth=3, random_state=0))),
        ("onnx", lambda: prepared(GradientBoostingClassifier(n_estimators=9, random_state=0))),
        ("onnx", lambda: prepared(DecisionTreeClassifier(random_state=0))),
    ],
    ids=["forest", "boosting", "logistic", "extra trees", "few votes", "gradient", "tree"],
)
def test_a_compiled_model_answers_as_its_estimator(runtime: str, make: Any, classes: int) -> None:
    estimator = make()
    found = compiled(estimator, classes)
    assert (found.runtime_name, found.reason) == (runtime, None)
    assert found.parity is not None
    assert found.parity["rows"] >= 500 + 2000
    assert found.parity["largest_difference"] < 1e-5
    served = load_runtime(runtime, found.members)
    assert served.compiled
    unseen = batch(50, seed=9)
    wanted = estimator.predict_proba(unseen.matrix)
    together = served.outputs(unseen)
    alone = np.vstack([served.outputs(unseen._replace(matrix=r[None])) for r in unseen[0]])
    assert np.abs(together - wanted).max() < 1e-5
    assert np.abs(alone - wanted).max() < 1e-5


def test_a_missing_category_that_is_one_of_its_own_keeps_its_column() -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    prepare = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore"), [1, 4]),
            ("numbers", SimpleImputer(), [0, 2, 3, 5]),
        ]
    )
    for classifier in (
        RandomForestClassifier(20, random_state=0),
        LogisticRegression(max_iter=1000),
    ):
        estimator = Pipeline([("prepare", prepare), ("classifier", classifier)])
        colours = (ROWS.matrix[:, 1] == 1) | np.isnan(ROWS.matrix[:, 1])
        estimator.fit(ROWS.matrix, colours.astype(int))
        found = compile(estimator, schema(), [ROWS])
        assert found.reason is None
        row = ROWS.matrix[:1].copy()
        row[0, 1] = np.nan
        missing = load_runtime(found.runtime_name, found.members).outputs(ROWS._replace(matrix=row))
        assert missing[0, 1] > 0.5


@pytest.mark.parametrize("classes", [2, 3])
def test_texts_are_compiled_with_the_features_beside_them(classes: int) -> None:
    rows = batch(300, texts=2)
    described = schema(*CLASSES[classes], texts=2)
    estimator = logistic(described, 0)
    estimator.fit(estimator_input(rows), target(rows, classes))
    found = compile(estimator, described, [rows])
    assert (found.runtime_name, found.reason) == ("text", None)
    served = load_runtime("text", found.members)
    unseen = batch(30, seed=4, texts=2)
    wanted = estimator.predict_proba(estimator_input(unseen))
    assert np.abs(served.outputs(unseen) - wanted).max() < 1e-6
    one = unseen._replace(matrix=unseen.matrix[3:4], texts=tuple(t[3:4] for t in unseen.texts))
    assert np.abs(served.outputs(one) - wanted[3]).max() < 1e-6


def test_another_estimator_is_converted() -> None:
    found = compiled(prepared(GaussianNB(var_smoothing=1e-2)))
    assert (found.runtime_name, found.reason) == ("onnx", None)


def test_what_cannot_be_compiled_is_served_by_the_estimator_and_says_why() -> None:
    described = schema(texts=1)
    rows = batch(200, texts=1)
    estimator = forest(described, 0, n_estimators=5)
    estimator.fit(estimator_input(rows), target(rows))
    found = compile(estimator, described, [rows])
    assert (found.runtime_name, found.parity) == ("sklearn", None)
    assert found.reason == "trees stand on words"
    served = load_runtime("sklearn", found.members)
    wanted = estimator.predict_proba(estimator_input(rows))
    assert np.array_equal(served.outputs(rows), wanted)


def test_a_compiled_model_that_is_wrong_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(forest: Forest, precise: bool = False) -> compilation.Candidate:
        raised = tuple(Split(AtMost(0, 60.0), Leaf((0.0,)), tree) for tree in forest.trees)
        return compile_forest(Forest(raised, forest.columns, forest.outputs))

    monkeypatch.setattr(compilation, "compile_forest", wrong)
    monkeypatch.setattr(compilation, "_attempts", lambda *_: (compilation._folded,))
    found = compiled(forest(schema(), 0, n_estimators=5))
    assert found.runtime_name == "sklearn"
    assert found.reason is not None
    assert "probability differs" in found.reason
    assert "\n" not in found.reason


def test_a_vote_too_close_for_float32_is_added_up_in_float64() -> None:
    """Ten trees, one row of which nearly ties: as float32, it gets the other label."""
    table = load_breast_cancer()
    rows = Batch(np.ascontiguousarray(table.data, dtype=np.float32))
    features = tuple(Feature(name, "number") for name in table.feature_names)
    described = Schema(features, Target("benign", (False, True)))
    estimator = forest(described, 2, n_estimators=10).fit(rows.matrix, table.target)
    coarse = compilation._folded(estimator, described, rows)
    exact = SklearnRuntime(estimator).outputs
    with pytest.raises(EquivalenceError, match="1 of 569 labels differ"):
        prove(exact, load_runtime("onnx", coarse.members), [rows], task.difference)
    found = compile(estimator, described, [rows])
    assert (found.runtime_name, found.reason) == ("onnx", None)
    assert found.parity is not None
    assert found.parity["largest_difference"] < 1e-15


def test_one_threshold_moved_by_the_least_is_found() -> None:
    """The very purpose of the rows on either side of a threshold."""
    tree = Split(AtMost(0, 50.0), Leaf((0.2,)), Leaf((0.8,)))
    moved = tree._replace(test=AtMost(0, float(np.nextafter(np.float32(50.0), np.float32(99.0)))))
    right, wrong = (compile_forest(Forest((t,), 6, 1)) for t in (tree, moved))
    exact = load_runtime("onnx", right.members).outputs
    runtime = load_runtime("onnx", wrong.members)
    prove(exact, runtime, [ROWS], task.difference)  # the training rows alone do not show it
    near = probes(ROWS, schema(), right.thresholds, 0)
    with pytest.raises(EquivalenceError):
        prove(exact, runtime, [near], task.difference)


def test_the_estimator_is_always_kept() -> None:
    estimator = forest(schema(), 0, n_estimators=5)
    found = compiled(estimator)
    assert set(found.members) == {"model.onnx", "estimator.skops"}
    kept = SklearnRuntime(load_estimator(found.members))
    assert np.array_equal(kept.outputs(LATER), estimator.predict_proba(LATER.matrix))


def test_the_same_estimator_compiles_to_the_same_bytes() -> None:
    estimator = forest(schema(), 0, n_estimators=5)
    first = compiled(estimator)
    second = compile(estimator, schema(), [ROWS, LATER])
    assert first.members["model.onnx"] == second.members["model.onnx"]
    assert first.parity == second.parity


def test_nearest_neighbours_are_exact_or_not_compiled() -> None:
    estimator = prepared(KNeighborsClassifier())
    found = compiled(estimator)
    served = load_runtime(found.runtime_name, found.members)
    wanted = estimator.predict_proba(ROWS.matrix)
    assert np.abs(served.outputs(ROWS) - wanted).max() < 1e-5


def test_an_estimator_that_does_not_know_a_class_is_refused() -> None:
    described: Schema = schema("a", "b", "c")
    estimator = logistic(described, 0).fit(ROWS.matrix, target(ROWS, 2))
    with pytest.raises(EquivalenceError, match="fitted on 2 of 3 classes"):
        compile(estimator, described, [ROWS])


@pytest.mark.parametrize(
    ("make", "runtime"), [(forest, "onnx"), (boosting, "onnx"), (logistic, "linear")]
)
def test_dates_are_compiled_as_numbers_are(make: Any, runtime: str) -> None:
    dataset = read_dataset(dated_table(), "busy")
    estimator = make(dataset.schema, 0).fit(dataset.batch.matrix, dataset.target)
    found = compile(estimator, dataset.schema, [dataset.batch])
    assert (found.runtime_name, found.reason) == (runtime, None)


def test_more_than_a_thousand_categories_are_compiled() -> None:
    cells = [f"v{i % 20}" if i % 2 else f"w{i % 2400}" for i in range(6000)]
    table = Table({"x": cells, "y": [cell in ("v1", "v3") for cell in cells]})
    dataset = read_dataset(table, "y")
    for make, runtime in ((boosting, "onnx"), (forest, "onnx"), (logistic, "linear")):
        estimator = make(dataset.schema, 0).fit(dataset.batch.matrix, dataset.target)
        found = compile(estimator, dataset.schema, [dataset.batch])
        assert (found.runtime_name, found.reason) == (runtime, None)
        assert (estimator.predict(dataset.batch.matrix) == dataset.target).all()


def test_texts_without_spaces_are_learnt_from_and_compiled() -> None:
    said = ["喜欢这个", "质量太差", "很好推荐", "收到坏了", "非常满意", "真是垃圾"]
    texts = [f"产品{said[i % 6]}第{i}号" for i in range(120)]
    dataset = read_dataset(Table({"t": texts, "y": [i % 2 for i in range(120)]}), "y")
    rows = estimator_input(dataset.batch)
    estimator = logistic(dataset.schema, 0).fit(rows, dataset.target)
    assert estimator.score(rows, dataset.target) == 1
    found = compile(estimator, dataset.schema, [dataset.batch])
    assert (found.runtime_name, found.reason) == ("text", None)
