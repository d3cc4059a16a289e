"""A Flask application of the training and lifecycle routes, over a real queue and registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from jobs.database import JobsDatabase
from jobs.queue import JobQueue
from persistence.registry import Registry
from persistence.stores.memory import MemoryStore
from serving.auth import Guard, KeyRing, new_key
from serving.cors import Cors
from serving.http.routes.describe import describe_blueprint
from serving.http.routes.events import events_blueprint
from serving.http.routes.train import training_blueprint
from serving.http.routes.versions import CheckReplay, versions_blueprint
from serving.http.wsgi import attend
from serving.metrics import Metrics
from serving.observation import Observation
from serving.request_ids import RequestIds
from worker import check_order, describe

MOST = 100_000


@dataclass
class Lifecycle:
    """The application's parts, and a key of each scope: `tokens["train"]`."""

    client: FlaskClient
    queue: JobQueue
    registry: Registry
    guard: Guard
    tokens: Mapping[str, str]

    def as_(self, scope: str, **more: str) -> dict[str, str]:
        """Return the headers of a caller with this scope."""
        return {"Authorization": f"Bearer {self.tokens[scope]}", **more}


def make_lifecycle(
    folder: Path, check_replay: CheckReplay | None = None, **options: Any
) -> Lifecycle:
    """Build it over an empty database in the folder; options are the queue's."""
    made = {scope: new_key(f"{scope}er", [scope]) for scope in ("predict", "train", "admin")}
    guard = Guard(KeyRing([key.entry() for _, key in made.values()]))
    queue = JobQueue(JobsDatabase(f"sqlite:///{folder}/jobs.db"), **options)
    registry = Registry(MemoryStore())
    app = Flask("lifecycle", static_folder=None)
    attend(app, RequestIds(), Cors(("*",)), Observation(Metrics(), 0.0))
    training = training_blueprint(
        lambda: queue, guard, check_order, default_model="credit", max_upload_bytes=MOST
    )
    app.register_blueprint(training)
    # The artifacts of these tests are of bytes that nothing can load.
    versions = versions_blueprint(
        registry, lambda: queue.audit, guard, Registry.promote, check_replay
    )
    app.register_blueprint(versions)
    app.register_blueprint(describe_blueprint(guard, describe, max_upload_bytes=MOST))
    app.register_blueprint(events_blueprint(lambda: queue, guard))
    tokens = {scope: token for scope, (token, _) in made.items()}
    return Lifecycle(app.test_client(), queue, registry, guard, tokens)
