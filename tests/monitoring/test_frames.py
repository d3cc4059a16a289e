from __future__ import annotations

import pytest

from monitoring.frames import frame, frames_in

WHOLE = frame(b"first") + frame(b"") + frame(b"third")


def test_what_was_framed_comes_back() -> None:
    assert list(frames_in(WHOLE)) == [b"first", b"", b"third"]
    assert list(frames_in(b"")) == []


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_torn_end_is_left_out(cut: int) -> None:
    assert list(frames_in(WHOLE[:-cut])) == [b"first", b""]


def test_nothing_is_read_past_damage() -> None:
    damaged = WHOLE[:9] + bytes([WHOLE[9] ^ 1]) + WHOLE[10:]
    assert list(frames_in(damaged)) == []
