"""Training in the browser: a file, what its columns are read as, the target, and a start."""

from __future__ import annotations

from typing import Any, NamedTuple, get_args

import msgspec

from errors import DatasetError, RecipeError
from learning.estimators import DEFAULT, estimators
from serving.http.routes.describe import DescriptionOrder
from serving.http.upload import bounded, converted, form_fields, only_file
from serving.pages.language import Catalogue
from serving.pages.page import Page, Visit
from tables.schema import Kind

# Columns whose kinds can be corrected here; of a wider table the first are shown.
MOST_COLUMNS = 300
# Categories that are shown of a column, and letters of each.
MOST_CATEGORIES, LETTERS = 6, 40


class Column(NamedTuple):
    """A column as it was read: its kind, or none where it is left out, and what was seen."""

    name: str
    kind: str
    seen: str
    notes: list[str]


def column_of(found: dict[str, Any], words: Catalogue) -> Column:
    """Return a column of a table's description as a line of the page."""
    notes = found.get("notes", [])
    if "left_out" in found:
        return Column(found["name"], "", words("column_left_out"), notes or [found["left_out"]])
    return Column(found["name"], found["kind"], _seen(found, words), notes)


def _seen(found: dict[str, Any], words: Catalogue) -> str:
    parts = [_range(found, words) or _categories(found, words)]
    if found.get("nullable"):
        parts.append(words("missing"))
    return "; ".join(part for part in parts if part)


def _range(found: dict[str, Any], words: Catalogue) -> str:
    if found.get("dates"):
        ends = found["dates"].get("first", ""), found["dates"].get("last", "")
    elif found.get("minimum") is not None:
        ends = words.number(found["minimum"]), words.number(found["maximum"])
    else:
        return ""
    return words("between", low=ends[0], high=ends[1])


def _categories(found: dict[str, Any], words: Catalogue) -> str:
    named = found.get("categories", [])
    shown = ", ".join(text[:LETTERS] for text in named[:MOST_CATEGORIES])
    more = found.get("number_of_categories", len(named)) - MOST_CATEGORIES
    return shown + (words("and_more", n=more) if more > 0 else "")


def _train(visit: Visit) -> dict[str, Any]:
    most = visit.training.max_upload_bytes / 2**20
    return {
        "most": visit.words.number(round(most, 1)),
        "bytes": visit.training.max_upload_bytes,
        "name": visit.query.get("name", ""),
        "estimators": list(estimators()),
        "default": DEFAULT,
    }


def _columns(visit: Visit) -> dict[str, Any]:
    """Describe the uploaded table; one that cannot be read says why in its place."""
    try:
        found = _described(visit)
    except (DatasetError, RecipeError) as error:
        return {"problem": str(error), "columns": []}
    columns = [column_of(one, visit.words) for one in found["columns"]]
    target = found.get("target", {})
    return {
        "problem": "",
        "rows": found["rows"],
        "dialect": found["dialect"],
        "target": target.get("name", ""),
        "task": target.get("task", ""),
        "classes": [str(one)[:LETTERS] for one in target.get("classes", [])[:MOST_CATEGORIES]],
        "number_of_classes": len(target.get("classes", [])),
        "columns": columns[:MOST_COLUMNS],
        "more": max(0, len(columns) - MOST_COLUMNS),
        "kinds": get_args(Kind),
        "notes": found["notes"],
    }


def _described(visit: Visit) -> Any:
    with bounded(visit.training.max_upload_bytes):
        file, given = only_file(), form_fields()
    order = msgspec.to_builtins(converted(given, DescriptionOrder))
    return msgspec.json.decode(visit.training.describe(file.stream, order))


TRAIN = Page("/train", "train.html", _train, "train", open=True)
COLUMNS = Page("/train/columns", "columns.html", _columns, "train", methods=("POST",), key="train")
