"""The tasks: one file a task, each with its `task`, each a stranger to the others.

They are found by the files of this folder: adding a task is adding a file.
Importing one imports no library that learns.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from errors import RecipeError
from learning.task import Task
from tables.schema import Target


def task_names() -> list[str]:
    """Return the names of the tasks there are: the files of this folder, sorted."""
    return sorted(module.name for module in iter_modules(__path__))


@cache
def find_task(name: str) -> Task:
    """Return a task by name. Raises RecipeError for a name that none has."""
    if name not in task_names():
        raise RecipeError(f"there is no task of that name; there are {', '.join(task_names())}")
    task: Task = import_module(f"{__name__}.{name}").task
    return task


def task_of(target: Target) -> Task:
    """Return the task whose target it is. Raises RecipeError for one of another release."""
    return find_task(target.task)
