"""The subject of a page: a version of a model, and what its artifact keeps for pages to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from errors import ArtifactDamaged
from learning import curves, histograms, profile, quality, shown_rows
from learning.curves import Curve
from learning.histograms import Histograms
from learning.profile import Profile
from learning.quality import Quality
from learning.shown_rows import ShownRows
from persistence.artifact import Artifact
from serving.champions import KEPT, Live
from tables.schema import Schema

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Subject:
    """A version, live or not; of an older release's artifact, what is not there is None."""

    name: str
    version: str
    created_at: str
    training_rows: int
    schema: Schema
    info: Mapping[str, Any] = field(repr=False)
    metrics: Mapping[str, Any] = field(repr=False)
    kept: Mapping[str, bytes] = field(repr=False)

    @cached_property
    def quality(self) -> Quality | None:
        """What came of the hold-out."""
        return _read(quality.load, self.kept, None)

    @cached_property
    def histograms(self) -> Histograms | None:
        """How each feature is distributed in training."""
        return _read(histograms.load, self.kept, None)

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """How the answer changes with a feature."""
        return _read(curves.load, self.kept, {})

    @cached_property
    def profile(self) -> Profile | None:
        """The sketches that traffic is compared with."""
        return _read(profile.load, self.kept, None)

    @cached_property
    def rows(self) -> ShownRows | None:
        """Rows of the hold-out that may be shown."""
        return _read(shown_rows.load, self.kept, None)


def subject_of(live: Live) -> Subject:
    """Return a live champion as a subject; what it keeps is read once."""
    return live.remember("subject", _of_live)


def subject_of_artifact(artifact: Artifact) -> Subject:
    """Return a version that is not live. Raises ArtifactDamaged."""
    manifest, members = artifact.manifest, artifact.members
    return Subject(
        manifest.name,
        manifest.version,
        manifest.created_at,
        manifest.training_rows,
        artifact.schema,
        artifact.document("info.json"),
        artifact.document("metrics.json"),
        {name: members[name] for name in KEPT if name in members},
    )


def _of_live(live: Live) -> Subject:
    return Subject(
        live.name,
        live.version,
        live.manifest.created_at,
        live.manifest.training_rows,
        live.schema,
        live.info,
        live.metrics,
        live.kept,
    )


def _read(
    load: Callable[[Mapping[str, bytes]], Kept], members: Mapping[str, bytes], none: Kept
) -> Kept:
    """Return what a member keeps; what another release wrote otherwise is as if not there."""
    try:
        return load(members)
    except ArtifactDamaged:
        return none
