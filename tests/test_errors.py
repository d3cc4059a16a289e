from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

import errors
from errors import MiranteError, Overloaded, RowProblem, RowsError


def family(kind: type[MiranteError] = MiranteError, depth: int = 0) -> Iterator[tuple[int, str]]:
    """Yield each class with its depth, as the docstring draws them."""
    yield depth, kind.__name__
    for child in kind.__subclasses__():
        if child.__module__ == "errors":
            yield from family(child, depth + 1)


def test_the_tree_in_the_docstring_is_the_family() -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")]
    drawn = [re.match(r"    ([│ ├└─]*)(\w+)", line) for line in lines]
    assert [(len(m[1]) // 4, m[2]) for m in drawn if m] == list(family())


@pytest.mark.parametrize("name", [name for _, name in family()])
def test_every_member_says_what_it_is_and_carries_its_line(name: str) -> None:
    kind = getattr(errors, name)
    assert inspect.getdoc(kind)
    assert str(kind("a fact")) == "a fact"


def test_the_bottom_imports_nothing_of_the_house() -> None:
    names = re.findall(r"^(?:from|import) (\w+)", inspect.getsource(errors), re.MULTILINE)
    assert set(names) <= {"__future__", "dataclasses"}


def test_some_carry_more() -> None:
    problem = RowProblem(1, "age", "integer", "string")
    assert RowsError("x", (problem,)).problems == (problem,)
    assert RowsError("x").problems == ()
    assert (Overloaded("x").retry_after, Overloaded("x", 7).retry_after) == (1, 7)
