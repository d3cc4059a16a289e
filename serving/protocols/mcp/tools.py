"""The tools: what may be done with a model, each told in the words of its own signature.

A tool is called `predict_credit`: what it does, and the model. Some clients take no dot in a name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from errors import RowsError
from serving.actions import DESCRIBE, PREDICT
from serving.champions import Live
from serving.contributions import Wanted
from serving.description import prediction_schema
from serving.exchange import NO_ROWS, Exchange
from serving.explanations import explained
from serving.problems import describe as describe_fault
from serving.warnings import warning_members
from tables.json_schema import row_schema
from tables.rows import Decoded

Schema = dict[str, Any]
# A longer list of classes tells a language model nothing that it needs before it asks.
MOST_CLASSES = 20
# Of thousands of fields the others are told as one number.
MOST_CONTRIBUTIONS = 50


class Tool(NamedTuple):
    """What may be done with each model: `action` is its name in `actions.ACTIONS`.

    `about` says it in a sentence; `takes` and `gives` are JSON schemas; `decode` makes rows of
    the arguments, and `render` the structured content of what was computed. `fits` says which
    models have it, `wanted` how much of an explanation goes with it.
    """

    title: str
    action: str
    about: Callable[[Live], str]
    takes: Callable[[Live], Schema]
    gives: Callable[[Live], Schema]
    decode: Callable[[Live, dict[str, Any]], Decoded]
    render: Callable[[Exchange], dict[str, Any]]
    fits: Callable[[Live], bool] = lambda live: True
    wanted: Wanted | None = None


def declared(name: str, tool: Tool, live: Live) -> Schema:
    """Return what `tools/list` tells of a tool and a model."""
    title = f"{tool.title} {live.schema.target.name} ({live.name})"
    return {
        "name": f"{name}_{live.name}",
        "title": title,
        "description": tool.about(live),
        "inputSchema": tool.takes(live),
        "outputSchema": tool.gives(live),
        "annotations": {
            "title": title,
            "readOnlyHint": True,
            "idempotentHint": True,
            "openWorldHint": False,
        },
    }


def refused(error: RowsError) -> str:
    """Return what a language model is told of arguments that do not fit: field by field."""
    lines = [str(error), *(_line(describe_fault(fault)) for fault in error.problems)]
    return "\n".join(lines)


def _line(fault: dict[str, Any]) -> str:
    where = f"{fault['field']}: " if "field" in fault else ""
    hint = f" ({fault['hint']})" if "hint" in fault else ""
    return f"{where}expected {fault['expected']}, got {fault['got']}{hint}"


def _predicted(live: Live) -> str:
    target = live.schema.target
    if not target.classes:
        return f"the number {target.name}" + (f" in {target.unit}" if target.unit else "")
    shown = ", ".join(target.keys[:MOST_CLASSES])
    more = len(target.keys) - MOST_CLASSES
    return f"{target.name}, one of {shown}" + (f" and {more} others" if more > 0 else "")


def _row(live: Live) -> Schema:
    """Return the schema of a row; what is to be predicted is not asked for."""
    schema = row_schema(live.schema)
    known = {name for name in schema["properties"] if name != live.schema.target.name}
    return {**schema, "properties": {n: s for n, s in schema["properties"].items() if n in known}}


def _answer_schema(prediction: Schema) -> Schema:
    text = {"type": "string"}
    model = {"type": "object", "properties": {"name": text, "version": text}}
    return {
        "type": "object",
        "properties": {
            "prediction": prediction,
            "model": model | {"required": ["name", "version"]},
            "warnings": {"type": "array", "items": {"type": "object"}},
            "warnings_omitted": {"type": "integer"},
        },
        "required": ["prediction", "model"],
    }


def _answer(exchange: Exchange) -> dict[str, Any]:
    live = exchange.live
    (row,) = explained(exchange, live.task.answers(exchange.prediction, live.schema.target))
    return {
        "prediction": row,
        "model": {"name": live.name, "version": live.version},
        **warning_members(exchange.decoded),
    }


PREDICT_TOOL = Tool(
    "Predict",
    PREDICT,
    lambda live: f"Predict {_predicted(live)}, of one row with the model {live.name}.",
    _row,
    lambda live: _answer_schema(live.task.answer_schema(live.schema.target, "value")),
    lambda live, row: live.codec.decode_objects([row], most_rows=1),
    _answer,
)


def _with_explanation(live: Live) -> Schema:
    schema = prediction_schema(live, "value")
    return {**schema, "required": [*schema.get("required", ()), "explanation"]}


EXPLAIN_TOOL = Tool(
    "Explain",
    PREDICT,
    lambda live: (
        f"Predict {_predicted(live)}, of one row with the model {live.name}, and tell what each "
        "field contributed. Baseline and contributions add up to the score exactly, in the space "
        "that is named; of a class this is not its probability."
    ),
    _row,
    lambda live: _answer_schema(_with_explanation(live)),
    PREDICT_TOOL.decode,
    _answer,
    lambda live: live.explainer is not None,
    Wanted(MOST_CONTRIBUTIONS),
)


def describe_tool(describe: Callable[[Live], dict[str, Any]]) -> Tool:
    """Return the tool that tells what `describe` does of a model."""
    return Tool(
        "Describe the model of",
        DESCRIBE,
        lambda live: (
            f"Tell what the model {live.name} is: its fields, metrics on a hold-out, "
            "importances and parameters."
        ),
        lambda _: {"type": "object", "properties": {}, "additionalProperties": False},
        lambda _: {"type": "object", "required": ["name", "version"]},
        _nothing,
        lambda exchange: describe(exchange.live),
    )


def _nothing(_: Live, arguments: dict[str, Any]) -> Decoded:
    if arguments:
        raise RowsError("expected no arguments")
    return NO_ROWS
