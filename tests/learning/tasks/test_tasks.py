"""The registry of tasks: found by files, costing the web process nothing that learns."""

from __future__ import annotations

import subprocess
import sys
from array import array
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.linear_model import Ridge

import learning.tasks
from build_model import build_model, report
from errors import DatasetError, RecipeError
from learning.estimators import Candidates
from learning.preparation import pipeline, prepare
from learning.recipe import Recipe
from learning.task import Task
from learning.tasks import MOST_CLASSES, find_task, read_target, task_names, task_of
from persistence.model_persistence import read_model
from persistence.registry import Registry
from persistence.seal import new_key, trust_in
from persistence.stores.memory import MemoryStore
from serving.champions import load_live
from tables.schema import Target
from tables.table import Table
from tests.learning.tables import mixed_table, without
from tests.persistence.artifacts import make_registry

THROWAWAY = Path(__file__).with_name("throwaway_task.txt")


def test_every_file_of_the_folder_is_a_task_of_its_name():
    assert "classification" in task_names()
    for name in task_names():
        assert find_task(name).name == name
    with pytest.raises(RecipeError, match="there are classification"):
        find_task("os")


def test_a_target_of_before_is_of_classes_and_says_no_task():
    target = msgspec.json.decode(b'{"name":"y","classes":["a","b"]}', type=Target)
    assert task_of(target).name == "classification"
    assert msgspec.json.encode(target) == b'{"name":"y","classes":["a","b"]}'


def test_what_the_web_process_asks_imports_nothing_that_learns():
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from learning.tasks import task_of\n"
        "from tables.schema import Target\n"
        "target = Target('y', (False, True))\n"
        "task = task_of(target)\n"
        "prediction = task.predict(np.array([[0.25, 0.75]]))\n"
        "assert task.answers(prediction, target)[0]['value'] is True\n"
        "assert not {'sklearn', 'scipy', 'pandas'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def throwaway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in the folder of tasks."""
    (tmp_path / "quantity.py").write_text(THROWAWAY.read_text())
    monkeypatch.setattr(learning.tasks, "__path__", [*learning.tasks.__path__, str(tmp_path)])
    yield
    sys.modules.pop("learning.tasks.quantity", None)
    find_task.cache_clear()


def ridge(schema, seed, *, alpha: float = 1.0):
    """A linear regression, which no family knows."""
    made = pipeline(prepare(schema, scaled=True), Ridge(alpha=alpha))
    worse = pipeline(prepare(schema, scaled=True), Ridge(alpha=1e9))
    return Candidates({"worse": worse, "ridge": made}, seed)


def test_one_more_file_is_one_more_task_from_the_table_to_the_answer(throwaway):
    table = without(mixed_table(200), "comment", "income")
    recipe = Recipe("age", "age", lambda: table, ridge, task="quantity")
    signer = new_key()
    registry = Registry(MemoryStore(), signer, trust_in(signer.public))
    built = build_model(recipe, registry=registry)
    assert built.model.schema.target == Target("age", task="quantity")
    assert built.choice.losses["ridge"] < built.choice.losses["worse"]
    assert built.metrics["absolute_error"] < 16  # the mean for all of them: some 16
    assert "absolute error" in report(built, "memory")

    again = build_model(recipe, registry=registry, parameters={"alpha": 1.5})
    assert "absolute error" in again.verdict.reason
    assert "champion_absolute_error" in (again.verdict.comparison or {})

    live = load_live(registry.read_champion("age")[1])
    batch = live.codec.encode_objects([live.schema.example])
    (answer,) = live.task.answers(live.predict(batch), live.schema.target)
    (predicted,) = read_model("age", registry).predict([live.schema.example])
    assert answer == {"value": round(predicted.value, 4)}
    assert 18 < predicted.value < 80


def test_a_target_that_the_task_cannot_read_is_said(throwaway):
    table = without(mixed_table(), "comment")
    recipe = Recipe("plan", "plan", lambda: table, ridge, task="quantity")
    with pytest.raises(DatasetError, match="column plan: expected a number in every row"):
        build_model(recipe, registry=make_registry())


def test_more_than_a_hundred_classes_are_learnt_where_it_is_said_that_they_are() -> None:
    assert MOST_CLASSES == 100
    table = Table({"y": [f"c{i}" for i in range(101)] * 5})
    with pytest.raises(DatasetError, match="task classification lifts the limit"):
        read_target(None)(table, "y", None, None)
    assert len(read_target("classification")(table, "y", None, None).target.classes) == 101


@pytest.mark.parametrize(
    ("target", "outputs"),
    [
        (Target("approved", (False, True)), [[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]]),
        (Target("price", task="regression"), [[2.5], [-1.0], [7.0]]),
    ],
)
def test_what_is_gathered_is_what_is_served(target, outputs):
    task = task_of(target)
    prediction = task.predict(np.array(outputs))
    for gather in (task.gather, partial(Task.gather, task)):
        numbers, winners = array("d"), array("H")
        gather(prediction, numbers, winners)
        gather(prediction, numbers, winners)
        said, classes = task.served([prediction, prediction])
        assert list(numbers) == said.ravel().tolist()
        assert list(winners) == list(classes or ())
