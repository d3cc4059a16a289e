"""Finding a recipe: by the files of the folder, and nothing else."""

from __future__ import annotations

import pytest

from errors import RecipeError
from learning.recipe import Recipe
from recipes import DEFAULT, find_recipe, recipe_names


def test_every_file_of_the_folder_is_a_recipe_of_its_name():
    assert {"credit", "iris", DEFAULT} <= set(recipe_names())
    for name in recipe_names():
        assert isinstance(find_recipe(name), Recipe)
        assert find_recipe(name).name == name


@pytest.mark.parametrize("name", ["", "os", "..credit", "recipes.credit", "credit.py", "x" * 999])
def test_what_is_no_recipe_is_never_imported(name):
    with pytest.raises(RecipeError, match="there is no recipe of that name"):
        find_recipe(name)


def test_a_near_miss_is_told():
    with pytest.raises(RecipeError, match=r"did you mean credit\?"):
        find_recipe("credits")
