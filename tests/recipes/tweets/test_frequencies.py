"""Frequencies of words by class: counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recipes.tweets.frequencies import ClassFrequencies, summed_frequencies

# Which of three stems four texts have; two texts of each class.
ROWS = csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]], dtype=np.float64))
TARGET = np.array([0, 0, 1, 1])


def test_a_stem_counts_by_its_share_of_the_class_s_stems() -> None:
    counted = ClassFrequencies().fit(ROWS, TARGET)
    np.testing.assert_allclose(counted.frequencies_, [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    np.testing.assert_allclose(counted.transform(ROWS)[0], [1.0, 1 / 3])
    assert (
        counted.weights is counted.frequencies_ or (counted.weights == counted.frequencies_).all()
    )
    assert list(counted.get_feature_names_out()) == ["frequency in class 0", "frequency in class 1"]


def test_a_class_without_a_stem_has_frequencies_of_0() -> None:
    counted = ClassFrequencies().fit(csr_matrix(np.array([[1.0], [0.0]])), np.array([0, 1]))
    assert counted.frequencies_.tolist() == [[1.0], [0.0]]


def test_the_sums_tell_the_classes_apart() -> None:
    texts = ["so glad and happy", "happy days", "so sad and lonely", "lonely nights"]
    columns = summed_frequencies().fit_transform(texts, TARGET)
    assert columns.shape == (4, 2)
    assert (columns[:2, 0] > 0).all()
    assert (columns[2:, 0] < 0).all()
    assert columns.std(axis=0) == pytest.approx(1.0)
