"""Scoring on a cluster: parts are handed to its workers, and kept here as they come back.

A worker gets the artifact's bytes, and verifies their digest and seal by public keys; it needs no
store, and no key of one.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Collection
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, NamedTuple

from learning.beyond.cluster import Cluster
from persistence.seal import PublicKeys, Trust, trust_in
from scoring.parts import Parts
from scoring.workers import MODEL, REST, ROWS, Answered, Duty, Scoring, Work

# A worker process keeps the runtimes of so many scorings.
MOST_KEPT = 2


class Keys(NamedTuple):
    """Public keys that are believed, in base64, and the ids of those revoked."""

    publics: tuple[str, ...]
    revoked: tuple[str, ...]


class Sent(NamedTuple):
    """What each worker is told of a scoring: `token` is its own among those of the cluster."""

    token: str
    duty: Duty
    keys: Keys | None


class ClusterPool(Executor):
    """Hands parts to the workers of a cluster."""

    def __init__(self, cluster: Cluster, duty: Duty, trust: Trust | None) -> None:
        self._cluster = cluster
        self._parts = Parts(Path(duty.folder))
        self._sent = Sent(secrets.token_hex(8), duty, keys_of(trust))
        data = (Path(duty.folder) / MODEL).read_bytes()
        # A task that a lost worker had is done again by another: so are the bytes.
        (self._model,) = cluster.map(_same, [data])

    def submit(self, call: Any, /, *given: Any, **named: Any) -> Future[Any]:
        """Return the future of a part: it is kept when its answers have come."""
        one: Work = given[0]
        rows, rest = (self._parts.path(one.part, ending) for ending in (ROWS, REST))
        found: Future[Any] = Future()
        handed = (self._model, self._sent, rows.read_bytes(), rest.read_bytes(), one.file)
        with self._cluster.faults():
            task = self._cluster.client.submit(answer, *handed, pure=False)
        task.add_done_callback(lambda done: self._keep(done, one, found))
        return found

    def _keep(self, task: Any, one: Work, found: Future[Any]) -> None:
        try:
            (answered,) = self._cluster.gather([task])
            self._parts.keep(one.part, *answered)
            for ending in (ROWS, REST):
                self._parts.path(one.part, ending).unlink()
            found.set_result(answered.done)
        except Exception as error:
            with contextlib.suppress(Exception):  # nobody waits for it any more
                found.set_exception(error)


def keys_of(trust: Trust | None) -> Keys | None:
    """Return the public keys of trust as plain values, None where there is none."""
    if not isinstance(trust, PublicKeys):
        return None
    raw = (key.public_bytes_raw() for key in trust.keys.values())
    return Keys(tuple(base64.b64encode(one).decode() for one in raw), tuple(sorted(trust.revoked)))


def _same(data: bytes) -> bytes:
    return data


# ---------------------------------------------------------------- on a worker

_kept: dict[str, Scoring] = {}


def answer(data: bytes, sent: Sent, rows: bytes, rest: bytes, file: str) -> Answered:
    """Score the rows of a part, on a worker. Raises the ArtifactErrors and MiranteError."""
    if sent.token not in _kept:
        while len(_kept) >= MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        trust = trust_in(*sent.keys.publics, revoked=sent.keys.revoked) if sent.keys else None
        _kept[sent.token] = Scoring(sent.duty, data, trust)
    return _kept[sent.token].answer(rows, rest, file)


def in_flight(workers: Collection[str]) -> int:
    """Return how many parts may be on their way: one is sent while another is scored."""
    return 2 * max(1, len(workers))
