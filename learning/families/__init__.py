"""The estimator families: one file a family, each with its `family`, each a stranger to the others.

They are found by the files of this folder: adding a family is adding a file.
Importing one imports no library that learns; making, fitting and `classes` do.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from learning.family import Family


def family_names() -> list[str]:
    """Return the names of the families there are: the files of this folder, sorted."""
    return sorted(module.name for module in iter_modules(__path__))


@cache
def find_family(name: str) -> Family:
    """Return the family of a file of this folder. Raises KeyError for any other name."""
    if name not in family_names():
        raise KeyError(name)
    family: Family = import_module(f"{__name__}.{name}").family
    return family


def families() -> Iterator[Family]:
    """Yield every family, in the order of their names."""
    yield from map(find_family, family_names())


def family_of(model: Any) -> Family:
    """Return the family whose own a model is by its class, or what holds for any."""
    return next((f for f in families() if isinstance(model, f.classes())), Family())


def ranked() -> list[Family]:
    """Return the families that `--estimator` names, in their order."""
    chosen = [family for family in families() if family.rank is not None]
    return sorted(chosen, key=lambda family: family.rank or 0)
