"""The recipe of tweets: which scorer it takes, and how well that does."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from learning.compile.compilation import Compiled
from learning.compile.compilation import compile as compile_model
from learning.prediction import Runtime
from learning.progress import SilentProgress
from learning.runtimes import load_runtime
from learning.tasks.classification import task
from learning.training import Choice, choose, fit
from recipes import find_recipe
from tables.dataset import Dataset, read_dataset
from tables.rows import RowCodec
from tables.split import split

SEED = 0
RECIPE = find_recipe("tweets")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """The tweets of the data folder."""
    return read_dataset(RECIPE.table(), RECIPE.target, RECIPE.aliases, RECIPE.kinds)


@pytest.fixture(scope="module")
def parts(dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Training part and hold-out."""
    return split(dataset, SEED)


def learnt(parts: tuple[Dataset, Dataset], **parameters: Any) -> tuple[Choice, Compiled]:
    """The recipe's choice, and what it compiles to once it is fitted."""
    training, holdout = parts
    made = RECIPE.make(training.schema, SEED, RECIPE.resolved(parameters))
    choice = choose(made, training, SilentProgress())
    fitted = fit(choice.estimator, training, SilentProgress())
    return choice, compile_model(fitted, training.schema, [training.batch, holdout.batch])


def loss(compiled: Compiled, holdout: Dataset) -> float:
    """The log loss of the compiled model on the hold-out."""
    probabilities = served(compiled).outputs(holdout.batch)
    return task.metrics(probabilities, holdout.target, holdout.schema.target)["log_loss"]


def served(compiled: Compiled) -> Runtime:
    """The runtime as the web process loads it."""
    return load_runtime(compiled.runtime_name, compiled.members)


def test_it_is_reached_by_the_tweets_protocol() -> None:
    assert RECIPE.protocols == ("keyed",)


def test_the_default_is_the_better_in_cross_validation(parts: tuple[Dataset, Dataset]) -> None:
    choice, compiled = learnt(parts)
    assert set(choice.losses) == {"frequencies", "tfidf"}
    better = min(choice.losses, key=lambda name: choice.losses[name])
    _, alone = learnt(parts, scorer=better)
    assert compiled.members["text.json"] == alone.members["text.json"]
    assert compiled.runtime_name == "text"
    assert compiled.parity is not None
    assert compiled.parity["largest_difference"] < 1e-9
    assert loss(compiled, parts[1]) < 0.35  # always saying how many are positive: 0.62


def test_word_frequencies_alone_are_compiled_too(parts: tuple[Dataset, Dataset]) -> None:
    _, compiled = learnt(parts, scorer="frequencies")
    assert compiled.runtime_name == "text"
    assert loss(compiled, parts[1]) < 0.45
    rows = RowCodec(parts[0].schema).encode_objects(
        [{"text": "I love my wonderful friends"}, {"text": "horrible, sad, I hate it"}]
    )
    assert served(compiled).outputs(rows).argmax(axis=1).tolist() == [1, 0]


def test_a_thousand_tweets_are_scored_at_once(
    dataset: Dataset, parts: tuple[Dataset, Dataset]
) -> None:
    _, compiled = learnt(parts, scorer="tfidf")
    thousand = dataset.take(np.arange(1000)).batch
    runtime = served(compiled)
    started = time.perf_counter()
    probabilities = runtime.outputs(thousand)
    assert time.perf_counter() - started < 1.0
    assert probabilities.shape == (1000, 2)
