"""How a protocol describes itself in the OpenAPI document."""

from __future__ import annotations

from typing import Any, NamedTuple

from serving.champions import Live

Schema = dict[str, Any]
STRICT = "refuse a category never seen in training, and a missing value where it had none"

PROBLEM_SCHEMA: Schema = {"$ref": "#/components/schemas/Problem"}


class Description(NamedTuple):
    """One operation in words of OpenAPI: the content of its request, its answer and its errors.

    Each of them maps a media type to what OpenAPI calls a media type object
    (`schema`, `example`). `parameters` are those besides the path's own.
    """

    summary: str
    takes: dict[str, Schema]
    gives: dict[str, Schema]
    refuses: dict[str, Schema] = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}  # noqa: RUF012
    parameters: tuple[Schema, ...] = ()


def row_of(live: Live) -> Schema:
    """Return the reference to the schema of a live model's rows."""
    return {"$ref": f"#/components/schemas/{live.name}_row"}


def prediction_schema(live: Live, value: str) -> Schema:
    """Return the schema of one row's answer, with what is predicted under the name `value`."""
    return live.task.answer_schema(live.schema.target, value)


def flag(name: str, about: str) -> Schema:
    """Return a query parameter that is 1 or true when it is set."""
    values = {"enum": ["1", "true", "0", "false"]}
    return {"name": name, "in": "query", "description": about, "schema": values}


def header(name: str, about: str, **schema: Any) -> Schema:
    """Return a parameter in a request's header."""
    return {
        "name": name,
        "in": "header",
        "description": about,
        "schema": {"type": "string"} | schema,
    }


def explanation_parameters(live: Live) -> tuple[Schema, ...]:
    """Return the parameters that ask for an explanation, where the model has one."""
    if live.explainer is None:
        return ()
    asked: Schema = {"name": "explain", "in": "query", "schema": {"type": "string"}}
    asked["description"] = "also what each feature contributes: 1, or how many of the largest"
    language = {"name": "reasons", "in": "query", "schema": {"enum": ["en", "pt"]}}
    language["description"] = "the largest contributions in words, in this language"
    if not live.keys:
        return (asked, language)
    of = {"name": "explain_class", "in": "query", "schema": {"enum": list(live.keys)}}
    of["description"] = "whose score is explained; else that of the second of two, or the predicted"
    return (asked, of, language)


def explained_schema(live: Live, answer: Schema) -> Schema:
    """Return the schema of a row's answer with its explanation, where the model has one."""
    if live.explainer is None:
        return answer
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    properties: Schema = {
        "space": {"const": live.explainer.space},
        "baseline": {"type": "number"},
        "contributions": numbers,
        "others": {"type": "number"},
        "words": {"type": "object", "additionalProperties": numbers},
        "reasons": {"type": "array", "items": {"type": "string"}},
    }
    if live.keys:
        properties["class"] = {"enum": list(live.schema.target.classes)}
    explanation = {
        "type": "object",
        "properties": properties,
        "required": ["space", "baseline", "contributions"],
    }
    return {**answer, "properties": {**answer["properties"], "explanation": explanation}}


def interval_parameters(live: Live) -> tuple[Schema, ...]:
    """Return the parameter that asks for an interval, where the model has one."""
    if live.intervals is None:
        return ()
    about = "also the interval that so many of a hundred values are in: 0.9 of ninety"
    level = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return ({"name": "interval", "in": "query", "description": about, "schema": level},)
