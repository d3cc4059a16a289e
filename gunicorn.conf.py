"""How gunicorn runs the service, on a dyno and on a desk alike: `gunicorn app:asgi`.

Each setting has its reason; the names are explained at
https://docs.gunicorn.org/en/stable/settings.html
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# `gunicorn --config` may be typed in any folder: what stands beside this file is found anyway.
_here = str(Path(__file__).resolve().parent)
if _here not in sys.path:
    sys.path.insert(0, _here)

from config import read_config  # noqa: E402
from errors import MiranteError  # noqa: E402

try:
    _config = read_config(os.environ)
except MiranteError as _error:
    sys.exit(f"mirante: {_error}")

# A dyno's router comes from outside the dyno; on a desk nobody else is meant to reach the service.
# Containers set HOST=0.0.0.0. https://devcenter.heroku.com/articles/dynos#local-environment-variables
_on_dyno = bool(os.environ.get("DYNO"))
_host = (os.environ.get("HOST") or ("0.0.0.0" if _on_dyno else "127.0.0.1")).strip("[]")  # noqa: S104
_port = _config.http_port
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"

workers = _config.web_concurrency

# uvloop and httptools: the fastest of the measured pairs. https://github.com/Kludex/uvicorn-worker
worker_class = "serving.http.gunicorn_worker.MiranteWorker"

# The imports are made once and shared by the workers' memory. onnxruntime is imported and models
# are loaded after the fork: a session made before it aborts its worker at exit, and a worker that
# inherits the bare import was seen to hang there, waiting for a thread that was not forked.
# A factory, `app:create_app()`, loads them where it is called: it is called in the workers.
preload_app = not any(word.endswith(")") for word in sys.argv)

# A worker whose event loop stands still this long is replaced; the router gives up at 30 s as well.
# https://devcenter.heroku.com/articles/request-timeout
timeout = 30

# Beyond so many connections, those that wait for their clients are closed, silent longest first.
worker_connections = _config.max_connections

# A dyno has 30 s from SIGTERM to SIGKILL. https://devcenter.heroku.com/articles/dynos#shutdown
graceful_timeout = 20

# Longer than the 90 s that the router keeps an idle connection, so that it never sends a request
# into a connection that is being closed. https://devcenter.heroku.com/articles/http-routing#keepalives
keepalive = 95

# Workers touch a file to show that they live; on a disk that can block them.
# https://docs.gunicorn.org/en/stable/faq.html#how-do-i-avoid-gunicorn-excessively-blocking-in-os-fchmod
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# The last address in X-Forwarded-For that is not a router's is the client's; what stands before it
# the client may have made up. "*" would believe that. https://uvicorn.dev/deployment/#proxies-and-forwarded-headers
# A dyno is reached by the router alone. Its environment has no say: the buildpack exports
# FORWARDED_ALLOW_IPS='*' into every dyno, whatever was set. GUNICORN_CMD_ARGS overrules this.
forwarded_allow_ips = (
    "10.0.0.0/8" if _on_dyno else os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"
)

# Nobody administers a dyno through a socket in its file system.
control_socket_disable = True

# One line of access log a request is the service's own affair (sampled, JSON); errors go to stderr.
accesslog = None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL") or "info"


# PyArrow's own allocator keeps what a long body took, four times the body's size; the C library's
# gives it back when it is told to (serving/memory.py). It reads this when it is imported.
# https://arrow.apache.org/docs/cpp/env_vars.html
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# Metrics that are true across the workers are files that each worker maps and any of them reads.
# The variable must stand before prometheus_client is imported, hence here and not in a hook.
# https://prometheus.github.io/client_python/multiprocess/
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_OURS = f"mirante-metrics-{os.getpid()}-"  # of this master, also when HUP reads this file again
if _OURS not in os.environ.get(_METRICS, ""):
    os.environ[_METRICS] = str(Path(tempfile.gettempdir()) / (_OURS + secrets.token_hex(8)))


def on_starting(server: Any) -> None:
    """Refuse a setting or an address that cannot be used.

    A refusal is one line here, before any worker is tried; --check-config does not come here.
    """
    from app import refuse_bad_settings

    _make_local_key(server)
    refuse_bad_settings()
    if "GUNICORN_FD" not in os.environ:  # USR2: this master takes its address over from another
        _refuse_bad_addresses(server.cfg.address)
    _provide_first_model(server)


def _refuse_bad_addresses(addresses: list[Any]) -> None:
    """End the process if it cannot listen where it should; gunicorn tries for five seconds."""
    for host, port, *_ in (where for where in addresses if isinstance(where, tuple)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
                probe.listen()
        except OSError as error:
            reason = (error.strerror or "not an address").lower()
            sys.exit(f"mirante: HOST, PORT: cannot listen on port {port}: {reason}")


def _provide_first_model(server: Any) -> None:
    """Fill an empty store, once and before any worker answers; a later start finds it filled."""
    from first_model import provide_elsewhere, provide_first_model

    if "://" in _config.store_address:
        provide_elsewhere(server.log.info)
    else:
        provide_first_model(_config, server.log.info)


def _make_local_key(server: Any) -> None:
    """Where only this machine can ask and no key is set up, make one for this run and print it."""
    from serving.auth import KEY_FILE, local_key

    file = os.environ.get("API_KEYS_FILE") or KEY_FILE
    # Of the addresses really listened on: --bind overrules what is said above.
    hosts = {where[0] if isinstance(where, tuple) else "" for where in server.cfg.address}
    host = hosts.pop() if len(hosts) == 1 else ""
    try:
        made = local_key(host, os.environ.get("API_KEYS"), file)
    except MiranteError as error:
        sys.exit(f"mirante: {error}")
    if made is not None:
        token, os.environ["API_KEYS"] = made
        # A journal is read by more people than a terminal.
        shown = token if sys.stderr.isatty() else _kept_for_its_owner(token, Path(file).parent)
        server.log.info("API key for this run, with every scope: %s", shown)


def _kept_for_its_owner(token: str, folder: Path) -> str:
    """Write the key of this run where its owner alone reads it, and say where that is."""
    file = folder / "run_key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(f"{token}\n")
    except OSError:
        return "shown on a terminal alone"
    return f"in {file}"


def when_ready(server: Any) -> None:
    """Say where the service answers, as soon as its socket listens, and make what it needs."""
    # Not before: a start whose port is taken would leave it behind.
    Path(os.environ[_METRICS]).mkdir(mode=0o700)
    for host, port, *_ in (where for where in server.address if isinstance(where, tuple)):
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        shown = f"[{here}]" if ":" in here else here
        scheme = "https" if server.cfg.is_ssl else "http"
        server.log.info("Mirante answers on %s://%s:%s", scheme, shown, port)
    # The runtime of nearly every champion: imported once here, a tenth less memory for two workers.
    importlib.import_module("learning.runtimes.onnx")
    _start_trainer(server)
    if hasattr(server.worker_class, "prepare_stop"):  # another --worker-class has none
        server.worker_class.prepare_stop(server)
    # What was imported so far is never garbage: left unmarked, it stays shared after the fork.
    # https://docs.python.org/3.11/library/gc.html#gc.freeze
    gc.freeze()


def _start_trainer(server: Any) -> None:
    """Start the training worker of a single dyno; it ends when this process does."""
    from worker import start_embedded

    if _config.training_worker == "embedded":
        at_once = bool(_config.prediction_log)  # drift is looked at without a job, too
        server.trainer = start_embedded(_config.database_url, at_once)


def post_worker_init(worker: Any) -> None:
    """Let a Flask application, as `app:create_app()` makes one, be served as `app:asgi` is."""
    from app import as_asgi

    worker.wsgi = as_asgi(worker.wsgi)


def child_exit(server: Any, worker: Any) -> None:
    """Drop the gauges of a worker that is gone."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Remove the metrics of this run, and wait until the training worker gave its job back."""
    shutil.rmtree(os.environ[_METRICS], ignore_errors=True)
    trainer = getattr(server, "trainer", None)
    if trainer is not None:
        trainer.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):  # then the end of this process ends it
            trainer.wait(graceful_timeout)
