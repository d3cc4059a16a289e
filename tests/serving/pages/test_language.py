import pytest

from serving.pages.language import CATALOGUES, Catalogue, language_of

EN, PT = CATALOGUES["en"], CATALOGUES["pt"]


@pytest.mark.parametrize(
    ("choices", "accept", "expected"),
    [
        ((None, None), None, "en"),
        ((None, None), "pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ((None, None), "de, en;q=0.3, pt;q=0.2", "en"),
        ((None, None), "en;q=0, pt;q=0.1", "pt"),
        ((None, None), "de, *;q=x", "en"),
        (("pt", None), "en", "pt"),
        (("xx", "pt"), "en", "pt"),
    ],
)
def test_the_language_is_the_chosen_one_then_the_browser_s(choices, accept, expected):
    assert language_of(choices, accept) == expected


@pytest.mark.parametrize(
    ("value", "digits", "en", "pt"),
    [
        (1234567, 4, "1,234,567", "1.234.567"),
        (0.71794, 4, "0.7179", "0,7179"),
        (231.5678, 4, "231.6", "231,6"),
        (-0.000123456, 4, "−0.0001235", "−0,0001235"),
        (1e-9, 4, "1.000e−09", "1,000e−09"),
        (1953, 4, "1953", "1953"),
        (3.0, 4, "3", "3"),
        (float("inf"), 4, "inf", "inf"),
    ],
)
def test_numbers_are_written_as_the_language_has_them(value, digits, en, pt):
    assert EN.number(value, digits) == en
    assert PT.number(value, digits) == pt


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0.0 %"), (1, "100.0 %"), (0.00001, "< 0.1 %"), (0.99999, "> 99.9 %"), (0.7224, "72.2 %")],
)
def test_no_share_is_said_to_be_certain_that_is_not(share, said):
    assert EN.percent(share) == said


def test_one_and_many_have_forms_of_their_own():
    words = Catalogue("en", {"days": "{n} day|{n} days"})
    assert [words("days", n=n) for n in (0, 1, 12_000)] == ["0 days", "1 day", "12,000 days"]
