"""Numbers as people read them; the pages' test has more of them."""

from __future__ import annotations

import numpy as np
import pytest

from serving.numbers import marks, written


@pytest.mark.parametrize(
    ("value", "en", "pt"),
    [
        (1_000_000.5, "1,000,000", "1.000.000"),
        (float(np.float32(2796.94)), "2,796.94", "2.796,94"),
        (float(np.float32(-0.1)), "-0.1", "-0,1"),
        (10_000, "10,000", "10.000"),
        (9_999, "9999", "9999"),
        (2024, "2024", "2024"),
        (0.0, "0", "0"),
        (1.5e20, "1.50000e+20", "1,50000e+20"),
    ],
)
def test_numbers_have_the_marks_of_the_language(value: float, en: str, pt: str) -> None:
    assert written(value, 6).translate(marks("en")) == en
    assert written(value, 6).translate(marks("pt")) == pt
