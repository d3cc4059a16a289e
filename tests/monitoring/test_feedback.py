from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from errors import RowsError
from monitoring.feedback import Arrivals, Counts, Truth, take
from monitoring.reading import LogReader
from monitoring.truths import read
from tests.monitoring.samples import DAYS, Logged, make_logged
from tests.serving.factory import ROW, ask, make_live


@pytest.fixture
def logged(tmp_path: Path) -> Logged:
    logged = make_logged(tmp_path)
    for name in ("one", "two", "three"):
        ask(logged.service, "/v0/predict", ROW, x_inference_id=name)
    ask(logged.service, "/v0/predict", [ROW] * 3, x_inference_id="many")
    logged.log.close()
    return logged


def sent(logged: Logged, *truths: tuple[str, bool | int | float | str]) -> Counts:
    reader = LogReader(logged.archive, logged.spool)
    return take([Truth(*each) for each in truths], logged.archive, reader, DAYS)


def kept(logged: Logged) -> dict[str, str]:
    table = read(logged.archive, datetime.now(UTC))
    return dict(zip(table["id"].to_pylist(), table["truth"].to_pylist(), strict=True))


@pytest.mark.parametrize("archived", [False, True])
def test_truths_are_accepted_once_and_the_unknown_counted(logged: Logged, archived: bool) -> None:
    if archived:
        logged.archived()
    first = sent(logged, ("one", True), ("many.2", "no"), ("nobody", True))
    assert first == Counts(accepted=2, repeated=0, unknown=1)
    again = sent(logged, ("one", "yes"), ("many.2", False), ("nobody", True), ("two", 1))
    assert again == Counts(accepted=1, repeated=3, unknown=0)
    assert kept(logged) == {"one": "true", "many.2": "false", "nobody": "true", "two": "true"}


def test_a_correction_counts_as_new(logged: Logged) -> None:
    assert sent(logged, ("one", True)) == Counts(1, 0, 0)
    assert sent(logged, ("one", False)) == Counts(1, 0, 0)
    assert sent(logged, ("one", True), ("one", False)) == Counts(0, 1, 0)
    assert kept(logged) == {"one": "false"}


def test_the_only_row_of_a_request_may_be_named_with_its_index(logged: Logged) -> None:
    assert sent(logged, ("one.0", True), ("many.0", True)) == Counts(2, 0, 0)
    assert sent(logged, ("one", True)) == Counts(0, 1, 0)
    assert sent(logged, ("one.1", True)) == Counts(0, 0, 1)


def test_a_truth_that_the_target_cannot_have_is_named_and_none_is_kept(logged: Logged) -> None:
    with pytest.raises(RowsError, match="a truth is none") as refused:
        sent(logged, ("one", True), ("two", "secret"), ("nobody", "anything"))
    (problem,) = refused.value.problems
    assert (problem.row, problem.field, problem.expected) == (1, "truth", "one of false, true")
    assert "secret" not in f"{refused.value} {problem}"
    assert kept(logged) == {}


def test_an_unknown_id_comes_true_when_its_prediction_arrives(logged: Logged) -> None:
    assert sent(logged, ("late", True)) == Counts(0, 0, 1)
    again = make_logged(logged.folder)
    ask(again.service, "/v0/predict", ROW, x_inference_id="late")
    again.log.close()
    assert sent(again, ("late", True)) == Counts(0, 1, 0)


def test_truths_that_arrived_come_with_what_was_answered(logged: Logged) -> None:
    sent(logged, ("one", True), ("many.2", False), ("nobody", True))
    reader, now = LogReader(logged.archive, logged.spool), datetime.now(UTC)
    arrivals, version = Arrivals(logged.archive, reader, DAYS), make_live().version
    hour = timedelta(hours=1)
    (known,) = arrivals("credit", version, now - hour, now + hour)
    answered = known.answered.tolist()
    assert answered[0] == answered[1]
    assert sum(answered[0]) == pytest.approx(1.0)
    assert known.values.tolist() == [1, 0]
    assert list(arrivals("credit", "another", now - hour, now + hour)) == []
    assert list(arrivals("credit", version, now + hour, now + 2 * hour)) == []
