"""What explains a model is proven on its hold-out, and what cannot be explained says why."""

from __future__ import annotations

import numpy as np
import pytest

from learning import explanation
from learning.explaining import explainer
from learning.explanation import explanation_of
from learning.runtimes import load_runtime
from learning.runtimes.sklearn import dump
from tests.learning.trainings import trained


def test_model_info_tells_the_proof_and_the_mean_sizes():
    found = trained("auto", "stays")
    told = found.made.info["explanation"]
    assert told["space"] == "log_odds"
    assert told["quick"] is True
    assert told["kind"] == "path_dependent"
    assert told["cost"].startswith("microseconds a row")
    assert told["proven"]["rows"] == found.holdout.rows
    assert told["proven"]["largest_difference"] <= 1e-6
    sizes = told["mean_absolute_contributions"]
    assert set(sizes) == {feature.name for feature in found.holdout.schema.features}
    assert next(iter(sizes)) == "age"  # the label depends on it
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
    every = found.explainer.explain(found.holdout.batch, [0] * found.holdout.rows)
    index = [f.name for f in found.holdout.schema.features].index("age")
    assert sizes["age"] == pytest.approx(np.abs(every.contributions[:, index]).mean())


@pytest.mark.parametrize("target", ["stays", "plan", "age"])
def test_against_a_sample_the_baseline_is_its_mean_score(target):
    found = trained("auto", target)
    made = explanation_of(found.estimator, found.runtime, found.train, found.holdout, 0, 30)
    told = made.info["explanation"]
    assert (told["kind"], told["background_rows"]) == ("background", 30)
    assert told["proven"]["largest_difference"] <= 1e-6
    beside = explainer.load(made.members, found.runtime, found.holdout.schema)
    assert beside is not None
    sample = found.train.drawn(30, 0).batch
    for output in range(beside.outputs):
        ours = beside.explain(sample, [output] * 30)
        scores = ours.contributions.sum(axis=1) + ours.baselines
        assert scores.mean() == pytest.approx(ours.baselines[0], abs=1e-9)
    # By the rows of a sample features contribute otherwise than by the ways of training rows.
    plain = found.explainer.explain(sample, [0] * 30)
    assert not np.allclose(beside.explain(sample, [0] * 30).contributions, plain.contributions)


def test_a_model_that_its_library_answers_for_is_not_explained():
    found = trained("auto", "stays")
    slow = load_runtime("sklearn", dump(found.estimator))
    made = explanation_of(found.estimator, slow, found.train, found.holdout)
    assert made.members == {}
    assert "the library that learnt the model" in made.info["explanation"]["reason"]


def test_contributions_that_do_not_come_to_the_answer_are_not_kept(monkeypatch):
    found = trained("auto", "stays")
    monkeypatch.setattr(explanation, "outputs_of", lambda link, scores: np.full((1, 2), 0.5))
    made = explanation_of(found.estimator, found.runtime, found.train, found.holdout)
    assert made.members == {}
    assert "differ by" in made.info["explanation"]["reason"]
