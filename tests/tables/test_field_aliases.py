"""Further names of fields: in rows and columns, one at a time, and no other's."""

from __future__ import annotations

import json

import pytest

from errors import RecipeError, RowsError
from tables.field_aliases import canonical, check_field_aliases, with_field_aliases
from tables.readers.body import read_body
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target

ALIASES = {"sepal_length": ("Sepal.Length", "sepal length (cm)"), "home": ('"home"',)}
PLAIN = Schema(
    (
        Feature("sepal_length", "number", True, example=5.1),
        Feature("home", "category", categories=("owner", "rent"), example="rent"),
    ),
    Target("species", ("a", "b")),
    ("id",),
)
SCHEMA = with_field_aliases(PLAIN, ALIASES)
CODEC = RowCodec(SCHEMA)
NAMINGS = [
    {"sepal_length": 5.1, "home": "rent"},
    {"Sepal.Length": 5.1, "home": "rent"},
    {"sepal length (cm)": 5.1, "home": "rent"},
    {"Sepal.Length": 5.1, '"home"': "rent"},
]
BOTH = {"sepal_length": 5.1, "Sepal.Length": 5.1, "home": "rent"}


@pytest.mark.parametrize("row", NAMINGS)
@pytest.mark.parametrize("strict", [False, True])
def test_a_row_means_the_same_under_any_of_its_names(row, strict):
    one = CODEC.decode_json(json.dumps(row).encode(), single=True, strict=strict)
    many = CODEC.decode_json(json.dumps([row, row]).encode(), single=False, strict=strict)
    objects = CODEC.decode_objects([row], strict=strict)
    columns = CODEC.decode_columns({name: [str(value)] for name, value in row.items()})
    for decoded in (one, many, objects, columns):
        assert decoded.batch.matrix[0].tolist() == pytest.approx([5.1, 1.0])


@pytest.mark.parametrize("row", [BOTH, {"home": "x", "Sepal.Length": 1, "sepal length (cm)": 1}])
def test_both_names_in_one_row_are_refused_with_row_and_field(row):
    with pytest.raises(RowsError) as refused:
        CODEC.decode_json(json.dumps([NAMINGS[0], row]).encode(), single=False)
    (problem,) = refused.value.problems
    assert (problem.row, problem.field, problem.got) == (1, "sepal_length", "two names of it")
    with pytest.raises(RowsError, match="sepal_length"):
        CODEC.decode_columns({name: [str(value)] for name, value in row.items()})


def test_what_is_missing_under_every_name_is_missing():
    with pytest.raises(RowsError) as refused:
        CODEC.decode_json(b'{"Sepal.Length": 1}', single=True)
    assert refused.value.problems[0].field == "home"
    assert CODEC.decode_json(b'{"home": "rent"}', single=True).rows == 1


def test_a_header_of_further_names_is_one():
    body = b"Sepal.Length,home\n5.1,rent\n"
    for header in (True, False):
        assert list(read_body(body, SCHEMA, header=header).columns) == ["Sepal.Length", "home"]


def test_names_of_no_feature_are_left_alone():
    assert canonical(["Sepal.Length", "x", "x"], SCHEMA) == ["sepal_length", "x", "x"]


@pytest.mark.parametrize(
    "aliases",
    [
        {"sepal_length": ("home",)},  # another feature's own
        {"sepal_length": ("x",), "home": ("x",)},
        {"sepal_length": ("species",)},  # the label's column
        {"sepal_length": ("id",)},  # a column that rows may bring along
        {"sepal_length": ("sepal_length",)},
    ],
)
def test_a_name_of_two_fields_is_refused(aliases):
    with pytest.raises(RecipeError, match=r"field_aliases: .* would both be"):
        with_field_aliases(PLAIN, aliases)


def test_a_name_of_no_column_is_refused_and_that_of_one_left_out_is_not():
    with pytest.raises(RecipeError, match="there is no column nothing"):
        with_field_aliases(PLAIN, {"nothing": ("x",)})
    assert with_field_aliases(PLAIN, {"id": ("x",)}).aliases == {}


def test_a_recipe_s_own_clash_is_seen_without_its_table():
    with pytest.raises(RecipeError, match="species"):
        check_field_aliases({"a": ("species",)}, ["species"])
