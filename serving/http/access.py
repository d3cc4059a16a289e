"""Flask's side of the keys: who makes the current request, and whether they may."""

from __future__ import annotations

from collections.abc import Collection

from flask import Blueprint, request

from serving.auth import Guard, Scope
from serving.http.wsgi import flask_headers


def check_key(guard: Guard, scope: Scope) -> str:
    """Return the name of the current request's key. Raises AccessError and RateLimited."""
    headers = flask_headers().items()
    return guard.check(headers, scope, request.remote_addr or "").name


def closed_with_prediction(
    blueprint: Blueprint, guard: Guard, *, but: Collection[str] = ()
) -> Blueprint:
    """Return the blueprint, its routes behind a key where prediction is behind one.

    `but` are the rules of routes that tell nothing of what is inside, and stay open.
    """

    @blueprint.before_request
    def check() -> None:
        # A browser sends OPTIONS first, without a key, to learn whether it may send one.
        if request.method != "OPTIONS" and str(request.url_rule) not in but:
            check_prediction(guard)

    return blueprint


def check_prediction(guard: Guard) -> None:
    """Raise AccessError or RateLimited for a request that may not predict."""
    guard.check_prediction(flask_headers().items(), None, request.remote_addr or "")
