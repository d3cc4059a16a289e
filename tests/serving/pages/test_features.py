"""Features one by one: kind, range, what is missing, distribution, and the verdict on traffic."""

from __future__ import annotations

from learning.histograms import Histogram
from serving.pages.features import Told, day, legend_of, told
from serving.pages.traffic import Traffic, traffic_of
from tables.schema import Feature
from tests.serving.pages.test_traffic import watched
from tests.serving.pages.versions_made import look, subject


def one(name: str, kind: str = "two", traffic: Traffic | None = None) -> Told:
    found = subject(kind)
    index = [feature.name for feature in found.schema.features].index(name)
    assert found.histograms is not None
    histogram = found.histograms.features[index]
    return told(look(kind), found.schema.features[index], histogram, traffic or Traffic())


def test_a_number_has_its_range_and_a_picture_with_the_second_class_in_it() -> None:
    found = one("age")
    assert found.kind == "whole number"
    assert found.facts[0].startswith("18 to ")
    assert found.facts[1] == "never missing in training"
    assert found.picture is not None
    assert [kind for kind, _ in legend_of(look("two"), Traffic())] == ["training", "second"]
    assert 'class="second"' in found.picture.svg


def test_missing_values_and_categories_are_told() -> None:
    assert one("income").facts[1].startswith("missing in ")
    plan = one("plan")
    assert plan.facts[0] == "3 categories"
    assert plan.table is not None
    assert {row[0] for row in plan.table.rows} == {"basic", "gold", "pro"}
    assert plan.table.head[-1] == "share of yes"
    assert {row[0] for row in one("vip").table.rows} == {"yes", "no"}  # type: ignore[union-attr]


def test_texts_have_their_lengths_and_quantities_the_mean() -> None:
    assert "letters" in one("comment").facts[0]
    assert one("plan", "quantity").table.head[-1] == "mean of spent"  # type: ignore[union-attr]
    picture = one("age", "quantity").picture
    assert picture is not None
    assert 'class="second"' not in picture.svg


def test_categories_that_are_many_end_with_all_others() -> None:
    words = tuple(f"w{i}" for i in range(30))
    histogram = Histogram(0, tuple(range(20, 0, -1)), (), values=tuple(range(20)), others=10)
    found = told(look("many"), Feature("w", "category", categories=words), histogram, Traffic())
    assert found.table is not None
    assert len(found.table.rows) == 9
    assert found.table.rows[-1][0] == "other values"


def test_a_cut_range_says_what_is_beyond() -> None:
    feature = Feature("x", "number", minimum=-5, maximum=1e6)
    histogram = Histogram(3, (1,) * 20, (), 0, 10)
    found = told(look("many"), feature, histogram, Traffic())
    assert found.picture is not None
    assert "≤ 0" in found.picture.svg
    assert "≥ 10" in found.picture.svg


def test_dates_are_written_as_dates() -> None:
    assert day(0) == "1970-01-01"
    assert day(19_723.4) == "2024-01-01"


def test_traffic_is_drawn_and_its_verdict_is_said() -> None:
    version = subject("two").version
    column = {
        "name": "age",
        "rows": 500,
        "alarm": True,
        "alarms": ["2026-11-25T12:00:00Z"],
        "other": True,
        "distance": 0.28,
        "by_chance": 0.05,
        "missing": {"now": 0.31, "training": 0.0},
        "out_of_range": {"now": 0.1, "training": 0.0},
    }
    profile = subject("two").profile
    assert profile is not None
    cells = [1] * len(profile.features["age"].totals)
    days = (version, {"2026-11-25": {"in.age": cells}})
    source = watched({"version": version, "inputs": {"columns": [column]}}, days)
    traffic = traffic_of(subject("two"), source, ["age"])
    found = one("age", traffic=traffic)
    assert found.alarm
    said = " ".join(found.verdicts)
    for part in ("2026-11-25T12:00:00Z", "0.28", "0.05", "31.0 %", "10.0 %"):
        assert part in said
    assert found.picture is not None
    assert 'class="week"' in found.picture.svg
    assert 'class="day"' in found.picture.svg
    marks = [kind for kind, _ in legend_of(look("two"), traffic)]
    assert marks == ["training", "second", "week", "day"]


def test_a_quiet_column_is_as_in_training() -> None:
    version = subject("two").version
    column = {"name": "plan", "rows": 500, "alarm": False, "other": False}
    source = watched({"version": version, "inputs": {"columns": [column]}})
    found = one("plan", traffic=traffic_of(subject("two"), source, ["plan"]))
    assert found.verdicts == ["As in training."]
    assert not found.alarm


def test_without_a_histogram_the_schema_is_told() -> None:
    found = told(look("two"), Feature("x", "number", True, minimum=1, maximum=2), None, Traffic())
    assert list(found.facts) == ["1 to 2", "may be missing"]
    assert found.picture is None
