"""The watch: three questions over one model's rows, each silent without a change."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from learning.profile import profile_of, served
from monitoring.drift_watch import (
    EXPECTED,
    LABELS,
    LANES,
    LOSS,
    MOST_BLOCKS,
    SCORE,
    Watch,
    _blocks,
)
from tables.batch import Batch
from tables.dataset import Dataset
from tables.schema import Feature, Schema, Target

CLASSES = Target("label", (False, True))
SCHEMA = Schema(
    (Feature("size", "number"), Feature("home", "category", categories=("a", "b"))), CLASSES
)


def truth_of(batch: Batch) -> np.ndarray:
    """Return the probability of the second class, which the model knows."""
    return np.asarray(1 / (1 + np.exp(-batch.matrix[:, 0] - batch.matrix[:, 1])), np.float64)


def outputs_of(batch: Batch) -> np.ndarray:
    p = truth_of(batch)
    return np.stack([1 - p, p], axis=-1)


def values_of(matrix: np.ndarray) -> dict[str, np.ndarray]:
    return {"size": matrix[:, 0], "home": matrix[:, 1]}


def drawn(rows: int, seed: int, mean: float = 0.0, missing: float = 0.0) -> Dataset:
    random = np.random.default_rng(seed)
    matrix = np.stack([random.normal(mean, 1.5, rows), random.integers(0, 2, rows)], axis=-1)
    batch = Batch(matrix.astype(np.float32))
    target = (random.random(rows) < truth_of(batch)).astype(int)
    batch.matrix[random.random(rows) < missing, 0] = np.nan
    return Dataset(SCHEMA, batch, target)


@pytest.fixture(scope="module")
def watch() -> Watch:
    train, holdout = drawn(3000, 0), drawn(1500, 1)
    return Watch(profile_of(train, holdout, outputs_of(holdout.batch)), CLASSES)


def looked_at(watch: Watch, rows: Dataset, swapped: bool = False) -> set[str]:
    """Return the tests that alarm when rows are looked at hourly, ten at a time, three labelled."""
    known = np.nan_to_num(outputs_of(rows.batch), nan=0.5)
    answered, courses, raised = served(known, CLASSES), watch.start(), set()
    for hour, start in enumerate(range(0, rows.rows, 10)):
        part = slice(start, start + 10)
        new = watch.rows(values_of(rows.batch.matrix[part]), answered[part])
        truth = rows.target[part] ^ swapped
        labelled = watch.labelled(answered[part][:3], truth[:3])
        courses, names = watch.look(courses, new, labelled, 1.0, hour)
        courses = msgspec.json.decode(msgspec.json.encode(courses))
        raised |= set(names)
    return raised


def test_traffic_as_in_training_raises_no_alarm(watch: Watch) -> None:
    assert looked_at(watch, drawn(2000, 2)) == set()


def test_missing_values_are_found_in_their_column(watch: Watch) -> None:
    assert "in.size" in looked_at(watch, drawn(600, 3, missing=0.4))
    assert "in.home" not in looked_at(watch, drawn(600, 3, missing=0.4))


def test_other_rows_change_inputs_and_scores_but_not_what_comes_true(watch: Watch) -> None:
    raised = looked_at(watch, drawn(1500, 4, mean=1.0))
    assert {"in.size", SCORE} <= raised
    assert LABELS not in raised


def test_swapped_labels_are_harm_and_nothing_else(watch: Watch) -> None:
    assert looked_at(watch, drawn(1500, 5), swapped=True) == {LABELS, LOSS}


def test_rows_of_which_less_is_known_let_a_greater_loss_be_expected(watch: Watch) -> None:
    raised = looked_at(watch, drawn(3000, 6, missing=0.4))
    assert EXPECTED in raised


def test_a_feature_that_is_not_logged_is_not_looked_at(watch: Watch) -> None:
    rows = drawn(1000, 7, mean=5.0)
    answered = served(outputs_of(rows.batch), CLASSES)
    new = watch.rows({"home": rows.batch.matrix[:, 1]}, answered)
    courses, raised = watch.look(
        watch.start(), new, watch.labelled(answered[:0], rows.target[:0]), 24, 0
    )
    assert SCORE in raised
    assert "in.size" not in raised
    assert watch.evidence(courses)["in.size"] == 0.0


def test_evidence_is_a_share_of_what_raises_an_alarm(watch: Watch) -> None:
    rows = drawn(100, 7)
    answered = served(outputs_of(rows.batch), CLASSES)
    new, known = (
        watch.rows(values_of(rows.batch.matrix), answered),
        watch.labelled(answered, rows.target),
    )
    courses, _ = watch.look(watch.start(), new, known, 1.0, 5)
    shares = watch.evidence(courses)
    assert set(shares) == {"in.size", "in.home", SCORE, EXPECTED, LOSS, LABELS}
    assert all(0 < share < 1 for share in shares.values())
    # An hour of evidence 1 is one of 8,766 hours, of a fifth of the alarms and two inputs.
    assert shares["in.home"] < 10 / (8766 * 5 * 2)
    # What an earlier release kept of other bets is begun anew.
    bag, _ = courses[LABELS]
    courses[LABELS] = [bag, [1e9] * 30]
    courses, alarms = watch.look(courses, new, known, 1.0, 6)
    assert watch.evidence(courses).keys() == shares.keys()
    assert LABELS not in alarms


def test_what_raises_an_alarm_is_a_year_s_hours_by_question_and_column(watch: Watch) -> None:
    # At most one alarm a year: a share of it for each question, shared by its columns.
    year = 8766.0
    assert watch.lanes.thresholds.tolist() == pytest.approx([year / 0.1, year / 0.1, year / 0.15])
    assert float(watch.tests[EXPECTED].threshold) == pytest.approx(year / 0.15)
    assert float(watch.tests[LOSS].threshold) == pytest.approx(year / 0.1)
    assert watch.labels_threshold == pytest.approx(year / 0.4)


def test_a_state_is_small(watch: Watch) -> None:
    assert set(watch.start()) == {LANES, EXPECTED, LOSS, LABELS}
    assert len(msgspec.json.encode(watch.start())) < 20_000


def test_the_same_rows_and_seed_give_the_same_courses(watch: Watch) -> None:
    rows = drawn(100, 7)
    answered = served(outputs_of(rows.batch), CLASSES)
    new, known = (
        watch.rows(values_of(rows.batch.matrix), answered),
        watch.labelled(answered, rows.target),
    )
    once, again = (watch.look(watch.start(), new, known, 1.0, 5) for _ in range(2))
    assert once == again
    assert once != watch.look(watch.start(), new, known, 1.0, 6)


def test_no_rows_leave_everything_as_it_was(watch: Watch) -> None:
    answered = np.zeros((0, 2), np.float32)
    rows = watch.rows(values_of(answered), answered)
    courses, raised = watch.look(
        watch.start(), rows, watch.labelled(answered, np.zeros(0, int)), 5.0, 0
    )
    assert (courses, raised) == (watch.start(), [])


def test_a_look_at_many_rows_has_no_more_blocks_than_it_may() -> None:
    for rows in (1, 32, 33, 8192, 8193, 100_000):
        parts = list(_blocks(rows))
        assert sum(part.stop - part.start for part, _ in parts) == rows
        assert sum(share for _, share in parts) == pytest.approx(1)
        assert len(parts) <= MOST_BLOCKS
    assert [part.stop for part, _ in _blocks(70)] == [32, 64, 70]


def test_of_a_quantity_only_the_measured_loss_tells_harm() -> None:
    target = Target("price", task="regression")
    schema = Schema((Feature("size", "number"),), target)
    random = np.random.default_rng(0)
    train, holdout = (
        Dataset(schema, Batch(m), m[:, 0] + random.normal(0, 1, len(m)))
        for m in (random.normal(size=(n, 1)).astype(np.float32) for n in (1000, 800))
    )
    watch = Watch(profile_of(train, holdout, holdout.batch.matrix), target)
    assert set(watch.start()) == {LANES, LOSS}
    x = random.normal(size=(900, 1)).astype(np.float32)
    known = watch.labelled(x, x[:, 0] + random.normal(0, 1.6, 900))
    rows = watch.rows({"size": x[:, 0]}, x)
    assert watch.look(watch.start(), rows, known, 1.0, 0)[1] == [LOSS]


def test_three_classes_have_a_predicted_one() -> None:
    target = Target("kind", ("a", "b", "c"))
    schema = Schema((Feature("size", "number"),), target)
    random = np.random.default_rng(0)

    def some(rows: int, favoured: float) -> tuple[Dataset, np.ndarray]:
        outputs = random.dirichlet([favoured, 2, 1], rows)
        values = (random.random((rows, 1)) > outputs.cumsum(axis=-1)).sum(axis=-1)
        matrix = random.normal(size=(rows, 1)).astype(np.float32)
        return Dataset(schema, Batch(matrix), values), outputs

    (train, _), (holdout, outputs) = some(1000, 3), some(800, 3)
    watch = Watch(profile_of(train, holdout, outputs), target)
    other, outputs = some(2000, 1.5)
    answered = served(outputs, target)
    rows = watch.rows({"size": other.batch.matrix[:, 0]}, answered)
    known = watch.labelled(answered, other.target)
    assert "predicted" in watch.look(watch.start(), rows, known, 24.0, 0)[1]
