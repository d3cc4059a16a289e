"""The gRPC process: the Open Inference Protocol and a typed service a model, on GRPC_PORT."""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from config import Config, read_config
from errors import ConfigError, DependencyError, MiranteError
from monitoring.shadow import Shadow
from persistence.opening import open_registry
from serving.auth import Guard, KeyRing
from serving.champions import Champions
from serving.cors import Cors
from serving.logs import start_logging
from serving.metrics import Metrics
from serving.model_folder import ModelFolder, open_model_folder
from serving.observation import Observation
from serving.service import PredictionService
from serving.tracing import Tracing, tracing_of
from worker import open_challengers, open_prediction_log

if TYPE_CHECKING:
    from monitoring.prediction_log import PredictionLog
    from serving.grpc.server import GrpcServer

INSTALL = "gRPC is not installed; to install it: pip install -r requirements-grpc.txt"
# Seconds for the calls under way, after SIGTERM.
GRACE = 20.0


def make_server(
    config: Config,
    champions: Champions,
    tracing: Tracing | None = None,
    prediction_log: PredictionLog | None = None,
    folder: ModelFolder | None = None,
) -> GrpcServer:
    """Return the server, not started.

    Raises ConfigError for files or an address that it cannot have, and
    DependencyError when gRPC is not installed.
    """
    if not all(map(find_spec, ("grpc", "grpc_health", "grpc_reflection"))):
        raise DependencyError(INSTALL)
    from serving.grpc.server import GrpcServer

    try:
        return GrpcServer(
            make_service(config, champions, tracing, prediction_log),
            f"{config.host}:{config.grpc_port}",
            folder=folder if config.model_loading else None,
            threads=config.grpc_threads,
            certificate=read_pem("GRPC_CERTIFICATE", config.grpc_certificate),
            key=read_pem("GRPC_PRIVATE_KEY", config.grpc_private_key),
        )
    except OSError as error:
        raise ConfigError(f"HOST, GRPC_PORT: {error}") from None


def make_service(
    config: Config,
    champions: Champions,
    tracing: Tracing | None = None,
    prediction_log: PredictionLog | None = None,
) -> PredictionService:
    """Return the prediction service; its protocols are gRPC's own."""
    ring = KeyRing(config.api_keys, config.api_keys_file)
    return PredictionService(
        champions,
        (),
        default_model=config.default_model,
        max_body_bytes=config.max_body_bytes,
        max_rows=config.max_rows,
        max_in_flight=config.max_in_flight,
        guard=Guard(ring, require_for_prediction=config.require_api_key),
        cors=Cors(()),
        observation=Observation(Metrics(), config.access_log_sample, tracing),
        prediction_log=prediction_log,
    )


def read_pem(setting: str, path: str) -> bytes:
    """Return a PEM file's bytes, none where no file is named. Raises ConfigError."""
    if not path:
        return b""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: the file cannot be read: {error.strerror}") from None


def serve(config: Config, stopping: threading.Event) -> None:
    """Serve until `stopping` is set, then end the calls under way."""
    where = config.models_folder
    folder = open_model_folder(where, config.registry) if where else None
    champions = Champions(
        folder or open_registry(**config.registry),
        challenger=open_challengers(config),
        **config.following,
    )
    if folder is not None:
        folder.serve(champions)
    tracing = tracing_of(**config.tracing)
    shadow = Shadow(champions.shadow, lambda outcome, rows: None) if config.shadow else None
    prediction_log = open_prediction_log(config, lambda outcome, rows: None, shadow)
    server = make_server(config, champions, tracing, prediction_log, folder)
    champions.start()
    if tracing is not None:
        tracing.start()
    server.start()
    print(f"gRPC on {config.host}:{server.port}", flush=True)
    while not stopping.wait(config.poll_seconds):
        server.update_health()
    server.stop(GRACE)
    champions.stop()
    if prediction_log is not None:
        prediction_log.close()
    if tracing is not None:
        tracing.stop()


def main() -> int:
    """Serve until SIGTERM or SIGINT; a fault that is known is one line."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        config = read_config(os.environ)
        start_logging(config.log_level)
        serve(config, stopping)
    except MiranteError as error:
        print(f"mirante: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
