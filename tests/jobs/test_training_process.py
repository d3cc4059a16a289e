from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.job import Order
from jobs.messages import Advanced, Ended, MayRegister, Message, Noted, Refused, Staged, Start
from jobs.training_process import TrainingProcess
from tests.servers import wait_until

TRAINEE = [sys.executable, str(Path(__file__).with_name("trainee.py"))]


def child(deed: str, data: Any = None) -> TrainingProcess:
    return TrainingProcess(TRAINEE, Start("j", Order("m", recipe=deed), 0), data)


def hear_until(trainee: TrainingProcess, kind: type[Any]) -> list[Message]:
    """Return what it says, up to the first message of a kind."""
    said: list[Message] = []

    def note_worker() -> bool:
        said.extend(trainee.receive(0.1) or ())
        return any(isinstance(message, kind) for message in said)

    wait_until(note_worker, f"{kind.__name__} to be said")
    return said


def test_what_it_says_is_heard_in_order_until_it_says_no_more() -> None:
    with child("refuse") as trainee:
        said = hear_until(trainee, Refused)
        assert said == [
            Staged("fit", 4),
            Noted("it has begun"),
            Refused("the table has no rows"),
        ]
        assert trainee.receive(10) is None
        assert trainee.wait(10) == 0


def test_it_waits_to_be_allowed_before_it_registers() -> None:
    with child("train") as trainee:
        said = hear_until(trainee, MayRegister)
        assert sum(isinstance(message, Advanced) for message in said) > 0
        assert trainee.receive(0.3) == []
        trainee.go()
        (ended,) = [m for m in hear_until(trainee, Ended) if isinstance(m, Ended)]
        assert ended.result.version == "v1"


def test_it_is_handed_the_table() -> None:
    with tempfile.TemporaryFile() as table:
        table.write(b"12345")
        table.seek(0)
        with child("table", table) as trainee:
            assert Refused("the table has 5 bytes") in hear_until(trainee, Refused)


@pytest.mark.parametrize(("deed", "status"), [("leave", 7), ("killed", -9)])
def test_how_it_ended_is_told(deed: str, status: int) -> None:
    with child(deed) as trainee:
        assert trainee.wait(20) == status
        trainee.go()  # to nobody, which is no error


def test_leaving_ends_it_and_its_memory_is_known_until_then() -> None:
    with child("slow") as trainee:
        hear_until(trainee, Noted)
        process = psutil.Process(trainee.pid)
        assert trainee.memory() == pytest.approx(process.memory_info().rss, rel=0.2)
        assert trainee.wait(0.05) is None
        began = time.monotonic()
    assert time.monotonic() - began < 20  # and not when its minute is over
    assert not process.is_running()
    assert trainee.memory() == 0
