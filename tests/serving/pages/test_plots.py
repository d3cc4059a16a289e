import xml.etree.ElementTree as ElementTree

import pytest

from serving.pages.language import CATALOGUES
from serving.pages.plots import Axis, Series, plot, ticks

EN = CATALOGUES["en"]
X, Y = Axis("false positives", 0, 1, percent=True), Axis("<b>", 0, 10)


def drawn(*series: Series) -> ElementTree.Element:
    svg = plot(series, X, Y, EN, title="A <title>", about="what & why")
    return ElementTree.fromstring(svg)


def test_a_plot_is_well_formed_and_says_what_it_is():
    svg = drawn(Series("line", [(0, 0), (1, 10)]))
    assert svg.findtext("title") == "A <title>"
    assert svg.findtext("desc") == "what & why"
    assert svg.attrib["role"] == "img"
    assert "<b>" in [text.text for text in svg.iter("text")]
    assert not [one for one in svg.iter() if "style" in one.attrib]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("line", "M56.0 256.0L428.0 12.0"),
        ("step", "M56.0 256.0H428.0V12.0"),
        ("bars", "M56.0 256.0V256.0H427.0V256.0zM428.0 256.0V12.0H428.0V256.0z"),
        ("dots", "M56.0 256.0h0M428.0 12.0h0"),
    ],
)
def test_each_kind_is_one_path_from_corner_to_corner(kind, path):
    svg = drawn(Series(kind, [(0, 0), (1, 10)]))
    assert [p.attrib["d"] for p in svg.iter("path") if p.attrib["class"] == f"{kind} accent"] == [
        path
    ]


def test_what_is_no_number_is_left_out_and_what_is_outside_stays_within():
    svg = drawn(Series("line", [(0, float("nan")), (0.5, 99), (2, float("inf")), (1, 0)]))
    (line,) = [p for p in svg.iter("path") if p.attrib["class"] == "line accent"]
    assert line.attrib["d"] == "M242.0 12.0L428.0 256.0"


def test_two_series_with_names_have_a_key():
    one, other = Series("line", [(0, 0)], "new"), Series("line", [(0, 0)], "<old>", "plain")
    texts = [text.text for text in drawn(one, other).iter("text")]
    assert "new" in texts
    assert "<old>" in texts
    assert "new" not in [text.text for text in drawn(one).iter("text")]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (3, 17, [5, 10, 15]),
        (-0.03, 0.02, [-0.03, -0.02, -0.01, 0, 0.01, 0.02]),
        (5, 5, [5]),
        (0, 2e6, [0, 5e5, 1e6, 1.5e6, 2e6]),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    assert ticks(low, high) == expected
