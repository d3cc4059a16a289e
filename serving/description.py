"""How a protocol describes itself in the OpenAPI document."""

from __future__ import annotations

from typing import Any, NamedTuple

from serving.champions import Live
from tables.json_schema import choice

Schema = dict[str, Any]
PARTIAL = "answer the rows that are good, and name those that are not"
STRICT = "refuse a category never seen in training, and a missing value where it had none"

SCHEMAS = "#/components/schemas/"
PROBLEM_SCHEMA: Schema = {"$ref": f"{SCHEMAS}Problem"}
ROW_PROBLEM_SCHEMA: Schema = {"$ref": f"{SCHEMAS}RowProblem"}
WARNING_SCHEMA: Schema = {"$ref": f"{SCHEMAS}RowWarning"}
MODEL_SCHEMA: Schema = {"$ref": f"{SCHEMAS}ModelVersion"}
# A cell of a table, as JSON has it.
VALUE: Schema = {"type": ["string", "number", "boolean", "null"]}
VALUES: Schema = {"type": "array", "items": VALUE}
# The content of a media type that is text, or bytes.
TEXT: Schema = {"schema": {"type": "string"}}
BINARY: Schema = {"schema": {"type": "string", "format": "binary"}}


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
    return {"$ref": f"{SCHEMAS}{live.name}_row"}


def rows_of(live: Live) -> Schema:
    """Return the reference to the schema of one row, or of a list of rows."""
    return {"$ref": f"{SCHEMAS}{live.name}_rows"}


def prediction_of(live: Live) -> Schema:
    """Return the reference to the schema of one row's answer, the predicted value in `value`."""
    return {"$ref": f"{SCHEMAS}{live.name}_prediction"}


def prediction_schema(live: Live, value: str) -> Schema:
    """Return the schema of one row's answer, with what is predicted under the name `value`."""
    return explained_schema(live, live.task.answer_schema(live.schema.target, value), value)


def flag(name: str, about: str) -> Schema:
    """Return a query parameter that is 1 or true when it is set."""
    values = choice(["1", "true", "0", "false"])
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
    asked = {
        "name": "explain",
        "in": "query",
        "description": "also what each feature contributes: 1, or how many of the largest",
        "schema": {"type": "string"},
    }
    language = {
        "name": "reasons",
        "in": "query",
        "description": "the largest contributions in words, in this language",
        "schema": choice(["en", "pt"]),
    }
    of = {
        "name": "explain_class",
        "in": "query",
        "description": "whose score is explained; else that of the second of two, or the predicted",
        "schema": {"type": "string"},
    }
    return (asked, language, of) if live.keys else (asked, language)


def explanation_schema(live: Live) -> Schema:
    """Return the schema of what explains one answer; an empty one where the model has none."""
    properties: Schema = prediction_schema(live, "value")["properties"]
    return dict(properties.get("explanation", {}))


def explained_schema(live: Live, answer: Schema, value: str) -> Schema:
    """Return the schema of a row's answer with its explanation, where the model has one."""
    if live.explainer is None:
        return answer
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    properties: Schema = {
        "space": choice([live.explainer.space]),
        "baseline": {"type": "number"},
        "contributions": numbers,
        "others": {"type": "number"},
        "words": {"type": "object", "additionalProperties": numbers},
        "reasons": {"type": "array", "items": {"type": "string"}},
    }
    if live.keys:
        properties["class"] = answer["properties"].get(value, {})
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
    # 0 and 1 are refused; R's generator writes no code for a bound that is not a value itself.
    level = {"type": "number", "minimum": 0, "maximum": 1}
    return ({"name": "interval", "in": "query", "description": about, "schema": level},)
