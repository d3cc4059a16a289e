from dataclasses import replace

import pytest

from errors import ParseError
from serving.pages.form import (
    FEWEST_GROUPED,
    MOST_FIELDS,
    MOST_FORM,
    fields_of,
    groups_of,
    row_of,
    signature_of,
)
from serving.refusals import BodyTooLarge
from tables.dates import DateFormat
from tables.schema import Feature, Schema, Target
from tests.serving.factory import ROW, make_live

TARGET = Target("ok", (False, True))
DAY = Feature("day", "date", example="2026-01-31", dates=DateFormat(parts=("year",)))
NOTE = Feature("note", "text", example="some words")
MANY = Feature("city", "category", categories=tuple(f"c{i:03}" for i in range(300)), example="c001")
TRI = Feature("tri", "boolean", nullable=True, example=True)


def row_from(feature: Feature, text: str):
    return row_of(Schema((feature,), TARGET), {"f0": text})[feature.name]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        (" -2.5 ", -2.5),
        ("1e3", 1000.0),
        ("", None),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("12,5", "12,5"),
        ("three", "three"),
        ("٣", "٣"),
    ],
)
def test_a_number_is_one_and_anything_else_stays_what_it_is(text, value):
    found = row_from(Feature("a", "number"), text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("feature", "text", "value"),
    [
        (Feature("a", "boolean"), "true", True),
        (Feature("a", "boolean"), "", False),
        (TRI, "", None),
        (TRI, "false", False),
        (Feature("a", "category", categories=("x", "y")), "1", "y"),
        (Feature("a", "category", categories=("x", "y")), "7", "7"),
        (Feature("a", "category", True, ("x", "y")), "", None),
        (MANY, "c299", "c299"),
        (MANY, "elsewhere", "elsewhere"),
        (NOTE, "", ""),
        (Feature("n", "text", nullable=True), "", None),
        (DAY, "2026-02-01", "2026-02-01"),
    ],
)
def test_each_kind_is_read_as_json_has_it(feature, text, value):
    assert row_from(feature, text) == value


def test_a_field_that_did_not_come_is_no_value():
    assert row_of(Schema((Feature("a", "integer"), TRI), TARGET), {}) == {"a": None, "tri": None}


def test_the_example_comes_back_as_it_went_out():
    live = make_live()
    (group,) = groups_of(live, ROW | {"records": False}, {})
    sent = {c.id: c.value for c in group.controls if c.value != "false"}
    assert row_of(live.schema, sent) == ROW | {"records": False}


def test_a_whole_number_has_no_point():
    live = make_live(schema=Schema((Feature("a", "number"), Feature("b", "number")), TARGET))
    (group,) = groups_of(live, {"a": 71.0, "b": 2.5}, {})
    assert [control.value for control in group.controls] == ["71", "2.5"]


@pytest.mark.parametrize(
    ("feature", "look"),
    [
        (Feature("a", "integer"), "number"),
        (Feature("a", "boolean"), "switch"),
        (TRI, "choice"),
        (Feature("a", "category", categories=("x",)), "choice"),
        (MANY, "typed"),
        (DAY, "date"),
        (Feature("day", "date", example="31/01/2026 10:00"), "typed"),
        (NOTE, "text"),
    ],
)
def test_each_kind_has_its_control(feature, look):
    (group,) = groups_of(make_live(schema=Schema((feature,), TARGET)), {}, {})
    assert [control.look for control in group.controls] == [look]


@pytest.mark.parametrize(
    ("kind", "low", "high", "step"),
    [
        ("number", 0, 1, 0.005),
        ("number", 0.1, 2.5, 0.02),
        ("integer", 18, 68, 1),
        ("integer", 0, 300_000, 2000),
        ("number", 3, 3, 1),
        ("number", -1e300, 1e300, 1e298),
    ],
)
def test_a_slider_moves_by_round_steps(kind, low, high, step):
    feature = Feature("a", kind, minimum=low, maximum=high)
    (group,) = groups_of(make_live(schema=Schema((feature,), TARGET)), {}, {})
    assert group.controls[0].step == pytest.approx(step)


def wide(count: int):
    features = tuple(Feature(f"x{i}", "number", example=1.0) for i in range(count))
    live = make_live(schema=Schema(features, TARGET))
    return replace(live, info={"feature_importances": {"x70": 0.5, "x3": 0.2, "x1": 0.1}})


def test_a_wide_model_has_what_weighs_most_first_and_nothing_twice():
    groups = groups_of(wide(170), {}, {"x99": "Expected a number."})
    assert [c.name for c in groups[0].controls] == ["x99", "x70", "x3", "x1"]
    assert groups[0].important
    assert [(g.first, g.last) for g in groups] == [
        (1, 4),
        (5, 54),
        (55, 104),
        (105, 154),
        (155, 170),
    ]
    names = [c.name for group in groups for c in group.controls]
    assert sorted(names) == sorted(f"x{i}" for i in range(170))
    assert len(groups_of(wide(FEWEST_GROUPED - 1), {}, {})) == 1


def test_another_model_s_form_has_another_signature():
    one, other = make_live(), make_live(schema=Schema((NOTE,), TARGET))
    assert signature_of(one) == signature_of(make_live(version="later"))
    assert signature_of(one) != signature_of(other)


def test_fields_are_read_as_a_browser_writes_them():
    assert fields_of(b"f0=a%26b+c&f1=&f2=%C3%A9") == {"f0": "a&b c", "f1": "", "f2": "é"}
    assert fields_of(b'{"f0":"a&b c","f1":""}') == {"f0": "a&b c", "f1": ""}
    assert fields_of(b"\xff=\xff&&=") == {"�": "�", "": ""}


@pytest.mark.parametrize("body", [b"{", b'{"f0":1}', b'{"f0":"\xff"}', b'{"f0":null}'])
def test_what_is_no_form_is_refused(body):
    with pytest.raises(ParseError):
        fields_of(body)


@pytest.mark.parametrize("begin", [b"f0=", b'{"f0":"'])
def test_a_form_that_nobody_fills_in_is_not_read(begin):
    with pytest.raises(BodyTooLarge, match="1048576 bytes"):
        fields_of(begin + b"x" * MOST_FORM)


def test_a_form_of_too_many_fields_is_not_one():
    assert fields_of(b"&".join([b"f0=1"] * MOST_FIELDS)) == {"f0": "1"}
    with pytest.raises(ParseError, match="20000 fields"):
        fields_of(b"&".join([b"f0=1"] * (MOST_FIELDS + 1)))
