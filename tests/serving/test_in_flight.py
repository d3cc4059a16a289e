from __future__ import annotations

import pytest

from errors import Overloaded
from serving.in_flight import InFlight


def test_one_more_than_the_bound_is_refused_and_leaving_makes_room() -> None:
    in_flight = InFlight(1)
    with pytest.raises(ZeroDivisionError), in_flight:
        _ = 1 / 0
    with in_flight, pytest.raises(Overloaded, match="more than 1 requests"), in_flight:
        pass
    with in_flight:
        pass
