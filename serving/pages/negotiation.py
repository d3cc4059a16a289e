"""Who is asked for a page: a browser names HTML, a program does not."""

from __future__ import annotations


def wants_page(accept: str | None) -> bool:
    """Tell whether an Accept header names HTML, and likes nothing of JSON better.

    `*/*` alone is a program's (RFC 9110, 12.5.1).
    """
    liked = [_weighted(part) for part in (accept or "").lower().split(",")[:50]]
    html = [quality for quality, media in liked if media in ("text/html", "application/xhtml+xml")]
    json = [quality for quality, media in liked if media == "application/json"]
    return max(html, default=0.0) > 0 and max(html, default=0.0) >= max(json, default=0.0)


def _weighted(part: str) -> tuple[float, str]:
    media, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:]), media
            except ValueError:
                return 0.0, media
    return 1.0, media
