"""A training job as every part of the house sees it: what was asked, and how it stands."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from policy import DEFAULT_PROMOTION, Promotion
from tables.overrides import Overrides

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

FINAL: tuple[State, ...] = ("succeeded", "failed", "cancelled")


class Scoring(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a table is scored: the upload, or that at the address `table`.

    The answers are kept with the job, or written to the address `to`; `format` is their kind of
    file. The others are those of `scoring.options`, and `version` is one in the champion's place.
    """

    format: str = "csv"
    table: str | None = None
    to: str | None = None
    version: str | None = None
    interval: float | None = None
    contributions: bool = False
    probabilities: bool = True
    prefix: str = ""
    strict: bool = False


class Order(Overrides, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is to be trained: a recipe by name, or an uploaded table, its target, how it is read.

    Or what is to be replayed: the version `replay`, on the rows logged in the last `days`.
    Or, with `score`, which table is to be scored, and how.
    `size` (bytes) and `sha256` are those of the upload, and absent without one.
    """

    name: str
    recipe: str | None = None
    target: str | None = None
    estimator: str | None = None
    parameters: dict[str, Any] = {}  # noqa: RUF012
    promote: Promotion = DEFAULT_PROMOTION
    seed: int | None = None
    size: int | None = None
    sha256: str | None = None
    replay: str | None = None
    days: int | None = None
    score: Scoring | None = None

    def digest(self) -> str:
        """Return a SHA-256 that is the same for the same order, and only for it."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a finished training made: the version, its metrics, and whether it was promoted.

    `reason` says in one line why it was or was not; `comparison` holds the
    figures of the paired bootstrap against the champion, where there was one to
    compare with. `replay` says how a version answered logged rows beside the champion,
    `score` what a scored table came to.
    """

    version: str
    promoted: bool
    reason: str = ""
    metrics: dict[str, Any] = {}
    comparison: dict[str, Any] | None = None
    replay: dict[str, Any] | None = None
    score: dict[str, Any] | None = None


class Job(msgspec.Struct, frozen=True):
    """One row of the table. Times are seconds since the epoch."""

    id: str
    name: str
    state: State
    order: Order
    who: str
    created: float
    revision: int = 0
    attempts: int = 0
    lost: int = 0
    stage: str | None = None
    fraction: float = 0.0
    error: str | None = None
    result: Result | None = None
    upload: str | None = None
    keep_data: bool = False
    started: float | None = None
    finished: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINAL


def document(job: Job, log: list[str] | None = None) -> dict[str, Any]:
    """Return the job as API.md shows it; keys that do not apply are absent."""
    shown: dict[str, Any] = {
        "id": job.id,
        "model": job.name,
        "state": job.state,
        "stage": job.stage,
        "fraction": round(job.fraction, 4),
        "attempts": job.attempts,
        "order": msgspec.to_builtins(job.order),
        "requested_by": job.who,
        "created_at": moment(job.created),
        "started_at": moment(job.started),
        "finished_at": moment(job.finished),
        "log": log,
        "error": job.error,
    }
    if job.result is not None:
        shown |= msgspec.to_builtins(job.result)
    if job.upload is not None:
        shown["data_kept"] = job.keep_data
    return {key: value for key, value in shown.items() if value is not None}


def moment(seconds: float | None) -> str | None:
    """Return a time as RFC 3339 in UTC, to the second; None for none."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
