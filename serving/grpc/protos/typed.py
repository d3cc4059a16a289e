"""The typed service of one model, made from its live schema.

A model named iris that predicts species gets the service ml.IrisPredictor with
the call PredictIrisSpecies: a request has a field a feature, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from serving.grpc.protos.proto import Field, Message, Method, Proto
from tables.schema import Feature, Schema, Target

PACKAGE = "ml"
PROBABILITIES, VERSION, CLASS_NAME = "probabilities", "model_version", "class_name"
CONTRIBUTIONS, BASELINE, SPACE = "contributions", "baseline", "contributions_space"
EXPLAINED_CLASS = "contributions_class"
_OURS = (PROBABILITIES, VERSION, CLASS_NAME, CONTRIBUTIONS, BASELINE, SPACE, EXPLAINED_CLASS)
_TYPES = {
    "number": "double",
    "integer": "int64",
    "boolean": "bool",
    "category": "string",
    "date": "string",
    "text": "string",
}
# protobuf keeps these numbers for itself.
_RESERVED = range(19_000, 20_000)


def typed_proto(name: str, schema: Schema) -> Proto:
    """Return the service of the model of that name."""
    model, target = camel(name), camel(schema.target.name)
    request, reply = f"{model}PredictRequest", f"{model}PredictReply"
    return Proto(
        file=f"ml/{name}.proto",
        package=PACKAGE,
        service=f"{model}Predictor",
        methods=(Method(f"Predict{model}{target}", request, reply),),
        messages=(
            Message(request, tuple(_feature_fields(schema))),
            Message(reply, _reply_fields(schema.target)),
        ),
        comment=f"The model {name}, made from its signature.",
    )


def camel(name: str) -> str:
    """Return a name as types are named: credit-risk becomes CreditRisk."""
    joined = "".join(part[:1].upper() + part[1:] for part in re.findall(r"[A-Za-z0-9]+", name))
    return joined if joined[:1].isalpha() else f"Model{joined}"


def field_names(names: Iterable[str]) -> list[str]:
    """Return names that a .proto file can have, different ones for different names."""
    made: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        plain = plain if plain[:1].isalpha() else f"field_{plain}"
        while _in_json(plain) in made:
            plain = f"{plain}_{len(made)}"
        made[_in_json(plain)] = plain
    return list(made.values())


def _in_json(name: str) -> str:
    """Return what must differ between fields: their names in JSON drop the underscores."""
    return name.replace("_", "").lower()


def _feature_fields(schema: Schema) -> Iterable[Field]:
    number = 0
    names = field_names(feature.name for feature in schema.features)
    for feature, name in zip(schema.features, names, strict=True):
        number = _RESERVED.stop if number + 1 in _RESERVED else number + 1
        label: Any = "optional" if feature.nullable else ""
        yield Field(_TYPES[feature.kind], name, number, label, _comment(feature, name))


def _comment(feature: Feature, name: str) -> str:
    lines = [] if name == feature.name else [f"The feature {_one_line(feature.name)}."]
    if feature.dates is not None:
        lines.append(f"A date as {_one_line(str(feature.example))}, or in ISO 8601.")
    if feature.categories:
        shown = ", ".join(_one_line(c) for c in feature.categories[:10])
        more = len(feature.categories) - 10
        lines.append(f"One of {shown}" + (f" and {more} more." if more > 0 else "."))
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return text.encode("unicode_escape").decode()[:64]


def _reply_fields(label: Target) -> tuple[Field, ...]:
    (name,) = field_names([label.name])
    if _in_json(name) in map(_in_json, _OURS):
        name = f"label_{name}"
    listed = ", ".join(f"{index} {_one_line(key)}" for index, key in enumerate(label.keys))
    if not label.classes:
        unit = f" In {_one_line(label.unit)}." if label.unit else ""
        value = Field("double", name, 1, comment=f"The value predicted.{unit}")
        return (value, Field("string", VERSION, 3), *_EXPLANATION)
    comment = "" if label_type(label) != "int32" else f"The place of the class: {listed}."
    order = ", ".join(_one_line(key) for key in label.keys)
    named = Field("string", CLASS_NAME, 4, comment="The class as the table has it.")
    return (
        Field(label_type(label), name, 1, comment=comment),
        Field("double", PROBABILITIES, 2, "repeated", f"Of each class: {order}."),
        Field("string", VERSION, 3),
        *((named,) if label_type(label) == "int32" else ()),
        *_EXPLANATION,
        Field("string", EXPLAINED_CLASS, 8, comment="The class that they are of."),
    )


_EXPLANATION = (
    Field(
        "double",
        CONTRIBUTIONS,
        5,
        "repeated",
        "Of each field of the request, in their order, where the call's metadata say explain: 1.",
    ),
    Field("double", BASELINE, 6, comment="What the contributions are added to."),
    Field("string", SPACE, 7, comment="In what they add up, such as log_odds."),
)


def label_type(label: Target) -> str:
    """Return the type of the label: bool, int64, or int32 for the index of a class with a name."""
    if all(isinstance(value, bool) for value in label.classes):
        return "bool"
    return "int64" if all(isinstance(value, int) for value in label.classes) else "int32"


def row_of(schema: Schema, message: Any) -> Mapping[str, Any]:
    """Return a request's message as a row; a field that is not there is missing in it.

    Only an `optional` field can tell that it is not there, and a category or a
    date that nobody gave is the empty one: to a model that imputes, a missing one.
    """
    row: dict[str, Any] = {}
    for feature, field in zip(schema.features, message.DESCRIPTOR.fields, strict=True):
        value = getattr(message, field.name)
        absent = feature.nullable and not message.HasField(field.name)
        if feature.kind in ("category", "date") and value == "":
            row |= {feature.name: None} if schema.imputes is True else {}
        elif not absent:
            row[feature.name] = value
    return row
