"""One look at a version: names, marks and numbers as they are shown."""

from __future__ import annotations

import pytest

from tests.serving.pages.versions_made import look, subject


def test_classes_and_target_are_shown() -> None:
    assert look("two").classes == ["no", "yes"]
    assert look("two").target == "stays"
    assert all(len(name) <= 40 for name in look("hostile").classes)


def test_the_other_version_has_a_mark_of_its_own() -> None:
    assert [kind for kind, _ in look("two").legend] == ["own"]
    beside = look("two", other=subject("two"))
    assert [kind for kind, _ in beside.legend] == ["own", "other"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (0.12345, "0.123"),
        (12345.6, "12,346"),
        (0, "0"),
        (-2.50, "−2.5"),
        (3e-5, "0.00003"),
    ],
)
def test_numbers_have_no_digits_that_say_nothing(value: float, text: str) -> None:
    assert look("two").plain(value) == text


def test_an_axis_writes_millions_and_shares_shortly_in_either_language() -> None:
    assert look("two").tick(2_500_000) == "2.5 M"
    assert look("two", "pt").tick(0.25) == "0,25"
    assert look("two", "pt").tick_share(0.125) == "12,5 %"
    assert look("two").tick_share(0.2) == "20 %"


def test_a_quantity_has_its_unit() -> None:
    assert look("quantity").quantity(12.5).endswith(" kUSD")
    assert look("two").quantity(12) == "12"
