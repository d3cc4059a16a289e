"""What is kept of a watch between two looks: how its tests stand, and the counts of a week."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitoring.drift import LEAST_ROWS
from monitoring.drift_watch import LABELS, LOSS, Courses, Labelled, Rows, Watch
from tables.sketch import Counts

# The days that a report describes, today among them.
DAYS = 7
# So many alarms of a test are remembered, the last ones.
MOST_ALARMS = 20


class Day(msgspec.Struct):
    """The rows of one day: how many in each cell of a column, and what labelled ones lost."""

    rows: int = 0
    cells: dict[str, list[int]] = {}
    labelled: int = 0
    loss: float = 0.0
    squares: float = 0.0


class State(msgspec.Struct):
    """How the watch over one version stands; rows before `until` have been looked at.

    Times are seconds since 1970. `days` are by date, `alarms` by test the moments of looks.
    """

    version: str
    began: float
    until: float
    courses: Courses
    rows: int = 0
    labelled: int = 0
    days: dict[str, Day] = {}
    alarms: dict[str, list[float]] = {}


class Sums(NamedTuple):
    """What the days of a report add up to; counts are by column."""

    rows: int
    counts: dict[str, Counts]
    labelled: int
    loss: float
    deviation: float


def first_state(watch: Watch, version: str, now: datetime) -> State:
    """Return the state of a watch that begins, which is to look at a week's rows."""
    began = (now - timedelta(days=DAYS)).timestamp()
    return State(version, began, began, watch.start())


def absorb(
    state: State,
    watch: Watch,
    rows: Rows,
    labelled: Labelled,
    moments: NDArray[np.float64],
    hours: float,
    look: datetime,
) -> None:
    """Take new rows, answered at these moments `[n]`, and labels into a state.

    `hours` have gone by since the last ones, and `look` is now.
    """
    seed = state.rows + state.labelled
    state.courses, raised = watch.look(state.courses, rows, labelled, hours, seed)
    _count_rows(state, watch, rows, moments)
    _count_labels(state, labelled, look)
    state.rows += rows.amount
    state.labelled += len(labelled.losses)
    for name in raised:
        seen = state.labelled if name in (LOSS, LABELS) else state.rows
        if seen >= LEAST_ROWS:
            known = [*state.alarms.get(name, []), look.timestamp()]
            state.alarms[name] = sorted(set(known))[-MOST_ALARMS:]


def drop_old(state: State, now: datetime) -> None:
    """Forget the days that no report describes any more."""
    first = (now - timedelta(days=DAYS - 1)).astimezone(UTC).strftime("%Y-%m-%d")
    state.days = {date: day for date, day in state.days.items() if date >= first}


def sums_of(state: State) -> Sums:
    """Return what a state's days add up to."""
    days = list(state.days.values())
    counts: dict[str, Counts] = {}
    for day in days:
        for name, cells in day.cells.items():
            found = np.array(cells, dtype=np.int64)
            counts[name] = counts[name] + found if name in counts else found
    labelled = sum(day.labelled for day in days)
    mean = sum(day.loss for day in days) / max(labelled, 1)
    square = sum(day.squares for day in days) / max(labelled, 1)
    deviation = float(np.sqrt(max(square - mean**2, 0.0)))
    return Sums(sum(day.rows for day in days), counts, labelled, mean, deviation)


def _count_rows(state: State, watch: Watch, rows: Rows, moments: NDArray[np.float64]) -> None:
    sizes = {lane.name: len(lane.sketch.totals) for lane in watch.lanes.lanes}
    dates = np.floor(moments / 86400.0)
    for date in np.unique(dates):
        chosen = dates == date
        day = _day(state, datetime.fromtimestamp(float(date) * 86400.0, UTC))
        day.rows += int(chosen.sum())
        for name, cells in rows.cells.items():
            found = np.bincount(cells[chosen], minlength=sizes[name])
            before = day.cells.get(name, [0] * sizes[name])
            day.cells[name] = (found + np.array(before)).tolist()


def _count_labels(state: State, labelled: Labelled, look: datetime) -> None:
    if not len(labelled.losses):
        return
    day = _day(state, look)
    day.labelled += len(labelled.losses)
    day.loss += float(labelled.losses.sum())
    day.squares += float((labelled.losses**2).sum())


def _day(state: State, moment: datetime) -> Day:
    date = moment.astimezone(UTC).strftime("%Y-%m-%d")
    if date not in state.days:
        state.days[date] = Day()
    return state.days[date]


def standing(alarms: Mapping[str, list[float]], now: datetime) -> dict[str, float]:
    """Return the tests whose last alarm is in the days of a report, with its moment."""
    first = (now - timedelta(days=DAYS)).timestamp()
    return {name: found[-1] for name, found in alarms.items() if found and found[-1] >= first}
