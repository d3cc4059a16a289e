"""Live models and services over a runtime that adds up: serving is tested without training."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from learning.prediction import Outputs
from persistence.artifact import Manifest, RuntimeInfo
from serving.champions import Champions, Live
from serving.cors import Cors
from serving.exchange import Answer, Exchange
from serving.metrics import Metrics
from serving.observation import Observation
from serving.protocols import v0
from serving.service import PredictionService
from tables.batch import Batch
from tables.rows import RowCodec
from tables.schema import Feature, Schema, Target

SIGNATURE = Schema(
    (
        Feature("age", "integer", example=30),
        Feature("income", "number", nullable=True, example=12.5),
        Feature("home", "category", True, ("owner", "rent"), {"aluguel": "rent"}, example="rent"),
        Feature("records", "boolean", example=False),
    ),
    Target("approved", (False, True)),
)
ROW: dict[str, Any] = {"age": 30, "income": 12.5, "home": "rent", "records": "no"}


class Sum:
    """A runtime whose probability of the last class is the sigmoid of age / 100."""

    name = "sum"
    compiled = True

    def __init__(self, classes: int = 2, *, quick: bool = True) -> None:
        self.quick = quick
        self._classes = classes

    def outputs(self, batch: Batch) -> Outputs:
        """Return `[n, k]` probabilities."""
        if batch.matrix.shape[1]:
            score = batch.matrix[:, 0].astype(np.float64)
        else:
            score = np.array([len(text) for text in batch.texts[0]], dtype=np.float64)
        last = 1 / (1 + np.exp(-score / 100))
        rest = np.repeat(((1 - last) / (self._classes - 1))[:, None], self._classes - 1, axis=1)
        return np.hstack([rest, last[:, None]])


def make_live(
    name: str = "credit",
    version: str = "20261123t000000z-000001",
    schema: Schema = SIGNATURE,
    *,
    protocols: tuple[str, ...] = (),
    quick: bool = True,
    extra: dict[str, Any] | None = None,
) -> Live:
    """Return a live model that predicts with Sum."""
    manifest = Manifest(
        name=name,
        version=version,
        created_at="2026-11-23T00:00:00Z",
        label=schema.target.name,
        classes=schema.target.classes,
        runtime=RuntimeInfo("sum", True),
        libraries={},
        protocols=protocols,
        extra=extra or {},
    )
    runtime = Sum(len(schema.target.classes), quick=quick)
    codec = RowCodec(schema)
    return Live(name, version, manifest, schema, codec, runtime, {}, {"roc_auc": 0.5}, "0" * 64)


class NoRegistry:
    """A registry that holds nothing: the live models are put in by hand."""

    def names(self) -> list[str]:
        """Return no names."""
        return []


def make_champions(*lives: Live) -> Champions:
    """Return champions that are these live models and follow nothing."""
    champions = Champions(NoRegistry())  # type: ignore[arg-type]
    champions._live.update({live.name: live for live in lives})
    return champions


def make_service(
    *lives: Live, protocols: Iterable[Any] = (v0,), **options: Any
) -> PredictionService:
    """Return a service over these live models (one credit model if none is given)."""
    metrics = Metrics()
    settings: dict[str, Any] = {
        "default_model": "credit",
        "max_body_bytes": 100_000,
        "max_rows": 1_000,
        "max_in_flight": 8,
        "guard": None,
        "cors": Cors(("*",)),
        "observation": Observation(metrics, 0.0),
    }
    champions = make_champions(*(lives or (make_live(),)))
    return PredictionService(champions, protocols, **(settings | options))


def make_exchange(
    service: PredictionService, path: str, body: bytes = b"", method: str = "POST", **headers: str
) -> Exchange:
    """Return the exchange of a request, its body read; underscores in header names are dashes."""
    named = {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()}
    path, _, query = path.partition("?")
    found = service.match(method, path)
    assert found is not None, f"no protocol has the route {method} {path}"
    exchange = service.begin(found[0], named, query.encode(), **found[1])
    exchange.body = body
    return exchange


def ask(
    service: PredictionService, path: str, body: Any, method: str = "POST", **headers: Any
) -> Answer:
    """Return the service's answer to a request; a body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    exchange = make_exchange(service, path, method=method, **headers)
    return service.serve(exchange, lambda: raw)
