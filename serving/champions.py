"""The live champions: loaded, predicting, and swapped while they serve.

A champion is replaced by one assignment, after the new artifact has been read,
verified, loaded and has answered its golden rows. A request looks its model up
once and keeps it, so that no answer mixes two versions.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Protocol, TypeVar

import msgspec
import numpy as np

from errors import MiranteError, ModelFault, ModelNotReady, ModelUnknown, VersionUnknown
from learning.explaining import explainer
from learning.explaining.explainer import Explainer
from learning.intervals import INTERVALS, Intervals, LevelError
from learning.prediction import Runtime
from learning.task import Task
from learning.tasks import task_of
from persistence.artifact import Artifact, Manifest
from persistence.model_persistence import load_proven
from persistence.registry import Alias
from serving.refusals import RequestError
from tables.batch import Batch, joined
from tables.rows import RowCodec
from tables.schema import Schema

log = logging.getLogger("mirante.champions")

Made = TypeVar("Made")

# What a model's task predicts: each task has a type of its own.
Prediction = Any

# Members that the pages of a model tell of; those of a release before may not be there.
KEPT = ("training.profile", "quality.json", "histograms.json", "curves.json", "rows.json")

# Under this name stand the faults of the store as a whole; it may be a model's too.
REGISTRY = "registry"
# Seconds between two looks for a new challenger: nobody waits for its answers.
SHADOW_SECONDS = 15.0


class ModelSource(Protocol):
    """What the champions need of a registry."""

    def shown(self, known: Iterable[str] = ()) -> list[str]:
        """Return the names of the models that there are.

        Raises StoreUnavailable where none is to be seen, and `known` ones were there.
        """
        ...

    def champion(self, name: str) -> Alias | None:
        """Return the champion alias of a model, or None."""
        ...

    def read(self, name: str, version: str, sha256: str | None = None) -> Artifact:
        """Return a verified artifact."""
        ...


@dataclass(frozen=True)
class Live:
    """A loaded champion: everything that a request needs of its model.

    `info` and `metrics` are what the artifact keeps of them, `sha256` (hex) is
    that of the whole artifact. `explainer` explains its answers, if anything does. `kept` are
    the artifact's members that pages tell of, as they were read.
    """

    name: str
    version: str
    manifest: Manifest
    schema: Schema
    codec: RowCodec
    runtime: Runtime
    info: dict[str, Any] = field(repr=False)
    metrics: dict[str, Any] = field(repr=False)
    sha256: str
    explainer: Explainer | None = field(default=None, repr=False)
    kept: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    _memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def remember(self, what: str, make: Callable[[Live], Made]) -> Made:
        """Return what `make` makes of the model; made once, and kept as long as it lives."""
        if what not in self._memory:
            self._memory[what] = make(self)
        made: Made = self._memory[what]
        return made

    def predict(self, batch: Batch) -> Prediction:
        """Return the prediction for encoded rows, rounded as the model's task has it.

        Raises ModelFault.
        """
        outputs = self.runtime.outputs(batch)
        # NaN and infinity stay in a sum, and one sum is the cheapest way to look at all.
        if not math.isfinite(outputs.sum()):
            log.error("no number", extra={"model": self.name, "version": self.version})
            raise ModelFault(f"model {self.name} answers NaN or infinity: promote another version")
        prediction: Prediction = self.task.predict(outputs)
        return prediction

    @cached_property
    def task(self) -> Task:
        """The task, which knows what is predicted and how it is rendered."""
        return task_of(self.schema.target)

    def within(self, prediction: Prediction, level: float) -> Prediction:
        """Return the prediction with the interval of each row. Raises RequestError."""
        if self.intervals is None:
            raise RequestError(
                "interval: expected a model of a quantity, trained by a release that has intervals"
            )
        values = np.array(prediction.values)
        try:
            bounds = self.intervals.bounds(values, level)
        except LevelError as error:
            raise RequestError(str(error)) from None
        within: Prediction = self.task.within(prediction, bounds)
        return within

    @cached_property
    def intervals(self) -> Intervals | None:
        """How far the quantity is from what is predicted, if the model keeps that."""
        kept = self.info.get(INTERVALS)
        return msgspec.convert(kept, Intervals) if kept else None

    def predict_together(self, batches: Sequence[Batch]) -> list[Prediction]:
        """Return the prediction of each of several batches, made in one call."""
        prediction = self.predict(joined(batches))
        starts = accumulate((len(batch.matrix) for batch in batches), initial=0)
        return [self.task.part(prediction, start, end) for start, end in pairwise(starts)]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The classes as JSON object keys, in the label's order."""
        return self.schema.target.keys


def load_live(artifact: Artifact) -> Live:
    """Make a live model of a verified artifact.

    Raises ArtifactDamaged when the loaded model does not answer the golden rows
    as it did when it was trained.
    """
    model = load_proven(artifact)
    # The artifact itself is not kept: the model's bytes would be held twice.
    return Live(
        model.name,
        model.version,
        artifact.manifest,
        model.schema,
        model.codec,
        model.runtime,
        model.info,
        model.metrics,
        artifact.sha256,
        explainer.load(artifact.members, model.runtime, model.schema),
        {name: artifact.members[name] for name in KEPT if name in artifact.members},
    )


# gunicorn replaces a worker that has not begun to serve after 30 s.
START_SECONDS = 10.0
LOADING = "the models are being loaded"


class Champions:
    """Follows the champion alias of every model named.

    `names` are the models to follow; none named means all that the registry has.
    `on_load(name, outcome)` is called after every swap and every failed load; `keeps_words`
    is what the codecs are told (see `tables.rows`). `challenger` gives the challenger's alias of
    a model, where it is to be loaded too.
    """

    def __init__(
        self,
        registry: ModelSource,
        *,
        names: tuple[str, ...] = (),
        poll_seconds: float = 2.0,
        on_load: Callable[[str, str], None] = lambda name, outcome: None,
        keeps_words: bool = False,
        challenger: Callable[[str], Alias | None] | None = None,
    ) -> None:
        self._challenger = challenger
        self._shadows: dict[str, Live] = {}
        self._looked = float("-inf")
        self._registry = registry
        self._names = names
        self._poll_seconds = poll_seconds
        self._on_load = on_load
        self._keeps_words = keeps_words
        self._live: dict[str, Live] = {}
        self._faults: dict[str, str] = {}
        self._is_loading = False
        self._refreshing = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def live(self, name: str) -> Live:
        """Return the live champion. Raises ModelUnknown, or ModelNotReady when it cannot load."""
        found = self._live.get(name)
        if found is not None:
            return found
        if name in self._faults or name in self._names:
            raise ModelNotReady(f"model {name} is not loaded")
        if self._is_loading:
            raise ModelNotReady(f"{LOADING}; try again in a few seconds")
        if REGISTRY in self._faults:
            raise ModelNotReady("no model of that name is loaded, and the store cannot be seen")
        raise ModelUnknown(f"there is no model of that name; there are {self._listing()}")

    def shadow(self, name: str) -> Live | None:
        """Return the loaded challenger of a model, None where there is none."""
        return self._shadows.get(name)

    def live_version(self, name: str, version: str | None) -> Live:
        """Return the live champion, which must be that version if one is named.

        Raises VersionUnknown, and as `live` does.
        """
        live = self.live(name)
        if version is not None and version != live.version:
            raise VersionUnknown("that version is not the one that is live")
        return live

    def live_with_protocol(self, protocol: str) -> Live:
        """Return the live champion whose manifest declares `protocol`. Raises ModelUnknown."""
        for live in self._live.values():
            if protocol in live.manifest.protocols:
                return live
        raise ModelUnknown(f"no loaded model has the face {protocol}")

    @property
    def lives(self) -> dict[str, Live]:
        """The live champions by name."""
        return dict(self._live)

    @property
    def ready(self) -> bool:
        """Whether models are live, and none is missing of those that are followed."""
        missing = self._faults.keys() - self._live.keys() - {REGISTRY}
        return bool(self._live) and not missing and not self._is_loading

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong now, by model (or by `registry`): one line each."""
        loading = {REGISTRY: LOADING} if self._is_loading else {}
        return loading | self._faults

    def start(self, patience: float = START_SECONDS) -> None:
        """Load every champion and follow them, from a thread of its own.

        Returns when they are loaded, or after `patience` seconds: a store that does not
        answer is no reason not to start, and until it does nothing is ready.
        """
        looked = threading.Event()
        self._is_loading = True
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._follow, args=(looked,), name="mirante-follow", daemon=True
        )
        self._thread.start()
        looked.wait(patience)

    def stop(self) -> None:
        """Stop following; what is live stays live."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _follow(self, looked: threading.Event) -> None:
        self.refresh()
        self._is_loading = False
        looked.set()
        while not self._stopping.wait(self._poll_seconds):
            self.refresh()

    def refresh(self) -> None:
        """Look at every alias once and swap what has changed."""
        # Two at once: one would forget what the other has just loaded.
        with self._refreshing:
            self._refresh()

    def _refresh(self) -> None:
        try:
            known = self._live.keys() | self._faults.keys() - {REGISTRY}
            names = self._names or tuple(self._registry.shown(known))
            self._recovered(REGISTRY)
        except Exception as error:  # whatever a store raises, the champions serve on
            self._failed(REGISTRY, error)
            return
        for name in names:
            self._refresh_one(name)
        if not self._names:
            self._forget(set(names))
        if self._challenger is not None and time.monotonic() - self._looked > SHADOW_SECONDS:
            self._looked = time.monotonic()
            self._shadows = {n: found for n in self._live if (found := self._shadow_of(n))}

    def _refresh_one(self, name: str) -> None:
        try:
            alias = self._registry.champion(name)
            current = self._live.get(name)
            if alias is None:
                if current is None and name not in self._names:
                    return  # registered, never promoted: nobody needs it yet
                raise ModelNotReady(f"model {name} has no champion")
            if current is None or (current.version, current.sha256) != (
                alias.version,
                alias.sha256,
            ):
                self._swap(name, alias)
            self._recovered(name)
        except Exception as error:  # the old champion stays, whatever the new one is made of
            self._failed(name, error)

    def _shadow_of(self, name: str) -> Live | None:
        current = self._shadows.get(name)
        try:
            alias = self._challenger(name) if self._challenger else None
            if alias is None:
                return None
            if current is None or current.sha256 != alias.sha256:
                current = load_live(self._registry.read(name, alias.version, alias.sha256))
                log.info("challenger loaded", extra={"model": name, "version": current.version})
        except Exception as error:  # it answers nobody: the champion serves on without it
            line = str(error) if isinstance(error, MiranteError) else type(error).__name__
            log.warning("no challenger: %s", line, extra={"model": name})
        return current

    def _swap(self, name: str, alias: Alias) -> None:
        live = load_live(self._registry.read(name, alias.version, alias.sha256))
        live.codec.keeps_words = self._keeps_words
        # One assignment: a request has either the old one or the new one.
        self._live[name] = live
        log.info("model loaded", extra={"model": name, "version": live.version})
        self._on_load(name, "loaded")

    def _forget(self, names: set[str]) -> None:
        for name in set(self._live) - names:
            del self._live[name]
        for name in set(self._faults) - names - {REGISTRY}:
            del self._faults[name]

    def _failed(self, name: str, error: Exception) -> None:
        line = str(error) if isinstance(error, MiranteError) else type(error).__name__
        if self._faults.get(name) != line:
            # Said once, not at every poll.
            known = isinstance(error, MiranteError)
            log.error(
                "cannot load: %s", line, extra={"model": name}, exc_info=None if known else error
            )
            self._on_load(name, "failed")
        self._faults[name] = line

    def _recovered(self, name: str) -> None:
        if self._faults.pop(name, None) is not None:
            log.info("recovered", extra={"model": name})

    def _listing(self) -> str:
        return ", ".join(sorted(self._live)) or "none yet"
