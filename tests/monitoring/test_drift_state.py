"""The state of a watch: a week of counts, small, and what the report adds up."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest

from learning.profile import watched
from monitoring.drift_state import (
    DAYS,
    MOST_ALARMS,
    Day,
    State,
    absorb,
    drop_old,
    first_state,
    standing,
    sums_of,
)
from monitoring.drift_watch import SCORE
from monitoring.subject import INPUT
from tests.monitoring.watched import NOW, drawn, make_watch, see
from tests.serving.factory import SIGNATURE, Sum

WATCH = make_watch()


def test_rows_are_counted_by_the_day_that_they_were_answered() -> None:
    state = see(WATCH, drawn(86_400, 2))
    seconds = 12 * 3600 + 30 * 60 + 1
    assert {date: day.rows for date, day in state.days.items()} == {
        "2026-11-25": seconds,
        "2026-11-24": 86_400 - seconds,
    }
    sums = sums_of(state)
    assert sums.rows == state.rows == 86_400
    assert all(counts.sum() == 86_400 for counts in sums.counts.values())
    assert set(sums.counts) == {INPUT + name for name in WATCH.profile.features} | {SCORE}


def test_losses_add_up_over_days() -> None:
    rows = drawn(500, 3)
    state = see(WATCH, rows, labelled=300)
    p = Sum().outputs(rows.batch)[np.arange(500), rows.target]
    losses = -np.log(p[:300])
    sums = sums_of(state)
    assert sums.labelled == state.labelled == 300
    assert sums.loss == pytest.approx(losses.mean(), rel=1e-3)
    assert sums.deviation == pytest.approx(losses.std(), rel=1e-3)


def test_a_state_is_read_back_and_is_small() -> None:
    state = see(WATCH, drawn(1000, 2), labelled=100)
    state.days = {str(n): state.days["2026-11-25"] for n in range(DAYS)}
    data = msgspec.json.encode(state)
    assert msgspec.json.decode(data, type=State) == state
    assert len(data) < 40_000


def test_days_that_are_over_are_forgotten() -> None:
    state = first_state(WATCH, "v1", NOW)
    state.days = {f"2026-11-{n}": Day(1) for n in range(15, 26)}
    drop_old(state, NOW)
    assert list(state.days) == [f"2026-11-{n}" for n in range(19, 26)]


def test_the_first_look_is_at_a_week_s_rows() -> None:
    assert first_state(WATCH, "v1", NOW).until == (NOW - timedelta(days=7)).timestamp()


def test_alarms_are_remembered_and_stand_for_a_week() -> None:
    state = see(WATCH, drawn(2000, 4, missing=0.5))
    assert state.alarms[INPUT + "income"] == [NOW.timestamp()]
    assert INPUT + "age" not in state.alarms
    assert INPUT + "income" in standing(state.alarms, NOW + timedelta(days=7))
    assert standing(state.alarms, NOW + timedelta(days=8)) == {}


def test_only_the_last_alarms_are_remembered() -> None:
    rows = drawn(2000, 4, missing=0.5)
    answered = np.full((2000, 2), 0.5, np.float32)
    cells = WATCH.rows(dict(watched(SIGNATURE, rows.batch)), answered)
    nothing = WATCH.labelled(answered[:0], np.zeros(0, int))
    state = first_state(WATCH, "v1", NOW)
    state.alarms[INPUT + "income"] = [float(n) for n in range(MOST_ALARMS)]
    absorb(state, WATCH, cells, nothing, np.full(2000, NOW.timestamp()), 24.0, NOW)
    assert state.alarms[INPUT + "income"] == [*range(1, MOST_ALARMS), NOW.timestamp()]
