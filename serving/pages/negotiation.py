"""Who is asked for a page: a browser names HTML, a program does not."""

from __future__ import annotations

from serving.media import weighted


def wants_page(accept: str | None) -> bool:
    """Tell whether an Accept header names HTML, and likes nothing of JSON better.

    `*/*` alone is a program's (RFC 9110, 12.5.1).
    """
    liked = [weighted(part) for part in (accept or "").lower().split(",")[:50]]
    html = [quality for quality, media in liked if media in ("text/html", "application/xhtml+xml")]
    json = [quality for quality, media in liked if media == "application/json"]
    return max(html, default=0.0) > 0 and max(html, default=0.0) >= max(json, default=0.0)
