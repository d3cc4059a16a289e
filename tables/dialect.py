"""How a delimited file is written: what parts its cells, and how they are quoted."""

from __future__ import annotations

import msgspec


class Dialect(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a delimited file is written; by default as most are.

    `escape` is the character that stands before a quote in a quoted cell where
    the quote is not doubled, `spaced` says that a space follows the delimiter
    before a quote, `row_names` that each row begins with a name of its own that
    the header has none for, `decimal` is the sign before a fraction in most of its
    numbers, and `encoding` is Python's name of the encoding.
    """

    delimiter: str = ","
    escape: str = ""
    spaced: bool = False
    row_names: bool = False
    decimal: str = "."
    encoding: str = "utf-8"


PLAIN_DIALECT = Dialect()
