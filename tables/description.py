"""What a table is read as, column by column; nothing is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from tables.column import Column, File, read_columns
from tables.schema import Kind, Target
from tables.schema_inference import without_index
from tables.table import Table
from tables.target import ReadTarget, check_ties, labelled, read_classes
from tables.times import check_time

# Of a category so many values are shown.
MOST_CATEGORIES = 20


class Description(NamedTuple):
    """A table's rows and dialect, its columns as features or as left out, and notes.

    `dialect` has the decimal sign that its columns prove; `target` is None where none is named.
    """

    rows: int
    dialect: dict[str, Any]
    target: Target | None
    columns: dict[str, Column]
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return all of it, JSON-ready; what does not apply is absent."""
        target = {"target": _target(self.target)} if self.target else {}
        return {
            "rows": self.rows,
            "dialect": self.dialect,
            **target,
            "columns": [_column(name, column) for name, column in self.columns.items()],
            "notes": list(self.notes),
        }

    def report(self) -> str:
        """Return all of it as lines that people read."""
        dialect = ", ".join(f"{key} {value!r}" for key, value in self.dialect.items())
        lines = [f"rows        {self.rows}", f"read as     {dialect}"]
        if self.target:
            classes = ", ".join(self.target.keys)
            lines.append(f"label       {self.target.name}: {classes}".rstrip(": "))
        lines += [f"note        {note}" for note in self.notes]
        width = max(map(len, self.columns), default=0)
        lines += ["", *(_line(name, column, width) for name, column in self.columns.items())]
        return "\n".join(lines)


def describe(
    table: Table,
    target: str | None = None,
    aliases: Mapping[str, Mapping[str, str]] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    read_target: ReadTarget = read_classes,
    merge_rare: str | None = None,
    group: str | None = None,
    time: str | None = None,
) -> Description:
    """Return what learning from the table would read; the arguments are those of `read_dataset`.

    Without a target all columns are features. Raises DatasetError as learning would.
    """
    kinds, table = kinds or {}, table.emptied()
    check_ties(table, target, group, time)
    notes, found = table.notes, None
    if target is not None:
        table, unlabelled = labelled(table, target)
        read = read_target(table, target, kinds.get(target), merge_rare)
        table = table if read.rows is None else table.take(read.rows)
        found, notes = read.target, (*notes, *unlabelled, *read.notes)
    cells = {name: column for name, column in table.columns.items() if name != target}
    file = File(table.dialect.delimiter, table.decimal)
    columns, file = read_columns(cells, table.index, kinds, aliases or {}, file)
    columns = without_index(columns, table)
    if time is not None:
        check_time(columns[time].feature, time)
    if group is not None and group not in kinds:
        columns[group] = Column(None, [], (f"{group} says which rows stay together",))
    dialect = {name: getattr(table.dialect, name) for name in table.dialect.__struct_fields__}
    dialect["decimal"] = file.decimal or "."
    shown = {name: value for name, value in dialect.items() if value not in ("", False)}
    return Description(len(table), shown, found, columns, notes)


def _target(target: Target) -> dict[str, Any]:
    classes = {"classes": target.classes} if target.classes else {}
    return {"name": target.name, "task": target.task, **classes}


def _column(name: str, column: Column) -> dict[str, Any]:
    notes = {"notes": list(column.notes)} if column.notes else {}
    if column.feature is None:
        return {"name": name, "left_out": column.notes[-1], **notes}
    feature: dict[str, Any] = msgspec.to_builtins(column.feature)
    if len(column.feature.categories) > MOST_CATEGORIES:
        feature["categories"] = feature["categories"][:MOST_CATEGORIES]
        feature["number_of_categories"] = len(column.feature.categories)
    return {**feature, **notes}


def _line(name: str, column: Column, width: int) -> str:
    notes = "; ".join(note.removeprefix(f"{name} ") for note in column.notes)
    if column.feature is None:
        return f"{name:<{width}}  {'-':<8}  {notes}"
    values = ", ".join(column.feature.categories[:6])
    if column.feature.minimum is not None:
        values = f"{column.feature.minimum:g} to {column.feature.maximum:g}"
    missing = "missing" if column.feature.nullable else ""
    said = "; ".join(part for part in (values, missing, notes) if part)
    return f"{name:<{width}}  {column.feature.kind:<8}  {said}".rstrip()
