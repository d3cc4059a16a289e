from __future__ import annotations

import logging
import random
from collections.abc import Iterator

import pytest

from serving.metrics import Metrics
from serving.observation import Observation, access_log
from serving.trace_context import TraceContext


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the access log gets."""
    access_log.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "mirante.access")
    yield caplog
    access_log.removeHandler(caplog.handler)


def record(observation: Observation, status: int) -> None:
    observation.record(
        request_id="id", method="POST", route="/v0/predict", status=status, seconds=0.00123456789
    )


def statuses(logged: pytest.LogCaptureFixture) -> set[int]:
    return {line.status for line in logged.records if line.name == "mirante.access"}  # type: ignore[attr-defined]


def test_every_request_is_counted_and_none_of_the_good_is_logged(
    logged: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    for status in (200, 422):
        record(Observation(metrics, 0.0), status)
    assert statuses(logged) == {422}
    text = metrics.exposition().decode()
    for status in (200, 422):
        assert f'mirante_requests_total{{route="/v0/predict",status="{status}"}} 1.0' in text


def test_every_refusal_is_logged(logged: pytest.LogCaptureFixture) -> None:
    for status in (200, 422, 500, 503):
        record(Observation(Metrics(), 0.0), status)
    assert statuses(logged) == {422, 500, 503}


@pytest.mark.parametrize(("drawn", "expected"), [(0.24, {200}), (0.25, set())])
def test_a_sample_of_the_good_ones_is_logged(
    logged: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    drawn: float,
    expected: set[int],
) -> None:
    monkeypatch.setattr(random, "random", lambda: drawn)
    record(Observation(Metrics(), 0.25), 200)
    assert statuses(logged) == expected


def test_a_refusal_within_a_200_is_logged_too(logged: pytest.LogCaptureFixture) -> None:
    Observation(Metrics(), 0.0).record(
        request_id="id", method="POST", route="/mcp", status=200, seconds=0.1, detail="a row"
    )
    assert statuses(logged) == {200}


@pytest.mark.parametrize(("flags", "shown"), [("01", True), ("00", False), ("03", True)])
def test_a_trace_that_is_not_recorded_is_no_exemplar(flags: str, shown: bool) -> None:
    metrics, trace = Metrics(), TraceContext("a" * 32, "b" * 16, flags)
    Observation(metrics, 0.0).record(
        request_id="id", method="POST", route="/a", status=200, seconds=0.1, trace=trace
    )
    assert (trace.trace_id.encode() in metrics.openmetrics()) is shown


def test_a_line_says_what_was_asked(logged: pytest.LogCaptureFixture) -> None:
    record(Observation(Metrics(), 1.0), 200)
    line = vars(logged.records[0])
    assert (line["request_id"], line["method"], line["route"]) == ("id", "POST", "/v0/predict")
    assert line["seconds"] == 0.001235
