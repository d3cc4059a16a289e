"""Overrides: one set of names for flags, recipes, forms and orders; each changes the table."""

from __future__ import annotations

import io
from dataclasses import fields

import pytest

from build_model import chosen_recipe, overrides_of, parse
from errors import DatasetError, RecipeError
from jobs.job import Order
from learning.estimators import ready_made
from learning.recipe import Recipe
from serving.http.routes.describe import DescriptionOrder
from serving.http.routes.train import TableOrder
from tables.overrides import OVERRIDES, Overrides
from tables.schema_inference import infer_schema
from tables.table import Table

ALL = Overrides(
    kinds={"zip=code": "category", "y": "category"},
    decimal=",",
    missing=("-999", "none"),
    sheet="May",
    skip_bad_lines=True,
    merge_rare="other",
    group="shop",
    time="day",
)
FLAGS = [
    *("--kind", "zip=code=category", "--kind", "y=category", "--decimal", ",", "--sheet", "May"),
    *("--missing", "-999", "--missing", "none", "--skip-bad-lines", "--merge-rare", "other"),
    *("--group", "shop", "--time", "day"),
]


def test_every_override_has_one_name_everywhere() -> None:
    flags = vars(parse(["--data", "x"]))
    for name in OVERRIDES:
        assert {name, name.removesuffix("s")} & flags.keys(), name
        assert name in {field.name for field in fields(Recipe)}
        for order in (Order, TableOrder, DescriptionOrder):
            assert name in order.__struct_fields__


def test_flags_are_overrides_of_the_recipe() -> None:
    options = parse(["--data", "x.csv", "--target", "y", *FLAGS])
    assert overrides_of(options) == ALL
    recipe = chosen_recipe(options)
    assert {name: getattr(recipe, name) for name in OVERRIDES} == {
        name: getattr(ALL, name) for name in OVERRIDES
    }
    assert recipe.overridden(Overrides()) == recipe


@pytest.mark.parametrize("kind", ["zip", "zip=", "=text", "zip=words"])
def test_a_kind_that_is_none_is_refused(kind: str) -> None:
    with pytest.raises(RecipeError, match="--kind takes COLUMN=KIND"):
        overrides_of(parse(["--kind", kind]))


def test_a_word_for_missing_means_so_in_every_column() -> None:
    rows = [(str(n % 7), "red" if n % 3 else "blue", "a" if n % 2 else "b") for n in range(40)]
    x, colour, label = (list(column) for column in zip(*rows, strict=True))
    x[3], colour[4], label[5] = "-999", " none", "none"
    table = Table({"x": x, "colour": colour, "y": label}, missing=ALL.missing)
    found = infer_schema(table, "y")
    assert [(f.kind, f.nullable, f.missing) for f in found.schema.features] == [
        ("integer", True, ("-999", "none")),
        ("category", True, ("-999", "none")),
    ]
    assert found.schema.features[0].minimum == 0
    assert found.schema.target.classes == ("a", "b")
    assert len(found.values) == 39


def test_only_a_workbook_has_sheets() -> None:
    recipe = ready_made("x", io.BytesIO(b"a,y\n1,b\n"), "y").overridden(Overrides(sheet="May"))
    with pytest.raises(DatasetError, match="no Excel workbook"):
        recipe.table()
