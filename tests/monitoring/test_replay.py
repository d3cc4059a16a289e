"""Replay: two models answer the same logged rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import Conflict, ModelFault
from learning.learnt_rows import dump
from learning.prediction import Outputs
from monitoring import replay as module
from monitoring.logged_rows import input_columns
from monitoring.reading import LogReader
from monitoring.replay import Contestant, Found, replay
from monitoring.truths import read
from tables.batch import Batch
from tables.schema import Schema, Target
from tests.monitoring.samples import Logged, changed, make_logged
from tests.monitoring.test_feedback import sent
from tests.monitoring.watched import drawn
from tests.serving.factory import SIGNATURE, Sum, ask


class Off:
    """A runtime that is sure of the last class by so much less or more."""

    name, compiled, quick = "off", True, True

    def __init__(self, by: float = 0.0, only_where_missing: bool = False) -> None:
        self._by = by
        self._only_where_missing = only_where_missing

    def outputs(self, batch: Batch) -> Outputs:
        """Return `[n, 2]` probabilities."""
        income = batch.matrix[:, 1]
        by = np.where(np.isnan(income) | (not self._only_where_missing), self._by, 0.0)
        last = np.clip(Sum().outputs(batch)[:, 1] + by, 1e-6, 1 - 1e-6)
        return np.stack([1 - last, last], axis=-1)


def model(runtime: Any, schema: Schema = SIGNATURE, **members: bytes) -> Contestant:
    return Contestant("v2", schema, runtime, members)


CHAMPION = Contestant("v1", SIGNATURE, Sum(), {})


@pytest.fixture
def logged(tmp_path: Path) -> Logged:
    logged = make_logged(tmp_path)
    rows = drawn(400, 5, missing=0.25)
    ask(logged.service, "/v0/predict", rows.objects(range(400)), x_inference_id="w")
    logged.log.close()
    truths = [(f"w.{i}", bool(rows.target[i])) for i in range(0, 400, 2)]
    sent(logged, *truths)
    return logged


def replayed(logged: Logged, challenger: Contestant, champion: Contestant = CHAMPION) -> Found:
    reader, now = LogReader(logged.archive, logged.spool), datetime.now(UTC)
    start = now - timedelta(days=1)
    tables = reader.newest_first(["credit"], start, now + timedelta(hours=1), _columns())
    return replay(champion, challenger, tables, read(logged.archive, start))


def _columns() -> list[str]:
    return ["id", "version", *input_columns(SIGNATURE)]


def test_the_same_model_changes_nothing(logged: Logged) -> None:
    found = replayed(logged, model(Sum()))
    assert (found.rows, found.changed, found.skipped) == (400, 0, 0)
    assert found.difference["largest"] == 0.0
    assert found.slices == ()
    assert found.comparison is not None
    assert found.comparison.rows == 200
    assert found.comparison.difference == 0.0


def test_how_many_by_how_much_where_and_at_what_loss(logged: Logged) -> None:
    found = replayed(logged, model(Off(-0.5, only_where_missing=True)))
    assert 0 < found.changed < 200
    assert found.difference["largest"] == pytest.approx(0.5)
    assert (found.slices[0].feature, found.slices[0].value) == ("income", "missing")
    assert found.slices[0].changed == found.changed
    assert found.comparison is not None
    assert found.comparison.interval[0] > 0


def test_rows_that_either_has_learnt_are_no_proof(logged: Logged) -> None:
    some = Batch(drawn(400, 5, missing=0.25).batch.matrix[:100])
    found = replayed(logged, model(Sum(), SIGNATURE, **dump(some)))
    assert found.comparison is not None
    # Some rows without an income are there twice.
    assert 50 <= found.learnt < 60
    assert found.comparison.rows == 200 - found.learnt
    again = replayed(logged, model(Sum()), CHAMPION._replace(members=dump(some)))
    assert again.learnt == found.learnt


def test_rows_that_lack_what_one_of_the_two_reads_are_counted(logged: Logged) -> None:
    other = changed(SIGNATURE, "home", kind="number", categories=())
    found = replayed(logged, model(Sum(), other))
    assert (found.rows, found.skipped, found.fields) == (0, 400, ("home",))
    assert found.comparison is None
    assert found.document()["changed"] == {"rows": 0, "share": 0.0}


def test_another_target_cannot_be_compared(logged: Logged) -> None:
    other = Schema(SIGNATURE.features, Target("other", (False, True)))
    with pytest.raises(Conflict, match="another label"):
        replayed(logged, model(Sum(), other))


def test_a_model_that_answers_no_number_is_a_fault(logged: Logged) -> None:
    with pytest.raises(ModelFault, match="NaN"):
        replayed(logged, model(Off(np.nan)))


def test_of_many_rows_the_newest_count_and_beyond_them_those_with_a_truth(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    assert replayed(logged, model(Sum())).rows == 100
    again = make_logged(logged.folder)
    ask(again.service, "/v0/predict", drawn(300, 6).objects(range(300)), x_inference_id="n")
    again.log.close()
    found = replayed(again, model(Sum()))
    assert found.comparison is not None
    assert found.rows == 100 + found.comparison.rows or found.rows == 100


def test_a_quantity_has_changed_if_by_more_than_a_hundredth_of_the_spread() -> None:
    before = np.array([[0.0], [100.0], [50.0]])
    apart, changed_ = module._apart(before, before + np.array([[0.1], [0.0], [5.0]]))
    assert apart.tolist() == pytest.approx([0.1, 0.0, 5.0])
    assert changed_.tolist() == [False, False, True]
