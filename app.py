"""The web process: `create_app` wires it, and `asgi` is what gunicorn serves.

python app.py [gunicorn's options]    serve, as `gunicorn app:asgi` does
gunicorn app:app                      the same; any other WSGI or ASGI server takes `app` too
gunicorn 'app:create_app()'           the same
flask run                             one process, for developing
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask

from config import Config, read_config
from errors import MiranteError
from jobs.address import check_address
from monitor import ask_performance, check_replay, keep_feedback, read_replay
from monitoring.shadow import Shadow
from persistence.opening import open_registry
from persistence.registry import Registry
from scoring.roots import check_beneath
from serving.actions import PREDICT
from serving.auth import Guard, KeyRing
from serving.champions import Champions
from serving.cors import Cors
from serving.drift_metrics import DriftMetrics
from serving.exchange import Route
from serving.http.access import closed_with_prediction
from serving.http.asgi import AsgiApplication
from serving.http.flask_bridge import URGENT, FlaskBridge
from serving.http.openapi import openapi_blueprint
from serving.http.result_stream import ResultStream
from serving.http.routes.curves import curves_blueprint
from serving.http.routes.describe import describe_blueprint
from serving.http.routes.docs import docs_blueprint
from serving.http.routes.drift import drift_blueprint
from serving.http.routes.events import EventStreams, events_blueprint
from serving.http.routes.exposition import metrics_blueprint
from serving.http.routes.feedback import feedback_blueprint
from serving.http.routes.health import health_blueprint
from serving.http.routes.links import links_blueprint
from serving.http.routes.mlflow_version import mlflow_blueprint
from serving.http.routes.model_info import describe_model, inspection_blueprint
from serving.http.routes.models import models_blueprint
from serving.http.routes.oip_metadata import oip_blueprint
from serving.http.routes.performance import Recent, performance_blueprint
from serving.http.routes.prediction import prediction_blueprint
from serving.http.routes.proto_files import proto_blueprint
from serving.http.routes.replay import replay_blueprint
from serving.http.routes.sagemaker_models import sagemaker_blueprint
from serving.http.routes.score import score_blueprint
from serving.http.routes.train import training_blueprint
from serving.http.routes.v1_models import v1_blueprint
from serving.http.routes.versions import versions_blueprint
from serving.http.routes.vertex_health import vertex_blueprint
from serving.http.routes.vetiver_metadata import vetiver_blueprint
from serving.http.streamed_rows import StreamedRows
from serving.http.upload import ENVELOPE
from serving.http.wsgi import attend
from serving.logs import HideTokens, start_logging
from serving.metrics import Metrics
from serving.model_folder import ModelFolder, open_model_folder
from serving.observation import Observation
from serving.pages.blueprint import pages_blueprint
from serving.pages.fragment import fragment_routes
from serving.pages.page import Place, Training
from serving.pages.traffic import Watched
from serving.pages.version_summaries import Summaries
from serving.protocols import loans, oip, sagemaker, tweets, v0, v1, vetiver
from serving.protocols.mcp import Mcp
from serving.protocols.oip.repository import Repository
from serving.service import PredictionService
from serving.tracing import tracing_of
from worker import (
    LOG_OFF,
    check_order,
    describe,
    open_challengers,
    open_drift_documents,
    open_drift_reports,
    open_prediction_log,
    open_queue,
)

if TYPE_CHECKING:
    from jobs.queue import JobQueue
    from monitoring.prediction_log import PredictionLog


# Reads the last report of drift of a model, if there is one.
ReadDrift = Callable[[str], dict[str, Any] | None]

# In the order of the OpenAPI document; a protocol is one more name here.
PROTOCOLS = (v0, loans, tweets, sagemaker, oip, v1, vetiver)

# What platforms and probes ask without a key, also where prediction needs one.
OPEN = ("/v2", "/v2/health/live", "/v2/health/ready", "/ping", "/execution-parameters")


class Parts(NamedTuple):
    """What the ASGI and the WSGI application share.

    `get_queue` opens the queue of jobs when it is first called.
    """

    registry: Registry
    champions: Champions
    service: PredictionService
    metrics: Metrics
    cors: Cors
    observation: Observation
    guard: Guard
    get_queue: Callable[[], JobQueue]
    model_folder: ModelFolder | None
    prediction_log: PredictionLog | None
    read_drift: ReadDrift | None


def wire(config: Config) -> Parts:
    """Build what the ASGI and the WSGI application share; nothing is loaded yet."""
    registry = open_registry(**config.registry)
    metrics = Metrics(config.prometheus_multiproc_dir)
    folder = config.models_folder
    model_folder = open_model_folder(folder, config.registry) if folder else None
    champions = follow(config, model_folder, registry, metrics)
    cors = Cors(config.cors_origins)
    observation = Observation(metrics, config.access_log_sample, tracing_of(**config.tracing))
    ring = KeyRing(config.api_keys, config.api_keys_file)
    guard = Guard(ring, require_for_prediction=config.require_api_key)
    prediction_log = open_log(config, champions, metrics)
    shared: dict[str, Any] = {"guard": guard, "cors": cors, "observation": observation}
    service = answer(config, champions, prediction_log, **shared)
    read_drift = follow_drift(config, champions, metrics)
    return Parts(
        registry,
        champions,
        service,
        metrics,
        cors,
        observation,
        guard,
        cache(partial(open_queue, config)),
        model_folder,
        prediction_log,
        read_drift,
    )


def follow(
    config: Config, folder: ModelFolder | None, registry: Registry, metrics: Metrics
) -> Champions:
    """Return the champions of a folder of models, or else of the registry."""
    champions = Champions(
        folder or registry,
        **config.following,
        on_load=metrics.count_event,
        challenger=open_challengers(config),
    )
    if folder is not None:
        folder.serve(champions)
    return champions


def answer(
    config: Config, champions: Champions, prediction_log: PredictionLog | None, **shared: Any
) -> PredictionService:
    """Return the service that answers by the champions, in every protocol."""
    return PredictionService(
        champions,
        (*PROTOCOLS, Mcp(champions, describe_model, shared["cors"])),
        default_model=config.default_model,
        max_body_bytes=config.max_body_bytes,
        max_rows=config.max_rows,
        max_in_flight=config.max_in_flight,
        prediction_log=prediction_log,
        more_routes=(*vertex_routes(config), *fragment_routes(config.require_api_key)),
        **shared,
    )


def open_log(config: Config, champions: Champions, metrics: Metrics) -> PredictionLog | None:
    """Return the prediction log, in which challengers answer too where they are to."""
    shadow = Shadow(champions.shadow, metrics.count_shadowed) if config.shadow else None
    return open_prediction_log(config, metrics.count_logged, shadow)


def follow_drift(config: Config, champions: Champions, metrics: Metrics) -> ReadDrift | None:
    """Return what reads reports of drift, which are metrics too; None where nothing is logged."""
    read_drift = open_drift_reports(config)
    if read_drift is not None:
        metrics.attach(DriftMetrics(lambda: list(champions.lives), read_drift))
    return read_drift


def vertex_routes(config: Config) -> tuple[Route, ...]:
    """Return the route by which Vertex AI predicts, where it runs the container."""
    path = config.aip_predict_route
    return (Route("POST", path, PREDICT, v1),) if path else ()


def create_app(config: Config | None = None) -> Flask:
    """Build the WSGI application: every route, the champions loaded and followed."""
    config = config or read_config(os.environ)
    logging.getLogger("werkzeug").addFilter(HideTokens())  # `flask run` logs every path
    parts = wire(config)
    start(parts)
    return build_flask(config, parts)


def build_flask(config: Config, parts: Parts) -> Flask:
    """Build the Flask application."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    attend(app, parts.service.request_ids, parts.cors, parts.observation)
    app.register_blueprint(prediction_blueprint(parts.service))
    _register_inspection(app, config, parts)
    _register_training(app, config, parts)
    _register_feedback(app, config, parts)
    app.register_blueprint(events_blueprint(parts.get_queue, parts.guard))
    _register_versions(app, config, parts)
    app.register_blueprint(health_blueprint(parts.champions, parts.guard))
    app.register_blueprint(metrics_blueprint(parts.metrics, parts.guard))
    app.register_blueprint(
        openapi_blueprint(
            parts.service,
            parts.guard,
            default_model=config.default_model,
            closed=config.require_api_key,
        )
    )
    app.register_blueprint(docs_blueprint())
    app.register_blueprint(links_blueprint())
    app.register_blueprint(pages_blueprint(place_of(config, parts), parts.guard))
    app.register_blueprint(mlflow_blueprint())
    health = config.aip_health_route
    if health and not any(rule.rule == health for rule in app.url_map.iter_rules()):
        app.register_blueprint(vertex_blueprint(parts.champions, config.default_model, health))
    app.extensions["mirante"] = parts
    return app


def place_of(config: Config, parts: Parts) -> Place:
    """Return what pages tell of."""
    documents = open_drift_documents(config)
    return Place(
        parts.champions,
        parts.registry,
        config.default_model,
        config.require_api_key,
        None if documents is None else Watched(documents.report, documents.days),
        Recent(partial(ask_performance, config)).ask,
        Training(parts.get_queue, describe, config.max_upload_bytes),
        Summaries(parts.registry),
    )


def _register_training(app: Flask, config: Config, parts: Parts) -> None:
    most = config.max_upload_bytes
    training = training_blueprint(
        parts.get_queue,
        parts.guard,
        check_order,
        default_model=config.default_model,
        max_upload_bytes=most,
    )
    app.register_blueprint(training)
    app.register_blueprint(describe_blueprint(parts.guard, describe, max_upload_bytes=most))
    scoring = score_blueprint(
        parts.get_queue,
        parts.guard,
        parts.registry.check_there,
        lambda address, field: check_beneath(address, config.score_roots, field),
        max_upload_bytes=most,
    )
    app.register_blueprint(scoring)


def _register_versions(app: Flask, config: Config, parts: Parts) -> None:
    versions = versions_blueprint(
        parts.registry,
        lambda: parts.get_queue().audit,
        parts.guard,
        check_replay=partial(check_replay, config),
    )
    replays = replay_blueprint(
        parts.registry,
        lambda order, who: parts.get_queue().submit(order, who=who),
        partial(read_replay, config),
        parts.guard,
        log_off=None if config.prediction_log else LOG_OFF,
    )
    app.register_blueprint(versions)
    app.register_blueprint(replays)


def _register_feedback(app: Flask, config: Config, parts: Parts) -> None:
    feedback = feedback_blueprint(
        parts.guard,
        partial(keep_feedback, config),
        max_body_bytes=config.max_body_bytes,
        max_rows=config.max_rows,
    )
    app.register_blueprint(feedback)


def _register_inspection(app: Flask, config: Config, parts: Parts) -> None:
    loadable = parts.model_folder if config.model_loading else None
    sagemaker = sagemaker_blueprint(
        parts.champions,
        default_model=config.default_model,
        max_in_flight=config.max_in_flight,
        max_body_bytes=config.max_body_bytes,
        model_folder=loadable,
        multi_model=parts.model_folder is not None,
        models_folder=config.models_folder,
    )
    for blueprint in (
        inspection_blueprint(parts.champions, config.default_model),
        curves_blueprint(parts.champions, config.default_model),
        proto_blueprint(parts.champions),
        models_blueprint(parts.champions, parts.registry, config.default_model),
        performance_blueprint(parts.champions, partial(ask_performance, config)),
        drift_blueprint(parts.champions, parts.read_drift),
        vetiver_blueprint(parts.champions, config.default_model),
        oip_blueprint(Repository(parts.champions, loadable), parts.champions, parts.guard),
        v1_blueprint(parts.champions),
        sagemaker,
    ):
        app.register_blueprint(closed_with_prediction(blueprint, parts.guard, but=OPEN))


def create_asgi(config: Config) -> AsgiApplication:
    """Build the ASGI application; the champions are loaded when its worker starts."""
    start_logging(config.log_level)
    parts = wire(config)
    return _build_asgi(config, parts, build_flask(config, parts), partial(start, parts))


def _build_asgi(
    config: Config, parts: Parts, flask: Flask, on_start: Callable[[], None]
) -> AsgiApplication:
    events = EventStreams(
        parts.get_queue,
        parts.guard,
        parts.service.request_ids,
        parts.cors,
        parts.observation,
    )
    rows = StreamedRows(parts.service, config.body_timeout, parts.cors)
    results = ResultStream(
        parts.get_queue,
        parts.guard,
        parts.service.request_ids,
        parts.cors,
        parts.observation,
    )
    bridge = FlaskBridge(
        flask,
        most_bytes=max(config.max_upload_bytes + ENVELOPE, config.max_body_bytes),
        body_timeout=config.body_timeout,
        may_upload=parts.guard.has_key,
        request_ids=parts.service.request_ids,
        cors=parts.cors,
        observation=parts.observation,
        urgent=URGENT | {config.aip_health_route},
    )
    return AsgiApplication(
        parts.service,
        bridge,
        body_timeout=config.body_timeout,
        streams=(events.find, results.find, rows.find),
        on_start=on_start,
        on_stop=partial(stop, parts),
    )


def start(parts: Parts) -> None:
    """Load the champions and follow them, begin to make spans; both start threads."""
    parts.champions.start()
    if parts.observation.tracing is not None:
        parts.observation.tracing.start()


def stop(parts: Parts) -> None:
    """End what runs beside the requests; count the last of them, and send their spans."""
    parts.champions.stop()
    if parts.prediction_log is not None:
        parts.prediction_log.close()
    parts.metrics.flush()
    if parts.observation.tracing is not None:
        parts.observation.tracing.stop()


def refuse_bad_settings() -> None:
    """End the process with one line if a setting cannot be used; nothing is loaded."""
    try:
        config = read_config(os.environ)
        wire(config)
        check_address(config.database_url)
    except MiranteError as error:
        sys.exit(f"mirante: {error}")


@cache
def _asgi_application() -> AsgiApplication:
    return create_asgi(read_config(os.environ))


@cache
def _wsgi_application() -> Flask:
    return create_app()


_building = threading.Lock()  # the first requests of a threaded server come together


def app(*call: Any) -> Any:
    """Serve ASGI or WSGI, as the server calls.

    The application is built by the first call, which comes after gunicorn's fork.
    """
    if len(call) == 3:
        return _asgi_application()(*call)
    if len(call) != 2:  # uvicorn calls without any, to see whether this is a factory
        raise TypeError("expected the arguments of ASGI or of WSGI")
    with _building:
        application = _wsgi_application()
    return application(*call)


# ASGI servers ask whether it is a coroutine function; it returns a coroutine to them.
if sys.version_info >= (3, 12):
    inspect.markcoroutinefunction(app)
else:
    app._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]

asgi = app


def as_asgi(served: Any) -> Any:
    """Return the ASGI application of what gunicorn has loaded for an ASGI worker."""
    if isinstance(served, Flask):
        config = read_config(os.environ)
        start_logging(config.log_level)
        # `create_app` has loaded the champions already.
        return _build_asgi(config, served.extensions["mirante"], served, lambda: None)
    return served


def main() -> None:
    """Become gunicorn, in the folder of this file; gunicorn's own options may be given."""
    folder = Path(__file__).resolve().parent
    os.chdir(folder)
    # Before gunicorn is imported, which ends with a traceback when WEB_CONCURRENCY is no number.
    refuse_bad_settings()
    if not os.environ.get("WEB_CONCURRENCY"):
        os.environ.pop("WEB_CONCURRENCY", None)
    command = [sys.executable, "-m", "gunicorn", *sys.argv[1:], "app:asgi"]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main()
