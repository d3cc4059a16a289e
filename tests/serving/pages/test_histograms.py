from dataclasses import replace

import numpy as np
import pytest

from learning.profile import MEMBER
from serving.pages.histograms import bins_of, histogram, histograms_of
from tables.sketch import sketch_codes, sketch_numbers
from tests.serving.factory import make_live


def test_bins_hold_as_many_rows_as_the_sketch():
    values = np.random.default_rng(0).gamma(2, 3, 5000).astype(np.float32)
    found = bins_of(sketch_numbers(values), 32)
    expected, _ = np.histogram(values, 32)
    assert sum(found) == pytest.approx(5000, rel=0.01)
    assert np.abs(np.array(found) - expected).max() < 0.03 * 5000


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0], [np.nan]])
def test_without_a_range_there_are_no_bars(values):
    assert histogram(sketch_numbers(np.array(values))).path == ""


def test_a_bin_with_any_row_at_all_is_seen():
    values = np.array([0.0] * 10_000 + [1.0])
    path = histogram(sketch_numbers(values)).path
    assert path.startswith("M0 20V0h4")
    assert path.endswith("V19h4V20z")


def test_categories_have_their_share():
    assert histogram(sketch_codes(np.array([0, 0, 0, 1, np.nan]), 2)).shares == {0: 0.75, 1: 0.0}


@pytest.mark.parametrize("kept", [{}, {MEMBER: b"no profile"}])
def test_an_artifact_without_a_profile_has_no_histograms(kept):
    assert histograms_of(replace(make_live(), kept=kept)) == {}
