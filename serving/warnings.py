"""What is said of rows that were answered, and are not as those of training."""

from __future__ import annotations

import json
from typing import Any

from serving.exchange import Headers
from tables.rows import Decoded

UNKNOWN_CATEGORY = "a category never seen in training, scored as unknown"
MISSING_VALUE = "a missing value, which training never had, filled in"

HEADER = b"x-warnings"
# An answer lists no more; a header has no room for as many. `count` is that of all.
MOST_WARNINGS = 100
MOST_IN_HEADER = 10


def warnings_of(decoded: Decoded) -> list[dict[str, Any]]:
    """Return the first of what is to be said, in the order of rows; nothing of most requests."""
    if not decoded.unknown and not decoded.missing:
        return []
    found = [(*where, UNKNOWN_CATEGORY) for where in decoded.unknown]
    found += [(*where, MISSING_VALUE) for where in decoded.missing]
    found.sort(key=lambda warning: warning[0])
    del found[MOST_WARNINGS:]
    return [{"row": row, "field": field, "message": message} for row, field, message in found]


def warnings_omitted(decoded: Decoded) -> int:
    """Return how many there are besides the first."""
    found = len(decoded.unknown) + len(decoded.missing)
    return decoded.more_warnings + max(0, found - MOST_WARNINGS)


def warning_members(decoded: Decoded) -> dict[str, Any]:
    """Return the members of an answer in JSON: the first warnings, and how many more there are."""
    found = warnings_of(decoded)
    if not found:
        return {}
    omitted = warnings_omitted(decoded)
    return {"warnings": found} | ({"warnings_omitted": omitted} if omitted else {})


def warning_headers(decoded: Decoded) -> Headers:
    """Return the header of an answer whose form has no room for warnings: their count, the first.

    Its value is JSON in ASCII.
    """
    found = warnings_of(decoded)
    if not found:
        return ()
    count = len(found) + warnings_omitted(decoded)
    document = {"count": count, "warnings": found[:MOST_IN_HEADER]}
    return ((HEADER, json.dumps(document).encode("ascii")),)
