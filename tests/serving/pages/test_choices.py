"""What a reader has set, and what cannot be used."""

from __future__ import annotations

import pytest

from serving.pages.choices import Choices, choices_of


def test_what_is_not_set_has_a_default() -> None:
    assert choices_of({}) == Choices(0.5, 1.0, 1.0)
    assert choices_of({"threshold": " "}) == Choices()


def test_numbers_are_read_as_people_write_them() -> None:
    query = {"threshold": "0,25", "cost_fp": "1e3", "cost_fn": " 7 ", "feature": "a", "beside": "b"}
    assert choices_of(query) == Choices(0.25, 1000, 7, "a", "b")


@pytest.mark.parametrize("given", ["1.5", "-1", "nan", "inf", "x", "1" * 400, "<b>"])
def test_what_cannot_be_used_is_named_and_the_default_stays(given: str) -> None:
    found = choices_of({"threshold": given, "cost_fp": "2"})
    assert (found.threshold, found.cost_fp, found.refused) == (0.5, 2, ("threshold",))


@pytest.mark.parametrize("name", ["cost_fp", "cost_fn"])
def test_a_cost_is_bounded(name: str) -> None:
    assert choices_of({name: "1e10"}).refused == (name,)
