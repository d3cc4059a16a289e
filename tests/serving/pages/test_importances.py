"""Which features weigh most, by three accounts."""

from __future__ import annotations

from dataclasses import replace

from serving.pages.importances import MOST_MORE, MOST_SHOWN, importances_section
from tests.serving.pages.versions_made import look, subject


def test_the_three_accounts_stand_side_by_side_the_weightiest_first() -> None:
    section = importances_section(look("two"))
    assert section is not None
    (table,) = section.tables
    assert list(table.head) == ["Feature", "Shuffled", "Contribution", "Estimator's own"]
    assert table.rows[0][0] == "age"
    assert "±" in table.rows[0][1]
    assert table.bars[1][0] == 1
    assert section.said[0].startswith("age weighs most")


def test_what_a_version_does_not_have_is_left_out() -> None:
    own = replace(subject("two"), info={"feature_importances": {"age": 0.7, "vip": 0.3}})
    section = importances_section(look("two", subject=own))
    assert section is not None
    assert list(section.tables[0].head) == ["Feature", "Estimator's own"]
    assert importances_section(look("two", subject=replace(own, info={}))) is None


def test_of_thousands_of_features_the_first_are_open_and_the_rest_bounded() -> None:
    many = {f"x{i}": {"mean": 1 / (i + 1), "std": 0.0} for i in range(5000)}
    wide = replace(subject("two"), info={"permutation_importances": many})
    section = importances_section(look("two", "pt", subject=wide))
    assert section is not None
    assert len(section.tables[0].rows) == MOST_SHOWN
    assert len(section.more[0].rows) == MOST_MORE


def test_squared_errors_of_large_quantities_are_written_in_millions() -> None:
    info = {
        "permutation_importances": {
            "a": {"mean": 235_727_062_345.0, "std": 20_757_481_407.0},
            "b": {"mean": -491_781_429.0, "std": 754_805_036.0},
        }
    }
    section = importances_section(look("two", "pt", subject=replace(subject("two"), info=info)))
    assert section is not None
    assert section.tables[0].rows[0][1] == "235.727\u00a0M ± 20.757\u00a0M"
    assert section.tables[0].rows[1][1] == "−492\u00a0M ± 755\u00a0M"
    assert "235.727\u00a0M" in section.said[0]


def test_features_that_do_not_help_are_counted() -> None:
    info = {"permutation_importances": {n: {"mean": m, "std": 0} for n, m in (("a", 1), ("b", -1))}}
    section = importances_section(look("two", subject=replace(subject("two"), info=info)))
    assert section is not None
    assert "1 feature does not help" in section.said[0]
    assert section.tables[0].rows[1][1].startswith("−1")
    assert section.tables[0].bars[1][1] == 0
