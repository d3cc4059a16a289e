from __future__ import annotations

from itertools import pairwise
from statistics import mean

import pytest

from benchmarks.offered_load import Answer, arrivals, at, content_length, offer
from benchmarks.server import Request
from tests.benchmarks.target import listening

GOOD = Request("/", b"good", {})


def requests(*bodies: bytes) -> list[Request]:
    return [Request("/", body, {}) for body in bodies]


def test_arrivals_keep_the_rate_on_average_and_repeat_with_the_seed() -> None:
    due = arrivals(1000, 10, seed=1)
    gaps = [b - a for a, b in pairwise(due)]
    assert mean(gaps) == pytest.approx(0.001, rel=0.05)
    assert due == arrivals(1000, 10, seed=1)
    assert due != arrivals(1000, 10, seed=2)


def test_a_slow_answer_is_charged_with_all_that_waited_behind_it() -> None:
    # One of 100 requests takes half a second; 50 more were due meanwhile.
    with listening() as port:
        seen = offer(port, requests(b"0.5", *[b"good"] * 99), rate=100, seconds=1, connections=2)
    assert len(seen.latencies) == 100
    waited = sum(latency > 0.05 for latency in seen.latencies)
    assert waited > 25
    assert seen.percentile(0.99) > 0.4
    assert at(seen.late, 0.99) > 0.3  # both connections were taken


def test_answers_are_handed_over_with_the_request_that_they_belong_to() -> None:
    answers: list[Answer] = []
    with listening() as port:
        sent = requests(b"one", b"two", b"three")
        offer(port, sent, rate=100, seconds=0.3, on_answer=answers.append)
    assert len(answers) == 30
    assert all(a.body == b"you said: " + sent[a.index].body for a in answers)
    assert all(0 < a.received - a.sent < 1 for a in answers)


def test_failed_and_lost_requests_are_counted() -> None:
    with listening() as port:
        seen = offer(port, requests(b"good", b"bad", b"hang up"), rate=100, seconds=0.3)
    assert (len(seen.latencies), seen.failed) == (10, 20)


def test_an_answer_without_a_length_is_refused() -> None:
    assert content_length(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX: y") == 12
    with pytest.raises(ValueError, match="no Content-Length"):
        content_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")
