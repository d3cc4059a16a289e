"""Learning in parts: as good as in memory, and the same artifact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from build_model import build_model
from errors import DatasetError, RecipeError
from learning.beyond.engine import Here
from learning.estimators import ready_made
from learning.runtimes import load_runtime
from learning.tasks import task_of
from persistence.model_persistence import load_model
from tables.dataset import read_dataset
from tables.readers import read_table
from tests.persistence.artifacts import make_registry
from tests.tables.readers.parted import rows_of, split, write_parts

MEMORY = 2**26


def built(source, target, registry=None, engine=True, estimator="auto", **more):
    recipe = ready_made("some", str(source), target, estimator)
    given = {key: more.pop(key) for key in ("group", "time", "merge_rare") if key in more}
    recipe = replace(recipe, **given)
    registry = registry or make_registry()
    return build_model(recipe, registry=registry, engine=Here(MEMORY) if engine else None, **more)


def test_it_is_as_good_as_what_is_learnt_in_memory(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(6_000), 3))
    alone = write_parts(tmp_path / "alone", [rows_of(6_000)]) / "part-000.csv"
    parts, whole = built(folder, "stays"), built(alone, "stays", engine=False)
    assert parts.model.schema == whole.model.schema
    other = write_parts(tmp_path / "other", [rows_of(6_000, 1)]) / "part-000.csv"
    fresh = read_dataset(read_table(other), "stays")
    losses = []
    for made in (parts, whole):
        model, task = made.model, task_of(made.model.schema.target)
        runtime = load_runtime(model.runtime_name, model.members)
        losses.append(task.losses(runtime.outputs(fresh.batch), fresh.target).mean())
    assert losses[0] < 1.02 * losses[1]


def test_the_artifact_has_all_that_one_has(tmp_path):
    registry = make_registry()
    folder = write_parts(tmp_path / "parts", split(rows_of(3_000), 4))
    made = built(folder, "stays", registry, seed=3)
    kept = registry.read("some", made.version)
    assert made.verdict.good
    assert made.model.info["holdout"]["by"] == "chance"
    assert made.model.compiled
    assert made.model.runtime_name == "additive"
    assert made.model.training_rows + made.holdout.rows < made.rows == 3_000
    assert "3000 rows in 4 parts are learnt from" in made.dataset.notes
    assert load_model(kept).runtime.outputs(made.holdout.batch).shape == (made.holdout.rows, 2)


def test_the_same_rows_in_other_parts_make_the_same_model(tmp_path):
    one = write_parts(tmp_path / "one", split(rows_of(2_000), 1))
    other = write_parts(tmp_path / "other", split(rows_of(2_000), 6), "parquet")
    first, second = built(one, "stays"), built(other, "stays")
    assert first.model.origin["data"] == second.model.origin["data"]
    assert first.metrics["log_loss"] == pytest.approx(second.metrics["log_loss"], abs=1e-12)


def test_a_quantity_is_learnt_with_its_intervals(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(2_000), 3))
    made = built(folder, "age")
    assert made.model.schema.target.task == "regression"
    assert 0.8 < made.metrics["interval"]["coverage"] <= 1.0


def test_a_champion_is_judged_on_rows_that_neither_has_learnt(tmp_path):
    registry = make_registry()
    folder = write_parts(tmp_path / "parts", split(rows_of(3_000), 4))
    built(folder, "stays", registry)
    again = built(folder, "stays", registry)
    assert f"on {again.holdout.rows} rows, no greater in" in again.verdict.reason


def test_what_parts_cannot_have_is_refused_in_one_line(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(300), 2))
    with pytest.raises(RecipeError, match="learnt by auto alone"):
        built(folder, "stays", estimator="forest")
    with pytest.raises(RecipeError, match="held out by chance or by group"):
        built(folder, "stays", time="since")
    with pytest.raises(DatasetError, match="the table is empty"):
        built(write_parts(tmp_path / "none", [rows_of(0)]), "stays")


def test_too_few_rows_of_a_class_are_refused(tmp_path):
    table = rows_of(400)
    label = ["a"] * 394 + ["b"] * 6
    folder = write_parts(tmp_path / "parts", [table.append_column("label", [label])])
    with pytest.raises(DatasetError, match=r"column label: no row of 'b' would be"):
        built(folder, "label", seed=2)
