"""Flask's side of the keys: who makes the current request, and whether they may."""

from __future__ import annotations

from flask import Blueprint, request

from serving.auth import Guard, Scope
from serving.http.wsgi import flask_headers


def check_key(guard: Guard, scope: Scope) -> str:
    """Return the name of the current request's key. Raises AccessError and RateLimited."""
    headers = flask_headers().items()
    return guard.check(headers, scope, request.remote_addr or "").name


def closed_with_prediction(blueprint: Blueprint, guard: Guard) -> Blueprint:
    """Return the blueprint, its routes behind a key where prediction is behind one."""

    @blueprint.before_request
    def check() -> None:
        # A browser sends OPTIONS first, without a key, to learn whether it may send one.
        if request.method != "OPTIONS":
            headers = flask_headers().items()
            guard.check_prediction(headers, None, request.remote_addr or "")

    return blueprint
