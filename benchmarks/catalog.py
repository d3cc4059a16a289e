"""The systems that are compared: how each is prepared, started and asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import bodies
from benchmarks.bodies import Row
from benchmarks.environments import OWN, ROOT, SYSTEMS, WORK

# This service's own models, of which the exported ones are made.
MODELS = WORK / "models"

# The database of its training jobs. Only once it is there does a training worker run.
JOBS = WORK / "jobs.db"


@dataclass(frozen=True, eq=False)
class System:
    """One way to serve the credit forest.

    `serve` and `prepare` are commands whose first word is a program of the
    environment; {port}, {port1}, {port2} and {folder} are filled in, there and
    in `environ`. `approved` takes a decoded answer to P(approved). `sklearn`
    says that scikit-learn itself predicts, `product` that this is a model
    server which people install rather than write.
    """

    name: str
    title: str
    environment: str | None
    serve: tuple[str, ...]
    approved: Callable[[Any], float]
    prepare: tuple[str, ...] = ()
    path: str = "/predict"
    body: Callable[[list[Row]], bytes] = bodies.as_object
    environ: Mapping[str, str] = field(default_factory=dict)
    sklearn: bool = True
    product: bool = False


def _flat(answer: Any) -> float:
    return float(answer["probability"])


def _own(answer: Any) -> float:
    return float(answer["prediction"]["probabilities"]["true"])


def _mirante(workers: int) -> System:
    return System(
        name="mirante" if workers == 1 else f"mirante-{workers}",
        title="Mirante" if workers == 1 else f"Mirante, {workers} workers",
        environment=None,
        serve=(
            *("gunicorn", "--chdir", str(ROOT), "--config", str(ROOT / "gunicorn.conf.py")),
            "app:asgi",
        ),
        approved=_own,
        path="/v0/predict",
        environ={
            "WEB_CONCURRENCY": str(workers),
            "MODEL_STORE": str(MODELS),
            "DATABASE_URL": f"sqlite:///{JOBS}",
            "TRAINING_WORKER": "embedded",
        },
        sklearn=False,
    )


_GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "1")
_UVICORN = ("uvicorn", "--port", "{port}", "--no-access-log", "--log-level", "warning")
_FOREST = ("python", str(SYSTEMS / "credit_forest.py"), str(bodies.TABLE))
_EXPORT = (str(OWN / "python"), "-m", "benchmarks.export", "{folder}")

OURS = _mirante(workers=1)
OURS_TWICE = _mirante(workers=2)

FLOOR = System(
    name="floor",
    title="bare ASGI function",
    environment=None,
    serve=(
        *("gunicorn", "--config", str(ROOT / "gunicorn.conf.py")),
        *("--pythonpath", f"{ROOT},{SYSTEMS}", "bare_asgi:app"),
    ),
    approved=_flat,
    # Nothing but HTTP: no training worker beside it, and none that waits to start one.
    environ={"WEB_CONCURRENCY": "1", "TRAINING_WORKER": "external"},
    sklearn=False,
)

FASTAPI_ONNX = System(
    name="fastapi-onnx",
    title="FastAPI, ONNX by skl2onnx",
    environment="fastapi_onnx",
    serve=(*_UVICORN, "--loop", "uvloop", "--http", "httptools", "fastapi_onnx:app"),
    approved=_flat,
    prepare=_EXPORT,
    sklearn=False,
)

FASTAPI_COMPILED = System(
    name="fastapi-compiled",
    title="FastAPI, our ONNX and runtime",
    environment="fastapi_onnx",
    serve=(*_UVICORN, "--loop", "uvloop", "--http", "httptools", "fastapi_compiled:app"),
    approved=_flat,
    prepare=_EXPORT,
    environ={"PYTHONPATH": f"{SYSTEMS}{os.pathsep}{ROOT}"},
    sklearn=False,
)

FLASK_SYNC = System(
    name="flask-sync",
    title="Flask, gunicorn sync",
    environment="sklearn",
    serve=(*_GUNICORN, "flask_sklearn:app"),
    approved=_flat,
    prepare=(*_FOREST, "joblib"),
)

FLASK_GTHREAD = System(
    name="flask-gthread",
    title="Flask, gunicorn gthread",
    environment="sklearn",
    serve=(*_GUNICORN, "--threads", "4", "flask_sklearn:app"),
    approved=_flat,
    prepare=(*_FOREST, "joblib"),
)

FASTAPI_SKLEARN = System(
    name="fastapi-sklearn",
    title="FastAPI, scikit-learn",
    environment="sklearn",
    serve=(*_UVICORN, "--loop", "uvloop", "--http", "httptools", "fastapi_sklearn:app"),
    approved=_flat,
    prepare=(*_FOREST, "joblib"),
)

MLFLOW = System(
    name="mlflow",
    title="MLflow",
    environment="mlflow",
    serve=(
        *("mlflow", "models", "serve", "--model-uri", "credit_model", "--env-manager", "local"),
        *("--port", "{port}", "--workers", "1"),
    ),
    approved=lambda answer: float(answer["predictions"][0][1]),
    prepare=(*_FOREST, "mlflow"),
    path="/invocations",
    body=bodies.as_split,
    environ={"UVICORN_ACCESS_LOG": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
    product=True,
)

BENTOML = System(
    name="bentoml",
    title="BentoML",
    environment="bentoml",
    serve=("bentoml", "serve", "bentoml_service:Credit", "--port", "{port}"),
    approved=lambda answer: float(answer[0]),
    prepare=(*_FOREST, "bentoml"),
    body=bodies.as_named_rows,
    environ={"BENTOML_HOME": "{folder}", "BENTOML_DO_NOT_TRACK": "True"},
    product=True,
)

MLSERVER = System(
    name="mlserver",
    title="MLServer",
    environment="mlserver",
    serve=("mlserver", "start", "."),
    approved=lambda answer: float(answer["outputs"][0]["data"][1]),
    prepare=(*_FOREST, "joblib"),
    path="/v2/models/credit/infer",
    body=bodies.as_tensors,
    environ={
        "MLSERVER_HTTP_PORT": "{port}",
        "MLSERVER_GRPC_PORT": "{port1}",
        "MLSERVER_METRICS_PORT": "{port2}",
        "MLSERVER_DEBUG": "false",
        # One process: the leaner of its two settings for one model.
        "MLSERVER_PARALLEL_WORKERS": "0",
    },
    product=True,
)

COMPARED = (
    OURS,
    OURS_TWICE,
    FLOOR,
    FASTAPI_COMPILED,
    FASTAPI_ONNX,
    FASTAPI_SKLEARN,
    FLASK_GTHREAD,
    FLASK_SYNC,
    MLFLOW,
    BENTOML,
    MLSERVER,
)
