"""What linters and generators of clients ask of an OpenAPI document, for machines without node."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema

from tables.identifiers import squash, stay_apart

Document = dict[str, Any]

# Python's alone: the ends of a text, named groups, flags inside, possessive quantifiers.
_NOT_ECMA = re.compile(r"\\[AZz]|\(\?P|\(\?[a-zA-Z(#>-]|[*+?}]\+")
_VERSION = re.compile(r"\d{8}t\d{6}z")
_METHODS = ("get", "put", "post", "delete", "patch")


def faults(document: Document) -> list[str]:
    """Return what is wrong, one line each: where, and what is expected there."""
    return [
        *_faults_of_info(document),
        *_faults_of_names(document),
        *(fault for where in operations(document) for fault in _faults_of(document, *where)),
        *(
            f"{where}: {fault}"
            for where, schema in schemas(document)
            for fault in _faults_of_schema(document, schema)
        ),
    ]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Return the operations, each with its method and path."""
    for path, item in document["paths"].items():
        yield from ((method, path, item[method]) for method in _METHODS if method in item)


def patterns(document: Document) -> list[str]:
    """Return every pattern of the document."""
    found = {schema["pattern"] for _, schema in schemas(document) if "pattern" in schema}
    return sorted(found)


def schemas(document: Document) -> Iterator[tuple[str, Document]]:
    """Return every schema, and those inside it, each with where it stands."""
    for name, schema in document["components"]["schemas"].items():
        yield from _inside(name, schema)
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            yield from _inside(f"{method} {path} {parameter['name']}", parameter["schema"])
        for where, media in _media(operation):
            yield from _inside(f"{method} {path} {where}", media.get("schema", {}))


def _inside(where: str, schema: Any) -> Iterator[tuple[str, Document]]:
    if not isinstance(schema, dict):
        return
    yield where, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _inside(f"{where}.{name}", inner)
    for name in ("items", "additionalProperties"):
        yield from _inside(f"{where} {name}", schema.get(name))
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _inside(where, inner)


def _media(operation: Document) -> Iterator[tuple[str, Document]]:
    """Return what an operation takes and gives, by media type."""
    parts = [("body", operation.get("requestBody", {})), *operation["responses"].items()]
    for part, holder in parts:
        for kind, media in holder.get("content", {}).items():
            yield f"{part} {kind}", media


def _faults_of_info(document: Document) -> Iterator[str]:
    if not document.get("servers"):
        yield "servers: expected one"
    for tag in document["tags"]:
        if not tag.get("description"):
            yield f"tag {tag['name']}: expected a description"


def _faults_of_names(document: Document) -> Iterator[str]:
    identifiers = [operation.get("operationId", "") for _, _, operation in operations(document)]
    yield from (f"operationId {name}: expected once" for name in _alike(identifiers))
    components = document["components"]["schemas"]
    yield from (f"schema {name}: expected a name of its own" for name in _alike(components))


def _alike(names: Iterable[str]) -> list[str]:
    names = list(names)
    counted = Counter(squash(name) for name in names)
    return [name for name in names if counted[squash(name)] > 1 or not squash(name)]


def _faults_of(document: Document, method: str, path: str, operation: Document) -> Iterator[str]:
    where = f"{method} {path}"
    if _VERSION.search(path):
        yield f"{where}: expected no version of today in a path"
    for member in ("summary", "description"):
        if not operation.get(member):
            yield f"{where}: expected a {member}"
    tags = {tag["name"] for tag in document["tags"]}
    if not operation.get("tags") or not set(operation["tags"]) <= tags:
        yield f"{where}: expected a tag that is listed"
    schemes = document["components"]["securitySchemes"]
    if "security" not in operation:
        yield f"{where}: expected security, empty where no key is needed"
    if not all(set(needed) <= set(schemes) for needed in operation.get("security", ())):
        yield f"{where}: expected security that is defined"
    named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
    if named != set(re.findall(r"{(\w+)}", path)):
        yield f"{where}: expected every part of the path as a parameter"
    for part, media in _media(operation):
        if "schema" not in media:
            yield f"{where} {part}: expected a schema"
        elif "example" in media:
            yield from _misfit(document, media["schema"], media["example"], f"{where} {part}")


def _faults_of_schema(document: Document, schema: Document) -> Iterator[str]:
    kinds = schema.get("type", ())
    if "$ref" in schema and not isinstance(schema["$ref"], dict):
        name = schema["$ref"].removeprefix("#/components/schemas/")
        if name not in document["components"]["schemas"]:
            yield "expected a reference to a schema"
        return
    if "array" in ([kinds] if isinstance(kinds, str) else kinds) and "items" not in schema:
        yield "expected the items of a list"
    for name in sorted(set(schema.get("required", ())) - set(schema.get("properties", ()))):
        yield f"expected the schema of {name}, which is required"
    if _NOT_ECMA.search(schema.get("pattern", "")):
        yield "expected a pattern of JavaScript's"
    if isinstance(schema.get("default"), list | dict):
        yield "expected no list or object as a default: R's generator writes no code for it"
    yield from _faults_of_values(schema.get("enum", ()), kinds)
    for example in schema.get("examples", ()):
        yield from _misfit(document, schema, example, "examples")


def _faults_of_values(values: Iterable[Any], kinds: Any) -> Iterator[str]:
    given = [value for value in values if value is not None]
    if given and not kinds:
        yield "expected the type of an enumeration"
    if len({type(value) for value in given}) > 1:
        yield "expected values of one type"
    # Signs alone are numbered by a generator.
    texts = [value for value in given if isinstance(value, str) and squash(value)]
    if not stay_apart(texts):
        yield "expected values that stay apart as names in code"


def _misfit(document: Document, schema: Document, example: Any, where: str) -> Iterator[str]:
    whole = {**schema, "components": document["components"]}
    if not jsonschema.Draft202012Validator(whole).is_valid(example):
        yield f"{where}: expected an example that fits its schema"
