"""Recipes: names, parameters and what they may be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Annotated, Any

import pytest
from msgspec import Meta

from errors import RecipeError
from learning.estimators import ready_made
from learning.families.boosting import boosting
from learning.families.forest import forest
from learning.families.logistic import logistic
from learning.recipe import Recipe, check_name, check_seed
from tables.schema import Schema
from tables.table import Table


def made(
    schema: Schema,
    seed: int,
    *,
    count: Annotated[int, Meta(ge=1, le=9)] = 3,
    rate: float = 0.5,
    depth: int | None = 4,
    fast: bool = False,
    mode: str = "a",
) -> Any:
    return count


RECIPE = Recipe("some", "y", lambda: Table({}), made, parameters={"count": 5})


def test_settled_parameters_are_defaults_then_the_recipe_s_then_those_given():
    assert RECIPE.resolved({"rate": 0.25}) == {
        "count": 5,
        "rate": 0.25,
        "depth": 4,
        "fast": False,
        "mode": "a",
    }


def test_texts_are_converted_as_a_command_line_has_them():
    given = {"count": "7", "rate": "1e-3", "depth": "none", "fast": "true", "mode": "7"}
    assert RECIPE.resolved(given) == {
        "count": 7,
        "rate": 1e-3,
        "depth": None,
        "fast": True,
        "mode": "7",
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("count", "many", "parameter count: expected an integer from 1 to 9"),
        ("count", 0, "parameter count: expected an integer from 1 to 9"),
        ("count", 10, "parameter count: expected an integer from 1 to 9"),
        ("count", 2.5, "parameter count: expected an integer from 1 to 9"),
        ("count", True, "parameter count: expected an integer from 1 to 9"),
        ("count", [1], "parameter count: expected an integer from 1 to 9"),
        ("count", None, "parameter count: expected an integer from 1 to 9"),
        ("rate", "x", "parameter rate: expected a number"),
        ("depth", "x", "parameter depth: expected an integer or none"),
        ("fast", 2, "parameter fast: expected true or false"),
        ("mode", 2, "parameter mode: expected a string"),
        ("coumt", 2, "recipe some has no parameter coumt; did you mean count?"),
        ("x", 2, "recipe some has no parameter x; it has count, rate, depth, fast, mode"),
        ("a\nb", 2, "recipe some has no parameter a\\nb; it has count, rate, depth, fast, mode"),
    ],
)
def test_a_parameter_that_cannot_be_is_one_line(name, value, expected):
    with pytest.raises(RecipeError) as refused:
        RECIPE.resolved({name: value})
    assert str(refused.value) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "1e999"])
def test_numbers_that_are_none_are_refused(value):
    recipe = ready_made("x", lambda: Table({}), "y", "logistic")
    with pytest.raises(RecipeError):
        recipe.resolved({"C": value})


def test_a_recipe_with_a_wrong_parameter_is_refused_when_it_is_made():
    with pytest.raises(RecipeError):
        replace(RECIPE, parameters={"cuont": 1})


@pytest.mark.parametrize("name", ["credit", "a", "0", "a-b_c", "a" * 64])
def test_names_that_a_model_may_have(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "-a", "a b", "a/b", "..", "a" * 65, "a\n", "é"])
def test_names_that_no_model_may_have(name):
    with pytest.raises(RecipeError):
        check_name(name)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_has_bounds(seed):
    assert check_seed(0) == 0
    with pytest.raises(RecipeError, match="seed: expected an integer from 0"):
        check_seed(seed)


def test_ready_made_recipes_have_the_estimator_s_parameters():
    for name, factory in (("forest", forest), ("boosting", boosting), ("logistic", logistic)):
        recipe = ready_made("x", lambda: Table({}), "y", name)
        assert recipe.resolved({}) == factory.__kwdefaults__
    assert ready_made("x", lambda: Table({}), "y").resolved({}) == {"seconds": 60}
    with pytest.raises(RecipeError, match="there are auto, forest, boosting, logistic"):
        ready_made("x", lambda: Table({}), "y", "neural")


def test_reading_a_recipe_imports_no_scikit_learn():
    code = (
        "import sys, recipes\n"
        "recipes.find_recipe('credit').resolved({'n_estimators': 50})\n"
        "assert not {'sklearn', 'scipy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_recipe_whose_names_clash_is_refused_when_it_is_made():
    with pytest.raises(RecipeError, match="field_aliases: a and y would both be y"):
        Recipe("m", "y", lambda: Table({}), logistic, field_aliases={"a": ("y",)})


@pytest.mark.parametrize("rows", [-1, 101])
def test_a_background_has_at_most_a_hundred_rows(rows):
    with pytest.raises(RecipeError, match="background: expected 0 to 100 rows"):
        replace(RECIPE, background=rows)
    assert replace(RECIPE, background=100).background == 100
