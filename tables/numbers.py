"""How numbers are written: in which locale, with which signs around them; decided by the column.

A format says what a point, a comma, a space and an apostrophe mean. One cell
may be read in two ways (1.167 is a little more than one, or over a thousand);
a column mostly may not, and a file hardly ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec


class NumberFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the numbers of a column are written; by default plainly.

    `decimal` stands before the fraction and `group` before each three digits;
    `affix` is a sign of currency or of percent, before or after the number, and
    `accounting` says that parentheses make a number negative.
    """

    decimal: str = "."
    group: str = ""
    affix: str = ""
    accounting: bool = False


PLAIN_NUMBERS = NumberFormat()
COMMA_LOCALE = NumberFormat(",", ".")
# What a column may be written in; the first that fits is the plainest.
_FORMATS = tuple(
    NumberFormat(decimal, group)
    for group in ("", ",", ".", " ", "'")
    for decimal in (".", ",")
    if decimal != group
)
# So many different numbers of one form are no accident.
MANY = 20

_SPACES = " \u00a0\u202f\u2009"
_SIGNS = "$¢£¤¥฿₠-₿﷼＄￡￥"
_CODES = (
    "USD EUR GBP BRL JPY CHF CAD AUD CNY INR MXN SEK NOK DKK PLN CZK HUF RON TRY ZAR KRW SGD HKD "
    "NZD RUB ARS CLP COP kr zł Kč Ft lei Fr. Fr Rs. Rs TL"
)
_AFFIX = rf"[A-Z]{{0,3}}[{_SIGNS}]|{'|'.join(map(re.escape, _CODES.split()))}|%"
_PARTS = re.compile(
    rf"(\()?([+-]?)[{_SPACES}]?({_AFFIX})?[{_SPACES}]?([+-]?)"
    rf"((?=[.,]?[0-9])[0-9.,](?:[0-9.,'{_SPACES}]*[0-9.,])?(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)"
    rf"[{_SPACES}]?({_AFFIX})?(\))?",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE
)
_ONE_SPACE = str.maketrans(dict.fromkeys(_SPACES, " ") | {"’": "'"})
# A number does not start with a needless zero; a postal code does.
_CODE = re.compile(r"[+-]?0[0-9]+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class Parts(NamedTuple):
    """A number taken apart: its sign, its digits and separators, and what stands around it."""

    negative: bool
    core: str
    affix: str
    accounting: bool


def parts_of(text: str) -> Parts | None:
    """Take a stripped text apart, or return None for one that is no number in any format."""
    found = _PARTS.fullmatch(text.replace("−", "-").replace("’", "'"))
    if found is None:
        return None
    opened, sign, before, inner, core, after, closed = found.groups()
    if bool(opened) != bool(closed) or (sign and inner) or (before and after):
        return None
    if opened and (sign or inner):
        return None
    negative = bool(opened) or "-" in (sign, inner)
    return Parts(negative, core.translate(_ONE_SPACE), before or after or "", bool(opened))


@lru_cache(maxsize=64)
def _pattern(decimal: str, group: str) -> re.Pattern[str]:
    point, part = re.escape(decimal), re.escape(group)
    whole = "[0-9]+"
    if group:
        whole = rf"[1-9][0-9]{{0,2}}(?:{part}[0-9]{{3}})+|" + whole
    if group == ",":  # as India writes them
        whole = r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}|" + whole
    number = rf"(?:(?:{whole})(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return re.compile(rf"{number}|inf(?:inity)?", re.IGNORECASE)


def plainly(text: str, written: NumberFormat) -> str | None:
    """Return a stripped text as Python writes the number, or None if it is not so written."""
    if _PLAIN.fullmatch(text) and (written.decimal, written.group) == (".", ""):
        return text
    parts = parts_of(text)
    if parts is None or parts.affix not in ("", written.affix):
        return None
    if parts.accounting and not written.accounting:
        return None
    if not _pattern(written.decimal, written.group).fullmatch(parts.core):
        return None
    core = parts.core.replace(written.group, "") if written.group else parts.core
    return "-" * parts.negative + core.replace(written.decimal, ".")


def read_number(text: str, written: NumberFormat = PLAIN_NUMBERS) -> float | None:
    """Return the number that a stripped text is, or None."""
    plain = plainly(text, written)
    return None if plain is None else float(plain)


def is_number(text: str) -> bool:
    """Whether a text is a plain number, also an infinite one."""
    return _PLAIN.fullmatch(text.strip()) is not None


def is_plain_integer(text: str) -> bool:
    """Whether a plain number is an integer that 64 bits hold."""
    return _INTEGER.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Whether a text of digits begins with a needless zero, as a postal code may."""
    return _CODE.fullmatch(text) is not None


class Candidates(NamedTuple):
    """The formats that fit a column; of two, the first takes its one separator as the decimal.

    `decimal` is the sign before fractions that the column itself proves, `whole`
    says that some of its numbers have no separator though others have, all in groups.
    """

    formats: tuple[NumberFormat, ...]
    decimal: str | None = None
    whole: bool = False


def candidates(words: Iterable[str], codes: bool = False) -> Candidates | None:
    """Return the formats in which all of these stripped texts are numbers; None if there is none.

    A code such as 007 is no number, unless `codes` are to be read as numbers.
    """
    parts = [parts_of(word) for word in words]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts) or not (codes or _no_code(found)):
        return None
    around = _around(found)
    if around is None:
        return None
    separators = {ch for part in found for ch in part.core if ch in ".,' "}
    fitting = [
        msgspec.structs.replace(written, affix=around.affix, accounting=around.accounting)
        for written in _FORMATS
        if (not written.group or written.group in separators)
        and all(_pattern(written.decimal, written.group).fullmatch(p.core) for p in found)
    ]
    return _narrowed(fitting, separators, found) if fitting else None


def _no_code(found: Sequence[Parts]) -> bool:
    return not any(is_code(part.core) and not part.affix for part in found)


def _around(found: Sequence[Parts]) -> NumberFormat | None:
    """Return what stands around the numbers, if it is one thing in all of them."""
    affixes = {part.affix for part in found}
    signs = affixes - {""}
    accounting = any(part.accounting for part in found)
    if len(signs) > 1 or (signs == {"%"} and "" in affixes):
        return None
    if accounting and all(part.accounting for part in found):
        return None
    return NumberFormat(affix=next(iter(signs), ""), accounting=accounting)


def _narrowed(
    fitting: list[NumberFormat], separators: set[str], found: Sequence[Parts]
) -> Candidates:
    """Leave only the formats that read the numbers differently."""
    if not separators & {".", ","}:
        # Nothing is said of the decimal, which no number has.
        return Candidates(tuple(fitting[:1]))
    distinct = [f for f in fitting if {f.decimal, f.group} & {".", ","} & separators]
    if len(separators & {".", ","}) == 1:
        (sign,) = separators & {".", ","}
        distinct = [f for f in distinct if sign in (f.decimal, f.group)]
        distinct.sort(key=lambda f: f.decimal != sign)
    if len({(f.decimal, f.group) for f in distinct}) > 1:
        dotted = {part.core for part in found if set(part.core) & {".", ","}}
        small = any(1 <= len(part.core.strip("0")) <= 3 for part in found if part.core.isdigit())
        return Candidates(tuple(distinct[:2]), None, small and len(dotted) >= MANY)
    return Candidates(tuple(distinct[:1]), distinct[0].decimal)


def decide(
    found: Candidates, decimal: str | None, delimiter: str
) -> tuple[NumberFormat, str | None]:
    """Return the format of a column, and why, where the column itself leaves it open.

    `decimal` is what the file's other columns say, or its owner.
    """
    first = found.formats[0]
    if len(found.formats) == 1:
        return first, None
    if decimal is not None:
        chosen = next((f for f in found.formats if f.decimal == decimal), first)
        return chosen, "as the table's other numbers are"
    # A semicolon delimits where the comma is the decimal sign; elsewhere the point is.
    point = first.decimal == "."
    if delimiter == ";":
        return found.formats[1 if point else 0], "as tables with semicolons are"
    if point and found.whole and delimiter in ("\t", "|"):
        return found.formats[1], "beside numbers below a thousand without a point"
    return found.formats[0 if point else 1], "as tables with decimal points are"


def describe(written: NumberFormat, whole: bool = False) -> str:
    """Say in words how numbers, or `whole` ones, are written; an empty text for plain ones."""
    names = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}
    said = []
    if written.group:
        said.append(f"thousands parted by {names[written.group]}")
    if written.decimal == "," and not (whole and written.group):
        said.append("decimal commas")
    if written.affix:
        said.append(f"the sign {written.affix}")
    if written.accounting:
        said.append("parentheses for a minus")
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
