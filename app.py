"""The web process: `create_app` wires it, and `asgi` is what gunicorn serves."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from functools import cache
from typing import Any, NamedTuple

from a2wsgi import WSGIMiddleware
from flask import Flask

from config import Config, read_config
from learning.errors import MiranteError
from persistence.opening import open_registry
from persistence.registry import Registry
from serving.cors import Cors
from serving.dialects import flat, keyed, oip, sagemaker, v0
from serving.docs import docs_blueprint
from serving.express import Express, Receive, Send
from serving.gate import Gate
from serving.health import health_blueprint
from serving.inspection import inspection_blueprint
from serving.logs import start_logging
from serving.metrics import Metrics, metrics_blueprint
from serving.models import models_blueprint
from serving.observation import Observation
from serving.oip import oip_blueprint
from serving.openapi import openapi_blueprint
from serving.prediction import prediction_blueprint
from serving.predictor import Predictor
from serving.sagemaker import sagemaker_blueprint
from serving.wsgi import attend


class Parts(NamedTuple):
    """What both lanes share."""

    registry: Registry
    predictor: Predictor
    gate: Gate
    metrics: Metrics
    cors: Cors
    observation: Observation


def wire(config: Config) -> Parts:
    """Build what both lanes share; nothing is loaded yet."""
    registry = open_registry(**config.registry)
    metrics = Metrics(config.prometheus_multiproc_dir)
    predictor = Predictor(
        registry,
        names=config.models,
        poll_seconds=config.poll_seconds,
        on_load=metrics.count_event,
    )
    cors = Cors(config.cors_origins)
    observation = Observation(metrics, config.access_log_sample)
    gate = Gate(
        predictor,
        (v0, flat, keyed, sagemaker, oip),
        default_model=config.default_model,
        max_body_bytes=config.max_body_bytes,
        max_rows=config.max_rows,
        max_in_flight=config.max_in_flight,
        guard=None,
        cors=cors,
        observation=observation,
    )
    return Parts(registry, predictor, gate, metrics, cors, observation)


def create_app(config: Config | None = None) -> Flask:
    """Build the WSGI application: every route, the champions loaded and followed."""
    config = config or read_config(os.environ)
    parts = wire(config)
    parts.predictor.start()
    return build_flask(config, parts)


def build_flask(config: Config, parts: Parts) -> Flask:
    """Build the Flask application over what both lanes share."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    attend(app, parts.gate.request_ids, parts.cors, parts.observation)
    app.register_blueprint(prediction_blueprint(parts.gate))
    app.register_blueprint(inspection_blueprint(parts.predictor, config.default_model))
    app.register_blueprint(models_blueprint(parts.predictor, parts.registry, config.default_model))
    app.register_blueprint(health_blueprint(parts.predictor))
    app.register_blueprint(metrics_blueprint(parts.metrics.exposition))
    app.register_blueprint(oip_blueprint(parts.predictor))
    app.register_blueprint(
        sagemaker_blueprint(
            parts.predictor,
            default_model=config.default_model,
            max_in_flight=config.max_in_flight,
            max_body_bytes=config.max_body_bytes,
        )
    )
    app.register_blueprint(
        openapi_blueprint(
            parts.gate, default_model=config.default_model, closed=config.require_api_key
        )
    )
    app.register_blueprint(docs_blueprint())
    app.extensions["mirante"] = parts
    return app


def create_asgi(config: Config) -> Express:
    """Build the ASGI application; the champions are loaded when its worker starts."""
    start_logging(config.log_level)
    parts = wire(config)
    return Express(
        parts.gate,
        WSGIMiddleware(build_flask(config, parts)),  # type: ignore[arg-type]
        body_timeout=config.body_timeout,
        on_start=parts.predictor.start,
        on_stop=parts.predictor.stop,
    )


def refuse_bad_settings() -> None:
    """End the process with one line if a setting cannot be used; nothing is loaded."""
    try:
        wire(read_config(os.environ))
    except MiranteError as error:
        sys.exit(f"mirante: {error}")


@cache
def _worker_application() -> Express:
    return create_asgi(read_config(os.environ))


async def asgi(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Serve ASGI; the application is built by the first message, which comes after the fork."""
    await _worker_application()(scope, receive, send)
