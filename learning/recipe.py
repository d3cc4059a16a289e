"""A recipe: what a user writes to have a model, in one short file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import IO, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from errors import LONGEST_NAME, RecipeError
from policy import is_name
from tables.field_aliases import FieldAliases, check_field_aliases
from tables.overrides import Overrides
from tables.schema import Kind, Schema
from tables.table import Table

# Rows that contributions are against.
MOST_BACKGROUND = 100
# scikit-learn's, which has no types, and is not imported to read a recipe.
Estimator = Any


@dataclass(frozen=True)
class Recipe:
    """One model: its data, its target, its estimator.

    `load` is a file, or gives the table, of which `target` is the column to predict, and
    `task` says what kind of prediction that is; without it the column is what it
    looks like. `unit` is a quantity's.
    `estimator(signature, seed, **parameters)` makes one that is not fitted yet;
    its keyword-only arguments are the recipe's parameters, their annotations
    (such as `Annotated[int, Meta(ge=1, le=1000)]`) what they may be, and
    `parameters` the values that this recipe has other than their defaults.
    `aliases` maps, by feature, a further value that rows may have to the
    category that it means, `field_aliases` the further names that rows may have a feature under.
    `kinds`, `decimal`, `missing`, `sheet`, `skip_bad_lines` and
    `merge_rare` say how the table is read where its cells mislead, `group` and `time` which
    rows are held out (see `tables.overrides`). `log` says by feature whether its values stand
    in the prediction log: False leaves one out, "hash" keeps a keyed hash of its words, and
    texts stand there only with True. `show_rows` lets pages show some rows of the hold-out.
    `background` is how many rows contributions are against, 1 to 100: how an answer differs
    from theirs. Without it they are path-dependent.
    `protocols` names the protocols that answer for this model. `prepare` makes the
    recipe's table of what stands in a file.

    Raises RecipeError for a name that is none, a parameter that is not there, a field alias
    that is another field's name, or a background of too many rows.
    """

    name: str
    target: str
    load: Callable[[], Table] | str | Path | IO[bytes]
    estimator: Callable[..., Estimator]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    field_aliases: FieldAliases = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    protocols: tuple[str, ...] = ()
    task: str | None = None
    unit: str = ""
    decimal: Literal[".", ","] | None = None
    missing: tuple[str, ...] = ()
    sheet: str | None = None
    skip_bad_lines: bool = False
    merge_rare: str | None = None
    group: str | None = None
    time: str | None = None
    log: Mapping[str, bool | Literal["hash"]] = field(default_factory=dict)
    show_rows: bool = False
    background: int = 0
    prepare: Callable[[Table], Table] = lambda table: table

    def __post_init__(self) -> None:
        check_name(self.name)
        check_field_aliases(self.field_aliases, [self.target])
        if not 0 <= self.background <= MOST_BACKGROUND:
            raise RecipeError(f"background: expected 0 to {MOST_BACKGROUND} rows")
        self.resolved({})

    def overridden(self, overrides: Overrides) -> Recipe:
        """Return the recipe that reads its table as the overrides say, where they say something."""
        changes: dict[str, Any] = overrides.given()
        if overrides.kinds:
            changes["kinds"] = {**self.kinds, **overrides.kinds}
        return replace(self, **changes)

    def table(self) -> Table:
        """Return the table to learn from. Raises DatasetError."""
        if callable(self.load):
            table = self.load()
        else:
            from tables.readers import read_table  # what a web process does without

            read = read_table(self.load, skip_bad_lines=self.skip_bad_lines, sheet=self.sheet)
            table = self.prepare(read)
        decimal, missing = self.decimal or table.decimal, self.missing or table.missing
        return replace(table, decimal=decimal, missing=missing)

    def resolved(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter's value, where those given replace the recipe's own.

        Texts are converted, as a command line has them. Raises RecipeError for
        a parameter that does not exist or a value that it cannot have.
        """
        types = _parameters_of(self.estimator)
        chosen = dict(self.parameters) | dict(given)
        for name in chosen:
            if name not in types:
                raise RecipeError(
                    f"recipe {self.name} has no parameter {_cut(name)}; {_near(name, types)}"
                )
        defaults = {name: default for name, (_, default) in types.items()}
        values = {name: _convert(name, types[name][0], value) for name, value in chosen.items()}
        return defaults | values

    def make(self, schema: Schema, seed: int, parameters: Mapping[str, Any]) -> Estimator:
        """Return the estimator, not fitted, for resolved parameters."""
        return self.estimator(schema, seed, **parameters)


def check_name(name: str) -> str:
    """Return a model's name. Raises RecipeError for one that no model may have."""
    if not is_name(name):
        raise RecipeError(
            "a model's name is 1 to 64 of a-z, 0-9, _ and -, and begins with a letter or a digit"
        )
    return name


def check_seed(seed: int) -> int:
    """Return a seed. Raises RecipeError for one that scikit-learn does not take."""
    if not 0 <= seed < 2**32:
        raise RecipeError(f"seed: expected an integer from 0 to {2**32 - 1}")
    return seed


def _parameters_of(estimator: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """Return type and default of every keyword-only argument."""
    hints = get_type_hints(estimator, include_extras=True)
    return {
        name: (hints.get(name, Any), argument.default)
        for name, argument in inspect.signature(estimator).parameters.items()
        if argument.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _convert(name: str, kind: Any, value: Any) -> Any:
    if value == "none" and NoneType in get_args(kind):
        return None
    try:
        return msgspec.convert(value, kind, strict=not isinstance(value, str))
    except msgspec.ValidationError:
        raise RecipeError(f"parameter {name}: expected {_described(kind)}") from None


def _described(kind: Any) -> str:
    """Say in words what a type accepts, for instance `an integer from 1 to 5000 or none`."""
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_described(one) for one in get_args(kind))
    if get_origin(kind) is Annotated:
        base, *metas = get_args(kind)
        return _described(base) + "".join(_bounds(m) for m in metas if isinstance(m, msgspec.Meta))
    words = {int: "an integer", float: "a number", bool: "true or false", NoneType: "none"}
    return words.get(kind, "a string" if kind is str else str(kind))


def _bounds(meta: msgspec.Meta) -> str:
    above = f" above {meta.gt}" if meta.gt is not None else ""
    low = f" from {meta.ge}" if meta.ge is not None else ""
    high = f" to {meta.le}" if meta.le is not None else ""
    return above + low + high


def _near(name: str, names: Mapping[str, Any]) -> str:
    near = get_close_matches(name, names, 1) if len(name) <= LONGEST_NAME else []
    if near:
        return f"did you mean {near[0]}?"
    return f"it has {', '.join(names)}" if names else "it has none"


def _cut(name: str) -> str:
    return name[:LONGEST_NAME].encode("unicode_escape").decode()
