"""The OpenAPI document as a page: Swagger UI from the project's own files, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, request, send_from_directory

from serving.http.operation import TEXT, Operation, described

FOLDER = Path(__file__).parent.parent / "swagger"
# Nothing but these is ever served, whatever lies beside them.
FILES = ("favicon-32x32.png", "start.js", "swagger-ui-bundle.js", "swagger-ui.css")
# Swagger UI writes styles into the page, and draws with images of its own.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_PAGE = Operation("Inspection", "This document as a page", {"text/html": {"schema": TEXT}})


def docs_blueprint() -> Blueprint:
    """Return the blueprint of `/docs`."""
    blueprint = Blueprint("docs", __name__)

    @blueprint.get("/docs")
    @described(_PAGE)
    def page() -> Any:
        if request.path.endswith("/"):  # the page's own links are relative to a path without
            return redirect("../docs", 308)
        return _send("index.html")

    for name in FILES:
        # A view a file, so that no path is made of a request.
        blueprint.add_url_rule(
            f"/docs/{name}", name.replace(".", "_"), _send, defaults={"name": name}
        )
    return blueprint


def _send(name: str) -> Response:
    response = send_from_directory(FOLDER, name, max_age=3600)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
