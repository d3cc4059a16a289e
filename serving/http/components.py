"""The schemas that have a name in the OpenAPI document: what all models share, and each one's own.

Protocols refer to a model's own by the model's name; here they get names that no
generator of clients confuses.
"""

from __future__ import annotations

from typing import Any

import msgspec

from serving.champions import Live
from serving.description import (
    MODEL_SCHEMA,
    PROBLEM_SCHEMA,
    ROW_PROBLEM_SCHEMA,
    SCHEMAS,
    WARNING_SCHEMA,
    Schema,
    prediction_of,
    prediction_schema,
    row_of,
    rows_of,
)
from serving.http.operation import INTEGER, TEXT, array, every, members
from serving.problems import Problem
from tables.identifiers import spell_apart
from tables.json_schema import row_schema


def component_schemas(lives: dict[str, Live]) -> dict[str, Schema]:
    """Return the schemas by the names that `references` refers to."""
    named = references(lives)
    own: dict[str, Schema] = {}
    for live in lives.values():
        row = {"$ref": named[_of(row_of(live))]}
        own[_of(row)] = row_schema(live.schema)
        own[named[_of(rows_of(live))]] = {"anyOf": [row, array(row) | {"minItems": 1}]}
        own[named[_of(prediction_of(live))]] = prediction_schema(live, "value")
    shared = {
        _of(MODEL_SCHEMA): every(name=TEXT, version=TEXT),
        _of(ROW_PROBLEM_SCHEMA): members(
            *("row", "expected", "got"),
            row=INTEGER,
            field=TEXT,
            expected=TEXT,
            got=TEXT,
            hint=TEXT,
        ),
        _of(WARNING_SCHEMA): every(row=INTEGER, field=TEXT, message=TEXT),
    }
    shared[_of(PROBLEM_SCHEMA)] = _problem()
    return {name.removeprefix(SCHEMAS): schema for name, schema in sorted((own | shared).items())}


def _problem() -> Schema:
    _, components = msgspec.json.schema_components([Problem])
    problem: Schema = components["Problem"]
    # Without the default, an empty list: R's generator writes no code for it.
    problem["properties"]["errors"] = {"type": "array", "items": ROW_PROBLEM_SCHEMA}
    return problem


def references(lives: dict[str, Live]) -> dict[str, str]:
    """Return what the document refers to in place of what protocols do, for each model's own."""
    named: dict[str, str] = {}
    for name, word in spelled(lives).items():
        model = "".join(part[:1].upper() + part[1:] for part in word.split("_"))
        named[_of(row_of(lives[name]))] = f"{SCHEMAS}{model}Row"
        named[_of(rows_of(lives[name]))] = f"{SCHEMAS}{model}Rows"
        named[_of(prediction_of(lives[name]))] = f"{SCHEMAS}{model}Prediction"
    return named


def spelled(lives: dict[str, Live]) -> dict[str, str]:
    """Return how a model's name is spelled where letters, digits and underscores are allowed."""
    return spell_apart(lives, "model")


def referred(node: Any, named: dict[str, str]) -> Any:
    """Return a part of the document with its references to the names that the schemas have."""
    if isinstance(node, list):
        return [referred(item, named) for item in node]
    if not isinstance(node, dict):
        return node
    target = node.get("$ref")
    if isinstance(target, str) and target in named:
        return {"$ref": named[target]}
    return {key: referred(item, named) for key, item in node.items()}


def _of(reference: Schema) -> str:
    target: str = reference["$ref"]
    return target
