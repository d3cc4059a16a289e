"""What is said of rows that were answered, and are not as those of training."""

from __future__ import annotations

import json
from typing import Any

from serving.exchange import Headers
from tables.rows import Decoded

UNKNOWN_CATEGORY = "a category never seen in training, scored as unknown"
MISSING_VALUE = "a missing value, which training never had, filled in"

HEADER = b"x-warnings"
# A header has no room for more; `count` is that of all.
MOST_IN_HEADER = 10


def warnings_of(decoded: Decoded) -> list[dict[str, Any]]:
    """Return what is to be said, in the order of rows; nothing of most requests."""
    if not decoded.unknown and not decoded.missing:
        return []
    found = [(*where, UNKNOWN_CATEGORY) for where in decoded.unknown]
    found += [(*where, MISSING_VALUE) for where in decoded.missing]
    found.sort(key=lambda warning: warning[0])
    return [{"row": row, "field": field, "message": message} for row, field, message in found]


def warning_headers(decoded: Decoded) -> Headers:
    """Return the header of an answer whose form has no room for warnings: their count, the first.

    Its value is JSON in ASCII.
    """
    found = warnings_of(decoded)
    if not found:
        return ()
    document = {"count": len(found), "warnings": found[:MOST_IN_HEADER]}
    return ((HEADER, json.dumps(document).encode("ascii")),)
