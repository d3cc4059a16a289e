"""Learnt rows: what a model learnt from is known again, by four bytes a row."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ArtifactDamaged
from learning.learnt_rows import MEMBER, dump, learnt
from tables.batch import Batch


def batch(*values: float) -> Batch:
    return Batch(np.array(values, dtype=np.float32)[:, None])


def test_rows_are_known_again_whatever_their_order() -> None:
    members = dump(batch(1, float("nan"), 3))
    found = learnt(members, batch(3, 2, float("nan"), 4, 1))
    assert found is not None
    assert found.tolist() == [True, False, True, False, True]
    assert len(members[MEMBER]) == 3 * 4


def test_texts_are_part_of_a_row() -> None:
    members = dump(Batch(np.zeros((2, 0), np.float32), (["a", "b"],)))
    found = learnt(members, Batch(np.zeros((2, 0), np.float32), (["c", "a"],)))
    assert found is not None
    assert found.tolist() == [False, True]


def test_of_a_hundred_thousand_rows_hardly_another_is_taken_for_one() -> None:
    members = dump(batch(*range(100_000)))
    found = learnt(members, batch(*range(200_000, 300_000)))
    assert found is not None
    assert found.sum() <= 10


def test_a_model_of_before_cannot_tell_and_a_spoilt_member_is_said() -> None:
    assert learnt({}, batch(1)) is None
    with pytest.raises(ArtifactDamaged, match=r"learnt\.rows"):
        learnt({MEMBER: b"abc"}, batch(1))
