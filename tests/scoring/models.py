"""Small models for the tests of scoring: one that adds up, made without training."""

from __future__ import annotations

import json
from typing import Any

from persistence.artifact import Artifact, Manifest, Members, RuntimeInfo
from persistence.model_persistence import Model
from tables.rows import RowCodec
from tables.schema import Schema
from tests.serving.factory import SIGNATURE, Sum


def make_model(schema: Schema = SIGNATURE, info: dict[str, Any] | None = None) -> Model:
    """Return a model whose probability of the last class is the sigmoid of age / 100."""
    manifest = Manifest(
        name="credit",
        version="20261123t000000z-000001",
        created_at="2026-11-23T00:00:00Z",
        label=schema.target.name,
        classes=schema.target.classes,
        runtime=RuntimeInfo("sum", True),
        libraries={},
    )
    members = Members({"info.json": json.dumps(info or {}).encode()}, signed=True)
    artifact = Artifact(manifest, members, "0" * 64)
    return Model(artifact, schema, RowCodec(schema), Sum(len(schema.target.classes)))
