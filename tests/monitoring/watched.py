"""Rows of the credit model of `tests.serving.factory`, its watch, and a week of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from learning.profile import profile_of, served, watched
from monitoring.drift_state import State, absorb, first_state
from monitoring.drift_watch import Watch
from tables.batch import Batch
from tables.dataset import Dataset
from tests.serving.factory import SIGNATURE, Sum

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


def drawn(rows: int, seed: int, missing: float = 0.0, **changed: Any) -> Dataset:
    """Return rows as training saw them, or with another middle `age`, or other shares `home`."""
    random = np.random.default_rng(seed)
    income = random.lognormal(3, 0.5, rows)
    income[random.random(rows) < (missing or 0.02)] = np.nan
    home = random.choice([0.0, 1.0, -1.0], rows, p=changed.get("home", [0.6, 0.4, 0.0]))
    age = np.round(random.normal(changed.get("age", 40), 60, rows))
    columns = [age, income, home, random.integers(0, 2, rows)]
    batch = Batch(np.stack(columns, axis=-1).astype(np.float32))
    target = (random.random(rows) < Sum().outputs(batch)[:, 1]).astype(int)
    return Dataset(SIGNATURE, batch, target)


def make_watch() -> Watch:
    """Return the watch of a model that knows the truth."""
    holdout = drawn(1500, 1)
    profile = profile_of(drawn(3000, 0), holdout, Sum().outputs(holdout.batch))
    return Watch(profile, SIGNATURE.target)


def see(watch: Watch, rows: Dataset, labelled: int = 0, swapped: bool = False) -> State:
    """Return the state of a watch that sees rows in a look, so many of them labelled."""
    state = first_state(watch, "v1", NOW)
    answered = served(Sum().outputs(rows.batch), SIGNATURE.target)
    found = watch.rows(dict(watched(SIGNATURE, rows.batch)), answered)
    known = watch.labelled(answered[:labelled], rows.target[:labelled] ^ swapped)
    moments = NOW.timestamp() - (np.arange(rows.rows) % 86400).astype(np.float64)
    absorb(state, watch, found, known, moments, 24.0, NOW)
    return state
