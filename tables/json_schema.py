"""The JSON Schema of a signature's rows, for other tools to read: the codec accepts what fits it.

The codec also accepts a word for a boolean (`yes`), which the schema only tells of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tables.dates import DateFormat
from tables.identifiers import stay_apart
from tables.rows import BOOLEANS, LARGEST
from tables.schema import Class, Feature, Schema

# An integer may be written 9.0, and may be as large as any number: both end as float32.
_NUMBER = {"minimum": -LARGEST, "maximum": LARGEST}
# The spellings of RFC 3339.
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE_TIME = rf"{_DATE}T[0-9:]{{8}}(?:\.[0-9]+)?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})"
# A generator of clients makes one type of a boolean and these, or none.
_WORDS = "or one of " + ", ".join(word for word in BOOLEANS if isinstance(word, str))
# More values than these are listed nowhere: nobody chooses from such a list.
MOST_LISTED = 200
_TYPES: dict[str, dict[str, Any]] = {
    "number": {"type": "number", **_NUMBER},
    "integer": {"type": "integer", **_NUMBER},
    "boolean": {"type": "boolean"},
    "category": {"type": "string"},
    "date": {"type": "string"},
    "text": {"type": "string"},
}


def row_schema(schema: Schema) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one row.

    A category is any string, unless the model answers no other: one never seen in
    training is scored, with a warning, and so is a null where training had none, if the
    model imputes. The label's own column may be there, and is not read.
    """
    imputes = schema.imputes is True
    properties = {feature.name: feature_schema(feature, imputes) for feature in schema.features}
    label = {"description": "the label's own column: accepted, and not read"}
    return {
        "type": "object",
        "properties": {schema.target.name: label} | properties,
        "required": [feature.name for feature in schema.features if not feature.nullable],
        "additionalProperties": False,
        "examples": [schema.example],
    }


def feature_schema(feature: Feature, imputes: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of one feature's value; a model that imputes accepts null in all."""
    schema = dict(_TYPES[feature.kind])
    if feature.dates is not None:
        schema = _date(feature.dates, str(feature.example))
    if feature.closed and feature.categories:
        schema = choice([*feature.categories, *feature.aliases])
    if feature.nullable or imputes:
        schema = nullable(schema)
    described = (_described(feature), _names(feature))
    if any(described):
        schema["description"] = "; ".join(filter(None, described))
    if feature.example is not None:
        schema["examples"] = _examples(feature)
    return schema


def choice(values: Iterable[Class]) -> dict[str, Any]:
    """Return the schema of a value that is one of these, which are of one type.

    They are listed where a generator of clients can give each a name of its own.
    """
    listed = list(values)
    kind = {bool: "boolean", int: "integer", str: "string"}[type(listed[0])]
    if kind == "boolean" or len(listed) > MOST_LISTED:
        return {"type": kind}
    if kind == "string" and not stay_apart(str(value) for value in listed):
        return {"type": kind}
    return {"type": kind, "enum": listed}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with null beside what it accepts."""
    types = schema["type"]
    made = {**schema, "type": [*(types if isinstance(types, list) else [types]), "null"]}
    return made | ({"enum": [*made["enum"], None]} if "enum" in made else {})


def _examples(feature: Feature) -> list[Any]:
    """Return the example, then the other known values: no enumeration where others are scored."""
    others = [value for value in feature.categories if value != feature.example]
    return [feature.example, *(others if len(others) < MOST_LISTED else ())]


def _date(dates: DateFormat, example: str) -> dict[str, Any]:
    """Return the type of a date, and its format where the column's own spelling is one."""
    formats = {"date": _DATE, "date-time": _DATE_TIME}
    found = [name for name, pattern in formats.items() if re.fullmatch(pattern, example)]
    schema: dict[str, Any] = {"type": ["string", "number"] if dates.unit else "string"}
    return {**schema, "format": found[0]} if found else schema


def _names(feature: Feature) -> str:
    return "also named " + ", ".join(feature.names) if feature.names else ""


def _described(feature: Feature) -> str:
    if feature.dates is not None:
        dates, said = feature.dates, f"a date as {feature.example}, or in ISO 8601"
        first = ", the day first" if dates.day_first else ""
        return f"{said}{first}; in training from {dates.first} to {dates.last}"
    if feature.kind == "boolean":
        return _WORDS
    if feature.kind == "category":
        said = "one of " + ", ".join(feature.categories) + (", or another" if feature.other else "")
        return said + ("; or " + ", ".join(feature.aliases) if feature.aliases else "")
    if feature.minimum is not None and feature.maximum is not None:
        return f"in training from {feature.minimum:g} to {feature.maximum:g}"
    return ""
