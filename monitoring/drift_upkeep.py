"""What the worker does every hour: looks at each model's new rows, and writes its report.

PyArrow and the models' artifacts are read here: a web process never imports this module.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from errors import ArtifactError, ModelUnknown
from learning.profile import load
from learning.tasks import task_of
from monitoring.drift_documents import DriftDocuments
from monitoring.drift_report import report, without_profile
from monitoring.drift_rows import columns_of, values_of
from monitoring.drift_state import State, absorb, drop_old, first_state
from monitoring.drift_watch import Watch
from monitoring.reading import LogReader, outputs_of
from monitoring.truths import Known
from persistence.artifact import Artifact
from persistence.registry import Registry

log = logging.getLogger("mirante.drift")

# Rows reach the log so much later, at most, if all goes well: those of this machine, and
# those of others, in a log that is elsewhere.
LATE, LATE_ELSEWHERE = timedelta(seconds=10), timedelta(minutes=15)
MICROSECONDS = 1e6


# Gives the rows of a model's version whose truth came between two moments.
Truths = Callable[[str, str, datetime, datetime], Iterator[Known]]


class DriftUpkeep:
    """Looks at the champions of a registry by a log.

    `late` is how long rows may take to reach the log, `truths` gives what came true.
    """

    def __init__(
        self,
        registry: Registry,
        reader: LogReader,
        documents: DriftDocuments,
        late: timedelta = timedelta(),
        truths: Truths | None = None,
    ) -> None:
        self._registry = registry
        self._reader = reader
        self._documents = documents
        self._late = late
        self._truths = truths

    def look(self, models: list[str], now: datetime) -> list[str]:
        """Look at models and return those that have a new report. Raises StoreUnavailable."""
        written = []
        for name in models:
            try:
                artifact = self._registry.read_champion(name)[1]
            except (ModelUnknown, ArtifactError) as error:
                log.warning("drift of %s is not looked at: %s", name, error)
                continue
            if self._look_at(name, artifact, now):
                written.append(name)
        return written

    def _look_at(self, name: str, artifact: Artifact, now: datetime) -> bool:
        version, profile = artifact.manifest.version, load(artifact.members)
        if profile is None:
            self._documents.keep_report(name, without_profile(name, version, now))
            return True
        schema = artifact.schema
        watch = Watch(profile, schema.target)
        data, tag = self._documents.state(name)
        state = _read_state(data, version) or first_state(watch, version, now)
        self._absorb(name, artifact, watch, state, now)
        drop_old(state, now)
        # Two workers that look at once have seen the same rows: one of them counts.
        if not self._documents.keep_state(name, msgspec.json.encode(state), tag):
            return False
        task = task_of(schema.target)
        self._documents.keep_report(name, report(name, watch, schema, task, state, now))
        return True

    def _absorb(
        self, name: str, artifact: Artifact, watch: Watch, state: State, now: datetime
    ) -> None:
        schema, version = artifact.schema, artifact.manifest.version
        start = datetime.fromtimestamp(state.until, UTC)
        end = max(now - self._late, start)
        hours = (end - start).total_seconds() / 3600
        nobody = watch.labelled(_no_rows(watch), np.zeros(0, np.intp))
        for table in self._reader.tables(name, start, end, columns_of(schema)):
            mine = table.filter(pc.equal(table["version"], version))
            if not len(mine):
                continue
            answered = outputs_of(mine).astype(np.float32)
            rows = watch.rows(values_of(mine, schema), answered)
            moments = np.asarray(mine["time"].cast("int64"), np.float64) / MICROSECONDS
            absorb(state, watch, rows, nobody, moments, hours, now)
            hours = 0.0  # what has gone by is staked once
        self._absorb_truths(name, watch, state, start, end, now)
        state.until = end.timestamp()

    def _absorb_truths(
        self,
        name: str,
        watch: Watch,
        state: State,
        start: datetime,
        end: datetime,
        now: datetime,
    ) -> None:
        hours = (end - start).total_seconds() / 3600
        nothing, moments = watch.rows({}, _no_rows(watch)), np.zeros(0)
        for known in self._truths(name, state.version, start, end) if self._truths else ():
            labelled = watch.labelled(known.answered.astype(np.float32), known.values)
            absorb(state, watch, nothing, labelled, moments, hours, now)
            hours = 0.0


def _read_state(data: bytes | None, version: str) -> State | None:
    """Return a state of this version; None where it is of another, or of another release."""
    if data is None:
        return None
    try:
        state = msgspec.json.decode(data, type=State)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return state if state.version == version else None


def _no_rows(watch: Watch) -> NDArray[np.float32]:
    return np.zeros((0, max(len(watch.target.classes), 1)), np.float32)
