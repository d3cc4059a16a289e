"""The constants of policy, each with its own value written here."""

from __future__ import annotations

import msgspec
import pytest

from jobs.job import Order
from policy import DEFAULT_PROMOTION, PROMOTIONS, STAGES, Name, is_name, is_version


@pytest.mark.parametrize("text", ["a", "0", "credit-2_b", "a" * 64])
def test_names(text):
    assert is_name(text)
    assert is_version(text)
    assert msgspec.convert(text, Name) == text


@pytest.mark.parametrize(
    "text", ["", "A", "-a", "_a", "a b", "a/b", "..", "a" * 65, "a\n", "é", "a.b"]
)
def test_what_is_no_name(text):
    assert not is_name(text)
    assert is_version(text) is (text == "a.b")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Name)


def test_promotion_is_by_comparison_unless_overruled():
    assert PROMOTIONS == ("if_better", "always", "never")
    assert DEFAULT_PROMOTION == Order("some").promote == "if_better"


def test_the_stages_of_a_run():
    assert STAGES == ("read", "choose", "fit", "evaluate", "compile", "compare", "register")
