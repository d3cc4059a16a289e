from __future__ import annotations

import msgspec
import pytest

from tables.dates import DateFormat
from tables.schema import Class, Feature, Schema, Target

SIGNATURE = Schema(
    (
        Feature("words", "text", example="a b"),
        Feature("age", "integer", True, minimum=18, maximum=90, example=30),
        Feature("home", "category", False, ("own", "rent"), {"aluguel": "rent"}, example="own"),
        Feature("title", "text", example="c"),
    ),
    Target("approved", (False, True)),
    ("id",),
)


def test_texts_are_apart_and_both_parts_keep_their_order() -> None:
    assert [f.name for f in SIGNATURE.numeric] == ["age", "home"]
    assert [f.name for f in SIGNATURE.texts] == ["words", "title"]


def test_the_example_is_a_row_in_column_order() -> None:
    assert list(SIGNATURE.example.items()) == [
        ("words", "a b"),
        ("age", 30),
        ("home", "own"),
        ("title", "c"),
    ]


@pytest.mark.parametrize(
    ("classes", "keys"),
    [
        ((False, True), ("false", "true")),
        ((0, 3), ("0", "3")),
        (("No", "yes"), ("No", "yes")),
    ],
)
def test_classes_are_keys_as_json_spells_them(
    classes: tuple[Class, ...], keys: tuple[str, ...]
) -> None:
    assert Target("y", classes).keys == keys


def test_it_survives_json_with_its_types() -> None:
    again = msgspec.json.decode(msgspec.json.encode(SIGNATURE), type=Schema)
    assert again == SIGNATURE
    assert again.target.classes[0] is False


def test_what_is_as_always_is_not_written_down() -> None:
    assert msgspec.to_builtins(Feature("x", "number")) == {"name": "x", "kind": "number"}


def test_a_date_has_a_column_for_each_of_its_parts() -> None:
    when = Feature("when", "date", True, dates=DateFormat(parts=("year", "hour")))
    schema = Schema((*SIGNATURE.features[:2], when, SIGNATURE.features[2]), SIGNATURE.target)
    assert [column.name for column in schema.numeric] == [
        "age",
        "when (year)",
        "when (hour)",
        "home",
    ]
    assert schema.numeric[1] == Feature("when (year)", "number", True)
    assert [feature.name for feature in schema.values] == ["age", "when", "home"]
    assert schema.slices == (slice(0, 1), slice(1, 3), slice(3, 4))
    assert schema.owners == (1, 2, 2, 3, 0)
