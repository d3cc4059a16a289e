"""Errors as pages: what went wrong in a sentence, and where to go from there."""

from __future__ import annotations

from flask import Response

from serving.pages.language import Catalogue
from serving.pages.rendering import HTML, render

# Statuses with a sentence of their own.
KNOWN = frozenset({401, 403, 404, 405, 413, 422, 429, 500, 503})


def error_page(status: int, words: Catalogue, request_id: str = "") -> Response:
    """Return the page of a status, under which the log has what `request_id` came to."""
    values = {
        "language": words.language,
        "tab": "",
        "status": status,
        "sentence": words(f"error_{status if status in KNOWN else 'other'}"),
        "request_id": request_id,
    }
    response = Response(render("error.html", words, values), status)
    response.headers["Content-Type"] = HTML
    return response
