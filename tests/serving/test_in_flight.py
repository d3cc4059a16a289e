from __future__ import annotations

import threading

import pytest

from errors import Overloaded
from serving import in_flight
from serving.in_flight import InFlight


def test_who_waits_too_long_is_refused_and_leaving_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert in_flight.QUEUE_SECONDS == 10
    monkeypatch.setattr(in_flight, "QUEUE_SECONDS", 0.05)
    places = InFlight(1)
    with pytest.raises(ZeroDivisionError), places:
        _ = 1 / 0
    with places, pytest.raises(Overloaded, match="no turn within"), places:
        pass
    with places:
        pass


def test_a_burst_waits_and_is_let_in() -> None:
    places, done = InFlight(1), []

    def enter() -> None:
        with places:
            done.append(threading.current_thread().name)

    threads = [threading.Thread(target=enter) for _ in range(30)]
    with places:
        for thread in threads:
            thread.start()
        assert done == []
    for thread in threads:
        thread.join(20)
    assert len(done) == 30
