"""Further names of fields: a row may have a feature under any of them, and under one only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from errors import RecipeError, RowsError
from tables.schema import Schema

FieldAliases = Mapping[str, Sequence[str]]
ONE_NAME, TWO_NAMES = "one name of the field", "two names of it"


def check_field_aliases(aliases: FieldAliases, columns: Iterable[str]) -> None:
    """Raise RecipeError for a further name that is a column's, or another one's too."""
    owners = {column: column for column in columns}
    owners |= {feature: feature for feature in aliases}
    for feature, names in aliases.items():
        for name in names:
            other = owners.setdefault(name, feature)
            if other != feature or name == feature:
                raise RecipeError(f"field_aliases: {feature} and {other} would both be {name}")


def with_field_aliases(schema: Schema, aliases: FieldAliases) -> Schema:
    """Return the schema whose features have these further names too.

    Those of a column that the table has, and the model does not read, are left out.
    Raises RecipeError for a column that is not there, and for a name that is another's.
    """
    known = {*(f.name for f in schema.features), *schema.ignored, schema.target.name}
    check_field_aliases(aliases, known)
    for feature in aliases:
        if feature not in known:
            raise RecipeError(f"field_aliases: there is no column {feature}")
    features = tuple(
        msgspec.structs.replace(feature, names=tuple(aliases.get(feature.name, ())))
        for feature in schema.features
    )
    return msgspec.structs.replace(schema, features=features)


def canonical(names: Sequence[str], schema: Schema) -> list[str]:
    """Return a table's names as the schema has them. Raises RowsError for two of one feature."""
    aliases = schema.aliases
    found = [aliases.get(name, name) for name in names]
    for name in found:
        if found.count(name) > 1 and names.count(name) < 2:
            raise RowsError(f"{name}: expected {ONE_NAME}, got {TWO_NAMES}")
    return found
