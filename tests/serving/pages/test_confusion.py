"""More than two classes: which are taken for which."""

from __future__ import annotations

import msgspec

from learning.quality import Confusion, Quality
from serving.pages.confusion import confusion_section
from tests.serving.pages.versions_made import look, subject

NINE = Confusion(
    classes=(0, 1, 2),
    counts=((8, 1, 1, 0), (4, 6, 0, 0), (0, 0, 0, 0), (0, 0, 0, 5)),
    ranks=(19, 4, 2),
)


def section_of(confusion: Confusion):
    found = subject("many")
    kept = {**found.kept, "quality.json": msgspec.json.encode(Quality(25, confusion=confusion))}
    changed = type(found)(**{**vars_of(found), "kept": kept})
    section = confusion_section(look("many", subject=changed))
    assert section is not None
    return section


def vars_of(found):
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def test_each_class_has_what_is_found_and_what_is_right() -> None:
    section = section_of(NINE)
    by_class, matrix = section.tables
    assert by_class.rows[0][1:] == ["10", "80.0 %", "66.7 %"]
    assert by_class.rows[2][1:] == ["0", "–", "0.0 %"]
    assert matrix.rows[-1][0] == "others"
    assert matrix.shades[1][:2] == [4, 5]
    assert "76.0 % of 25 rows" in section.said[0]


def test_the_worst_mistake_is_told_with_its_numbers() -> None:
    assert "4 of 10 rows of" in section_of(NINE).said[-1]
    good = Confusion((0, 1, 2), ((9, 0, 0, 0), (0, 9, 0, 0), (0, 0, 9, 0), (0, 0, 0, 0)), (27,))
    section = section_of(good)
    assert section.said[-1] == "No row of the hold-out is mistaken."
    assert len(section.tables[1].rows) == 3  # there are no others


def test_two_classes_and_quantities_have_none() -> None:
    assert confusion_section(look("two")) is None
    assert confusion_section(look("quantity")) is None
    assert confusion_section(look("many", "pt")) is not None
