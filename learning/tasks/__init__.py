"""The tasks: one file a task, each with its `task`, each a stranger to the others.

They are found by the files of this folder: adding a task is adding a file.
Importing one imports no library that learns.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from errors import DatasetError, RecipeError
from learning.task import Task
from tables.quantity import looks_like_quantity
from tables.schema import Kind, Target
from tables.table import Table
from tables.target import Read, ReadTarget

# More classes are most often a name or a number that is none: to be learnt, it must be said.
MOST_CLASSES = 100


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


def read_target(task: str | None) -> ReadTarget:
    """Return what reads a target: as the task's, or where none is named as what it looks like."""
    return find_task(task).read if task else _read_any


def _read_any(
    table: Table, column: str, kind: Kind | None = None, merge_rare: str | None = None
) -> Read:
    if not looks_like_quantity(table, column, kind):
        read = find_task("classification").read(table, column, kind, merge_rare)
        if len(read.target.classes) > MOST_CLASSES and kind is None:
            raise DatasetError(
                f"column {column} has {len(read.target.classes)} different values in "
                f"{len(table)} rows; a label may have {MOST_CLASSES} classes "
                "(task classification lifts the limit)"
            )
        return read
    read = find_task("regression").read(table, column, kind, merge_rare)
    note = f"{column} is read as a quantity; task classification makes its values classes"
    return read._replace(notes=(note, *read.notes))


def task_of(target: Target) -> Task:
    """Return the task whose target it is. Raises RecipeError for one of another release."""
    return find_task(target.task)
