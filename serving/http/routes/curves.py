"""How the answer changes with each feature: `/v0/curves`, and by name. Training made them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, request

from errors import ArtifactDamaged
from learning import curves
from learning.curves import Curve
from serving.champions import Champions, Live
from serving.description import VALUES
from serving.exchange import Answer
from serving.http.operation import NUMBER, TEXT, Operation, array, content, described, members
from serving.http.wsgi import flask_response
from serving.refusals import RequestError

FEATURE = "feature"
NOT_COMPILED = "no curves: the library that learnt the model answers itself"
NONE_KEPT = (
    "no curves: the artifact keeps none, as of an import, of a release before, or of a table "
    "without a feature that is no text and has two values or more"
)
NOT_OF_IT = "no curve of this feature: it is a text, has one value, or other features weigh more"

_LINE = array(NUMBER)
_CURVES = Operation(
    "Inspection",
    "How the answer changes with each feature: partial dependence, and rows one by one",
    content(
        members(
            *("name", "version", "outputs", "curves"),
            name=TEXT,
            version=TEXT,
            outputs={**VALUES, "description": "the classes whose means are told; else the target"},
            curves=array(
                members(
                    *("feature", "values", "mean", "rows"),
                    feature=TEXT,
                    values={**VALUES, "description": "values of the feature that were tried"},
                    mean={
                        **array(_LINE),
                        "description": "for each value, the mean answer of each of the outputs",
                    },
                    rows={
                        **array(_LINE),
                        "description": "some rows' own answers at each value: the quantity, or "
                        "the probability of the second of two classes",
                    },
                )
            ),
            reason={**TEXT, "description": "why there are no curves, where there are none"},
        )
    ),
    (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    parameters=(
        {
            "name": FEATURE,
            "in": "query",
            "description": "the curve of this feature alone; of all unless it is given",
            "schema": TEXT,
        },
    ),
)


def curves_blueprint(champions: Champions, default_model: str) -> Blueprint:
    """Return the blueprint of the curves' routes."""
    blueprint = Blueprint("curves", __name__)

    @blueprint.get("/v0/curves")
    @blueprint.get("/v0/models/<name>/curves")
    @described(_CURVES)
    def curves_of_model(name: str = default_model) -> Any:
        found = describe_curves(champions.live(name), request.args.get(FEATURE))
        return flask_response(Answer(200, msgspec.json.encode(found)))

    return blueprint


def describe_curves(live: Live, feature: str | None = None) -> dict[str, Any]:
    """Return the curves of all features, the most important first, or of one.

    Raises RequestError for a feature that the model has not.
    """
    names = [one.name for one in live.schema.features]
    if feature is not None and feature not in names:
        raise RequestError(f"{FEATURE}: expected a feature of the model, as model_info names them")
    kept = live.remember("curves", _read)
    chosen = kept if feature is None else {n: c for n, c in kept.items() if n == feature}
    reason = {} if chosen else {"reason": _reason(live, kept)}
    return {
        "name": live.name,
        "version": live.version,
        "outputs": _outputs(live, kept),
        "curves": [_rendered(name, curve) for name, curve in chosen.items()],
        **reason,
    }


def _read(live: Live) -> Mapping[str, Curve]:
    """Return what the artifact keeps; what another release wrote otherwise is as if not there."""
    try:
        return curves.load(live.kept)
    except ArtifactDamaged:
        return {}


def _rendered(name: str, curve: Curve) -> dict[str, Any]:
    return {
        "feature": name,
        "values": curve.values,
        "mean": curve.mean,
        "rows": curve.rows,
    }


def _outputs(live: Live, kept: Mapping[str, Curve]) -> list[Any]:
    """Return what the means are of: classes, of very many the commonest, or the target."""
    target = live.schema.target
    if not target.classes:
        return [target.name]
    indices = next((curve.classes for curve in kept.values() if curve.classes), [])
    return [target.classes[i] for i in indices] if indices else list(target.classes)


def _reason(live: Live, kept: Mapping[str, Curve]) -> str:
    if kept:
        return NOT_OF_IT
    return NONE_KEPT if live.runtime.compiled else NOT_COMPILED
