"""A quantity: predicted against true, errors, and what intervals hold."""

from __future__ import annotations

import numpy as np

from learning.quality import dump, quality_of
from serving.pages.residuals import residuals_section
from tests.learning.test_quality import holdout
from tests.serving.pages.versions_made import look, subject


def test_a_quantity_has_three_pictures_and_its_intervals() -> None:
    section = residuals_section(look("quantity"))
    assert section is not None
    assert len(section.pictures) == 3
    assert all("kUSD" in picture.said for picture in section.pictures)
    (table,) = section.tables
    assert [row[0] for row in table.rows] == ["50.0 %", "80.0 %", "90.0 %", "95.0 %"]


def test_a_skewed_quantity_has_logarithmic_axes() -> None:
    true = np.exp(np.random.default_rng(0).normal(5, 1.5, 1000))
    kept = dump(quality_of(holdout(true), true[:, np.newaxis] * 1.1))
    found = subject("quantity")
    skewed = type(found)(found.name, found.version, found.created_at, 1, found.schema, {}, {}, kept)
    section = residuals_section(look("quantity", "pt", subject=skewed))
    assert section is not None
    assert ">100<" in section.pictures[0].svg
    assert not section.tables  # nothing is known of intervals


def test_classes_have_none() -> None:
    assert residuals_section(look("two")) is None
