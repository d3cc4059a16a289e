"""Dates and times: which texts are one. What a feature makes of them is not decided here."""

from __future__ import annotations

import re

_YEAR = r"(?:1[5-9]|2[01])[0-9]{2}"
_MONTH = r"[^\W\d_]{3,9}\.?"
_DAY = r"[0-3]?[0-9]"
_CLOCK = r"[0-2]?[0-9]:[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]{1,9})?)?(?: ?[AaPp]\.?[Mm]\.?)?"
_ZONE = r"Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?"
_DATE = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    r"[0-9]{4}([/.])[0-9]{1,2}\1[0-9]{1,2}",
    r"[0-9]{1,2}([/.-])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})",
    rf"{_DAY}[- ]{_MONTH}[- ](?:[0-9]{{4}}|[0-9]{{2}})",
    rf"(?:{_MONTH},? )?{_DAY} {_MONTH},? {_YEAR}",
    rf"{_MONTH} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}",
    rf"{_YEAR}-(?:0[1-9]|1[0-2])",
)
_DATES = re.compile(rf"(?:{'|'.join(_DATE)})(?:(?:[T ]|, ?){_CLOCK}(?: ?(?:{_ZONE}))?)?|{_CLOCK}")


def is_date(text: str) -> bool:
    """Whether a stripped text is a date, a time, or both, in a spelling that people have."""
    return len(text) <= 40 and _DATES.fullmatch(text) is not None
