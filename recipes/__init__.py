"""The recipes: one file a model, each with its `recipe`."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules

from errors import LONGEST_NAME, RecipeError
from learning.recipe import Recipe

DEFAULT = "credit"


def recipe_names() -> list[str]:
    """Return the names of the recipes there are: the files of this folder, sorted."""
    return sorted(module.name for module in iter_modules(__path__))


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name; nothing but a file of this folder is ever imported.

    Raises RecipeError for a name that none has, or a file without a recipe.
    """
    names = recipe_names()
    if name not in names:
        near = get_close_matches(name, names, 1) if len(name) <= LONGEST_NAME else []
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise RecipeError(f"there is no recipe of that name; {hint}")
    recipe = getattr(import_module(f"{__name__}.{name}"), "recipe", None)
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"recipes/{name}.py defines no `recipe`")
    return recipe
