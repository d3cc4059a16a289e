from __future__ import annotations

import shutil

from benchmarks.learners import shown
from tests.conftest import require


def test_the_ratio_is_that_within_a_turn() -> None:
    """Turns differ by what else the machine does: both models bear it alike."""
    require(shutil.which("wrk") is not None, "wrk", "apt-get install wrk")
    text = shown({"credit": [100e-6, 200e-6, 400e-6], "auto": [90e-6, 160e-6, 400e-6]})
    assert "within a turn: 0.90." in text
    assert "| the credit forest | 200 | 100 | 400 |" in text
    assert "| `auto` | 160 | 90 | 400 |" in text
