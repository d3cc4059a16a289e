"""Flask's side of the keys: who makes the current request, and whether they may."""

from __future__ import annotations

from collections.abc import Collection

from flask import Blueprint, Flask, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import Rule

from serving.auth import Guard, Scope
from serving.http.wsgi import flask_headers

# What an application keeps of it: the rules that stay open, by the closed blueprint's name.
_CLOSED = "mirante.closed"


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

    @blueprint.record
    def remember(state: BlueprintSetupState) -> None:
        state.app.extensions.setdefault(_CLOSED, {})[blueprint.name] = but

    return blueprint


def is_closed_with_prediction(app: Flask, rule: Rule) -> bool:
    """Tell whether a route is behind a key where prediction is behind one."""
    name = rule.endpoint.rpartition(".")[0]
    closed = app.extensions.get(_CLOSED, {})
    return name in closed and rule.rule not in closed[name]


def check_prediction(guard: Guard) -> None:
    """Raise AccessError or RateLimited for a request that may not predict."""
    guard.check_prediction(flask_headers().items(), None, request.remote_addr or "")


def sees_inside(guard: Guard) -> bool:
    """Say whether the current request may learn what is inside; nothing is refused."""
    return guard.sees_inside(flask_headers().items())
