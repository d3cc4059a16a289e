from __future__ import annotations

import sys

import pytest

from errors import Overloaded, RowProblem, RowsError, StoreUnavailable
from monitoring.asking import FAULT, answer, ask

ECHO = """
import sys
from errors import RowProblem, RowsError, StoreUnavailable
from monitoring.asking import answer
def work():
    asked = sys.stdin.buffer.read()
    if asked == b"rows":
        raise RowsError("no good", (RowProblem(1, "truth", "a number", "text"),))
    if asked == b"store":
        raise StoreUnavailable("away")
    if asked == b"sleep":
        import time; time.sleep(60)
    return asked
said, status = answer(work)
sys.stdout.buffer.write(said)
sys.exit(status)
"""


def echo(asked: bytes, seconds: float = 60.0) -> bytes:
    return ask([sys.executable, "-c", ECHO], asked, seconds)


def test_an_answer_comes_back() -> None:
    assert echo(b"what was asked") == b"what was asked"


def test_a_fault_is_raised_again() -> None:
    with pytest.raises(StoreUnavailable, match="away"):
        echo(b"store")
    with pytest.raises(RowsError, match="no good") as refused:
        echo(b"rows")
    assert refused.value.problems == (RowProblem(1, "truth", "a number", "text"),)


def test_one_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Overloaded):
        echo(b"sleep", 1.0)


def test_a_fault_without_a_name_is_no_answer() -> None:
    def broken() -> bytes:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        answer(broken)
    assert FAULT not in (0, 1, 2)  # what Python ends with by itself
