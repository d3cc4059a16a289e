"""What a table's owner says of it, in place of what its cells say."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tables.schema import Kind

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Overrides(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a table is to be read; a flag, a recipe's field and a form's field have these names.

    `kinds` decides what kind a column is, the target's too, `decimal` which sign stands
    before a fraction, `missing` which words mean a missing value in any column, `sheet`
    which one of a workbook is read, and `merge_rare` what the classes of too few rows are
    called together. `skip_bad_lines` leaves out the lines that do not fit the header.
    `group` names the column whose equal values stay on one side of the hold-out, `time`
    that by which the latest rows are held out. `task` says whether the target is a class
    or a quantity.
    """

    kinds: dict[str, Kind] = {}
    decimal: Literal[".", ","] | None = None
    missing: tuple[Name, ...] = ()
    sheet: Name | None = None
    skip_bad_lines: bool = False
    merge_rare: Name | None = None
    group: Name | None = None
    time: Name | None = None
    task: Literal["classification", "regression"] | None = None

    def given(self) -> dict[str, object]:
        """Return those that say something, by name."""
        values = {name: getattr(self, name) for name in Overrides.__struct_fields__}
        return {name: value for name, value in values.items() if value}


OVERRIDES = Overrides.__struct_fields__
