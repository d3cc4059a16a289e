"""Flask's side of the keys: who makes the current request, and whether they may."""

from __future__ import annotations

from flask import request

from serving.auth import Guard, Scope
from serving.wsgi import flask_request


def check_key(guard: Guard, scope: Scope) -> str:
    """Return the name of the current request's key. Raises AccessError and RateLimited."""
    headers = flask_request().headers.items()
    return guard.check(headers, scope, request.remote_addr or "").name
