"""The report: three questions apart, in numbers and in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from learning.profile import profile_of
from learning.tasks import task_of
from monitoring.drift_report import NO_PROFILE, QUIET, moment, report, without_profile
from monitoring.drift_state import State
from monitoring.drift_watch import Watch
from tables.dataset import Dataset
from tables.schema import Schema, Target
from tests.monitoring.watched import NOW, drawn, make_watch, see
from tests.serving.factory import SIGNATURE

WATCH = make_watch()


def told(state: State, watch: Watch = WATCH, schema: Schema = SIGNATURE) -> dict[str, Any]:
    found = report("credit", watch, schema, task_of(schema.target), state, NOW)
    again = msgspec.json.decode(msgspec.json.encode(found))
    assert again == found
    return found


def test_a_week_as_in_training_is_quiet() -> None:
    found = told(see(WATCH, drawn(3000, 2), labelled=500))
    assert found["said"] == [QUIET]
    assert found["alarm"] is False
    assert (found["rows"], found["labelled"], found["days"]) == (3000, 500, 7)
    assert found["looked_at"] == "2026-11-25T12:30:00Z"
    assert {one["name"] for one in found["inputs"]["columns"]} == {
        "age",
        "income",
        "home",
        "records",
    }
    assert all(not one["other"] for one in found["inputs"]["columns"])
    low, high = found["harm"]["measured"]["difference"]
    assert low < 0 < high


def test_missing_values_are_said_first() -> None:
    found = told(see(WATCH, drawn(3000, 2, missing=0.31)))
    first = found["inputs"]["columns"][0]
    assert (first["name"], first["alarm"], first["other"]) == ("income", True, True)
    assert first["missing"]["now"] > 0.28
    assert first["missing"]["training"] < 0.03
    assert first["alarms"] == ["2026-11-25T12:30:00Z"]
    assert found["said"][0].startswith("income is missing in ")
    assert found["alarm"] is found["inputs"]["alarm"] is True
    assert found["score"]["alarm"] is False


def test_words_never_seen_are_counted() -> None:
    found = told(see(WATCH, drawn(3000, 2, home=[0.5, 0.3, 0.2])))
    (home,) = (one for one in found["inputs"]["columns"] if one["name"] == "home")
    assert home["unseen"]["now"] > 0.18
    assert any("home is none of the values of training" in line for line in found["said"])


def test_other_scores_let_another_loss_be_expected() -> None:
    found = told(see(WATCH, drawn(3000, 2, age=0)))
    assert found["score"]["alarm"] is True
    expected = found["harm"]["expected"]
    assert expected["value"] > expected["holdout"]
    assert 0.5 < expected["roc_auc"]["now"] < 0.8


def test_swapped_labels_hurt_and_inputs_are_as_they_were() -> None:
    found = told(see(WATCH, drawn(3000, 2), labelled=2000, swapped=True))
    assert found["harm"]["measured"]["alarm"] is True
    assert found["harm"]["said"][0].startswith("the measured log loss is ")
    assert found["inputs"]["alarm"] is found["score"]["alarm"] is False
    assert found["harm"]["expected"]["alarm"] is False


def test_under_200_rows_nothing_is_said() -> None:
    found = told(see(WATCH, drawn(150, 2, missing=0.9)))
    assert found["said"] == ["150 rows in 7 days: from 200 on something is said"]
    assert found["alarm"] is False
    assert "other" not in found["inputs"]["columns"][0]


def test_a_feature_that_is_not_logged_has_no_rows() -> None:
    state = see(WATCH, drawn(1000, 2))
    for day in state.days.values():
        del day.cells["in.age"]
    (age,) = (one for one in told(state)["inputs"]["columns"] if one["name"] == "age")
    assert age["rows"] == 0
    assert "distance" not in age


def test_an_alarm_stands_for_a_week() -> None:
    state = see(WATCH, drawn(3000, 2))
    state.alarms["in.age"] = [(NOW - timedelta(days=6)).timestamp()]
    assert told(state)["inputs"]["alarm"] is True
    state.alarms["in.age"] = [(NOW - timedelta(days=8)).timestamp()]
    found = told(state)
    assert found["inputs"]["alarm"] is False
    (age,) = (one for one in found["inputs"]["columns"] if one["name"] == "age")
    assert age["alarms"] == ["2026-11-17T12:30:00Z"]


def test_a_quantity_expects_nothing() -> None:
    schema = Schema(SIGNATURE.features, Target("price", task="regression"))
    train, holdout = quantity(schema, 0), quantity(schema, 1)
    watch = Watch(profile_of(train, holdout, holdout.target[:, None]), schema.target)
    assert "reason" in told(State("v1", 0, 0, watch.start()), watch, schema)["harm"]["expected"]


def quantity(schema: Schema, seed: int) -> Dataset:
    rows = drawn(500, seed)
    return Dataset(schema, rows.batch, rows.batch.matrix[:, 0].astype(float))


def test_a_model_without_a_profile_says_so() -> None:
    found = without_profile("old", "v1", NOW)
    assert found["said"] == [NO_PROFILE]
    assert found["looked_at"] == moment(NOW.timestamp())
