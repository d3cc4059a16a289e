"""ROC, precision and recall, calibration: drawn, beside the other version, and in words."""

from __future__ import annotations

from dataclasses import replace

from serving.pages.curve_pictures import curves_section
from tests.serving.pages.versions_made import look, subject


def test_two_classes_have_three_pictures_with_a_sentence_each() -> None:
    section = curves_section(look("two"))
    assert section is not None
    assert [picture.title for picture in section.pictures] == [
        "ROC",
        "Precision and recall",
        "Calibration",
    ]
    assert all("%" in picture.said or "percentage" in picture.said for picture in section.pictures)
    assert all('class="own"' in picture.svg for picture in section.pictures)
    assert not any('class="other"' in picture.svg for picture in section.pictures)


def test_the_challenger_is_drawn_beside_the_champion() -> None:
    section = curves_section(look("two", other=subject("two")))
    assert section is not None
    assert all('class="other"' in picture.svg for picture in section.pictures)
    assert all(("other", "the other version") in picture.legend for picture in section.pictures)


def test_many_classes_have_calibration_and_a_quantity_nothing() -> None:
    section = curves_section(look("many", "pt"))
    assert section is not None
    assert [picture.title for picture in section.pictures] == ["Calibração"]
    assert curves_section(look("quantity")) is None


def test_a_version_of_before_has_what_its_metrics_have() -> None:
    old = replace(subject("two"), kept={})
    section = curves_section(look("two", subject=old))
    assert section is not None
    assert [picture.title for picture in section.pictures] == ["Calibration"]
    assert curves_section(look("two", subject=replace(old, metrics={}))) is None
