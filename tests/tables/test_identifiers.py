from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.identifiers import spell_apart, squash, stay_apart


def test_signs_and_case_are_lost() -> None:
    assert squash("My-Model_2") == squash("my model 2") == "mymodel2"
    assert squash("Größe") == "grösse"


@pytest.mark.parametrize(
    ("names", "apart"),
    [(["a", "b"], True), (["a b", "a-b"], False), (["A", "a"], False), (["a", "%"], False)],
)
def test_names_stay_apart_or_not(names: list[str], apart: bool) -> None:
    assert stay_apart(names) is apart


def test_a_name_that_another_looks_like_gets_a_number() -> None:
    spelled = spell_apart(["my_model", "my-model", "2024-sales", "my-model-2"], "model")
    assert spelled == {
        "2024-sales": "model_2024_sales",
        "my-model": "my_model",
        "my-model-2": "my_model_2",
        "my_model": "my_model_3",
    }


@given(st.sets(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,6}", fullmatch=True)))
def test_every_name_is_spelled_and_no_two_look_alike(names: set[str]) -> None:
    spelled = spell_apart(names, "model")
    assert spelled.keys() == names
    assert stay_apart(spelled.values())
    assert all(word.isidentifier() and "__" not in word for word in spelled.values())
