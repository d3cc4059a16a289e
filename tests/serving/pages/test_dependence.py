"""How the answer changes with a feature: drawn for the one that is chosen, told in words."""

from __future__ import annotations

from dataclasses import replace

from serving.pages.choices import Choices
from serving.pages.dependence import MOST_STILL, dependence_section
from tests.serving.pages.versions_made import look, subject


def test_the_weightiest_is_drawn_unless_another_is_chosen() -> None:
    section = dependence_section(look("two"))
    assert section is not None
    assert [picture.title for picture in section.pictures] == ["age"]
    assert 'class="row"' in section.pictures[0].svg
    curve = subject("two").curves["age"]
    lowest = min(mean[1] for mean in curve.mean)
    assert f"{100 * lowest:.1f} %" in section.pictures[0].said
    chosen = dependence_section(look("two", choices=Choices(feature="plan")))
    assert chosen is not None
    assert chosen.pictures[0].title == "plan"
    assert ">gold<" in chosen.pictures[0].svg


def test_a_feature_that_is_none_is_not_said_back() -> None:
    section = dependence_section(look("two", choices=Choices(feature="<b>none</b>")))
    assert section is not None
    assert section.pictures[0].title == "age"


def test_a_feature_of_a_name_that_is_not_shown_whole_is_chosen_by_its_place() -> None:
    section = dependence_section(look("hostile"))
    assert section is not None
    assert section.form is not None
    marks = [mark for mark, _ in section.form.values["names"]]
    assert all(len(mark) <= 80 for mark in marks)
    number = next(index for index, mark in enumerate(marks) if mark.startswith("#"))
    chosen = dependence_section(look("hostile", choices=Choices(feature=marks[number])))
    assert chosen is not None
    assert chosen.pictures[0].title == section.form.values["names"][number][1]


def test_many_classes_have_a_line_each_and_quantities_their_unit() -> None:
    many = dependence_section(look("many"))
    assert many is not None
    assert {name for _, name in many.pictures[0].legend} == {"basic", "gold", "pro"}
    quantity = dependence_section(look("quantity", "pt"))
    assert quantity is not None
    assert "kUSD" in quantity.pictures[0].said


def test_a_file_shows_the_first_and_has_no_form() -> None:
    section = dependence_section(look("two", still=True))
    assert section is not None
    assert section.form is None
    assert len(section.pictures) == min(MOST_STILL, len(subject("two").curves))


def test_a_version_without_curves_has_none() -> None:
    assert dependence_section(look("two", subject=replace(subject("two"), kept={}))) is None
