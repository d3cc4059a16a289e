"""The table of jobs: the one truth about them, whatever became of a process.

Every change goes through `_change`: one conditional UPDATE and its event, in
one transaction. A change whose condition no longer holds does nothing and says
so; that is how two workers never run one job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from peewee import Database, Expression, fn

from errors import Conflict, JobUnknown
from jobs.database import JobsDatabase
from jobs.job import Job, Order, Result, moment
from jobs.records import ChunkRow, EventRow, JobRow, WorkerRow

# Jobs are kept for a month after their end, and with them the uploads that were to be kept, and
# the answers of scored tables.
KEPT = 30 * 86400.0
# A job whose worker was lost is taken up again once; the second loss is the job's own doing.
MAX_LOST = 1
LOST_LINE = "the worker was lost twice while it ran this job, most often by too little memory"


class Event(NamedTuple):
    """One change: `data` is JSON, the members of the job's document that it set (null: removed)."""

    seq: int
    data: str


class JobTable:
    """Jobs, their events, and the workers that were heard. Raises StoreUnavailable throughout."""

    def __init__(self, jobs_database: JobsDatabase, clock: Callable[[], float] = time.time) -> None:
        self.jobs_database = jobs_database
        self._clock = clock

    def read(self, job_id: str) -> Job:
        """Return one job. Raises JobUnknown."""
        with self.jobs_database.session() as database:
            rows = list(JobRow.select().where(JobRow.id == job_id).dicts().execute(database))
        if not rows:
            raise JobUnknown("there is no such job")
        return _job(rows[0])

    def newest(self, limit: int) -> list[Job]:
        """Return the newest jobs, newest first."""
        query = JobRow.select().order_by(JobRow.created.desc(), JobRow.id).limit(limit).dicts()
        with self.jobs_database.session() as database:
            return [_job(row) for row in query.execute(database)]

    def waiting(self) -> int:
        """Return how many jobs wait."""
        query = JobRow.select(fn.COUNT(JobRow.id)).where(JobRow.state == "queued")
        with self.jobs_database.session() as database:
            return int(query.scalar(database))

    def find(self, who: str, idempotency: str) -> tuple[Job, str] | None:
        """Return the job that this key of this caller made, with its order's digest."""
        where = (JobRow.who == who) & (JobRow.idempotency == idempotency)
        with self.jobs_database.session() as database:
            rows = list(JobRow.select().where(where).dicts().execute(database))
        return (_job(rows[0]), rows[0]["digest"]) if rows else None

    def add(
        self,
        job_id: str,
        order: Order,
        *,
        who: str,
        idempotency: str | None = None,
        upload: str | None = None,
        keep_data: bool = False,
    ) -> Job:
        """Add a queued job with its first event."""
        row = {
            "id": job_id,
            "name": order.name,
            "state": "queued",
            "order": msgspec.json.encode(order).decode(),
            "digest": order.digest(),
            "who": who,
            "idempotency": idempotency,
            "upload": upload,
            "keep_data": keep_data,
            "created": self._clock(),
        }
        with self.jobs_database.session() as database, self.jobs_database.transaction():
            JobRow.insert(**row).execute(database)
            self._change(job_id, [], {}, {"state": "queued", "fraction": 0.0})
        return self.read(job_id)

    def claim(self, owner: str, lease: float) -> Job | None:
        """Give the oldest queued job to a worker for `lease` seconds; None when none waits."""
        with self.jobs_database.session() as database:
            if _OLDEST.scalar(database) is None:  # asked often: without a lock
                return None
            with self.jobs_database.transaction():
                job_id = self._next(database)
                if job_id is None or not self._take(job_id, owner, lease):
                    return None
        return self.read(job_id)

    def _next(self, database: Database) -> str | None:
        # On PostgreSQL a row that another worker claims is passed over; SQLite has one writer.
        skips = not self.jobs_database.is_sqlite
        oldest = _OLDEST.for_update(skip_locked=True) if skips else _OLDEST
        job_id: str | None = oldest.scalar(database)
        return job_id

    def _take(self, job_id: str, owner: str, lease: float) -> bool:
        now = self._clock()
        values = {
            "state": "running",
            "owner": owner,
            "lease_until": now + lease,
            "attempts": JobRow.attempts + 1,
            "started": now,
        }
        shown = {"state": "running", "started_at": moment(now)}
        return self._change(job_id, [JobRow.state == "queued"], values, shown)

    def hold(self, job_id: str, owner: str, lease: float) -> bool:
        """Renew the lease; False when the job was cancelled or given to somebody else."""
        until = self._clock() + lease
        query = JobRow.update(lease_until=until).where(JobRow.id == job_id, *_held_by(owner))
        with self.jobs_database.session() as database:
            return bool(query.execute(database))

    def report(
        self, job_id: str, owner: str, stage: str | None, fraction: float, log: Sequence[str]
    ) -> bool:
        """Write down how far a running job is, with new log lines."""
        shown: dict[str, Any] = {"stage": stage, "fraction": round(fraction, 4)}
        if log:
            shown["log"] = list(log)
        values = {"stage": stage, "fraction": fraction}
        return self._change(job_id, _held_by(owner), values, shown)

    def commit(self, job_id: str, owner: str, lease: float) -> bool:
        """Let a job register its version; from now on it cannot be cancelled."""
        until = self._clock() + lease
        query = JobRow.update(committing=True, lease_until=until)
        with self.jobs_database.session() as database:
            return bool(query.where(JobRow.id == job_id, *_held_by(owner)).execute(database))

    def succeed(self, job_id: str, owner: str, result: Result) -> bool:
        """End a job with what it made."""
        values = {"result": msgspec.json.encode(result).decode(), "stage": None, "fraction": 1.0}
        shown = {"stage": None, "fraction": 1.0, **msgspec.to_builtins(result)}
        return self._finish(job_id, _held_by(owner), "succeeded", values, shown)

    def fail(self, job_id: str, owner: str, line: str) -> bool:
        """End a job with the one line that says why."""
        return self._finish(job_id, _held_by(owner), "failed", {"error": line}, {"error": line})

    def cancel(self, job_id: str) -> Job:
        """End a queued or running job at its user's wish.

        Cancelling twice is no fault. Raises JobUnknown; Conflict when it has
        ended otherwise, or is registering its version.
        """
        where = [JobRow.state.in_(["queued", "running"]), ~JobRow.committing]
        ended = self._finish(job_id, where, "cancelled", {}, {})
        job = self.read(job_id)
        if not ended and job.state != "cancelled":
            raise Conflict("the job has ended, or is registering its version")
        return job

    def requeue(self, job_id: str, owner: str) -> bool:
        """Give a running job back, untried; its worker is going away."""
        return self._back_to_queue(job_id, _held_by(owner), {})

    def reap(self) -> list[str]:
        """Take the jobs of lost workers back; return the ids that are queued again."""
        lost = (JobRow.state == "running") & (JobRow.lease_until < self._clock())
        query = JobRow.select(JobRow.id, JobRow.owner, JobRow.lost).where(lost).tuples()
        with self.jobs_database.session() as database:
            found = list(query.execute(database))
        return [job_id for job_id, owner, times in found if self._take_back(job_id, owner, times)]

    def forget(self) -> None:
        """Delete the jobs that ended long ago, with their events and uploads."""
        old = (JobRow.finished < self._clock() - KEPT) & JobRow.finished.is_null(False)
        ids = JobRow.select(JobRow.id).where(old)
        uploads = JobRow.select(JobRow.upload).where(old, JobRow.upload.is_null(False))
        with self.jobs_database.session() as database, self.jobs_database.transaction():
            ChunkRow.delete().where(ChunkRow.upload.in_(uploads)).execute(database)
            ChunkRow.delete().where(ChunkRow.upload.in_(ids)).execute(database)
            EventRow.delete().where(EventRow.job.in_(ids)).execute(database)
            JobRow.delete().where(old).execute(database)

    def events(self, job_id: str, after: int = 0) -> list[Event]:
        """Return a job's changes after that one, in order."""
        query = (
            EventRow.select(EventRow.seq, EventRow.data)
            .where(EventRow.job == job_id, EventRow.seq > after)
            .order_by(EventRow.seq)
            .tuples()
        )
        with self.jobs_database.session() as database:
            return [Event(seq, data) for seq, data in query.execute(database)]

    def log(self, job_id: str) -> list[str]:
        """Return a job's log lines, in order."""
        changes = (msgspec.json.decode(event.data) for event in self.events(job_id))
        return [line for change in changes for line in change.get("log", ())]

    def revisions(self, job_ids: Iterable[str]) -> dict[str, int]:
        """Return the newest revision of each of these jobs, in one query."""
        query = JobRow.select(JobRow.id, JobRow.revision).where(JobRow.id.in_(list(job_ids)))
        with self.jobs_database.session() as database:
            return dict(query.tuples().execute(database))

    def note_worker(self, worker: str) -> None:
        """Write down that a worker is alive."""
        query = WorkerRow.insert(id=worker, seen=self._clock()).on_conflict(
            conflict_target=[WorkerRow.id], preserve=[WorkerRow.seen]
        )
        with self.jobs_database.session() as database:
            query.execute(database)

    def forget_worker(self, worker: str) -> None:
        """Write down that a worker has ended."""
        with self.jobs_database.session() as database:
            WorkerRow.delete().where(WorkerRow.id == worker).execute(database)

    def workers(self, within: float) -> int:
        """Return how many workers were heard in the last `within` seconds; forget dead ones."""
        now = self._clock()
        with self.jobs_database.session() as database:
            WorkerRow.delete().where(WorkerRow.seen < now - 86400).execute(database)
            alive = WorkerRow.select(fn.COUNT(WorkerRow.id)).where(WorkerRow.seen > now - within)
            return int(alive.scalar(database))

    def _take_back(self, job_id: str, owner: str, times_lost: int) -> bool:
        # The lease is looked at again in the UPDATE: its worker may just have renewed it.
        where = [*_held_by(owner), JobRow.lease_until < self._clock()]
        if times_lost >= MAX_LOST:
            self._finish(job_id, where, "failed", {"error": LOST_LINE}, {"error": LOST_LINE})
            return False
        return self._back_to_queue(job_id, where, {"lost": JobRow.lost + 1})

    def _back_to_queue(self, job_id: str, where: list[Expression], values: dict[str, Any]) -> bool:
        values = {**_FREE, **values, "state": "queued", "stage": None, "fraction": 0.0}
        shown = {"state": "queued", "stage": None, "fraction": 0.0}
        return self._change(job_id, where, values, shown)

    def _finish(
        self,
        job_id: str,
        where: list[Expression],
        state: str,
        values: dict[str, Any],
        shown: dict[str, Any],
    ) -> bool:
        now = self._clock()
        values = {**_FREE, **values, "state": state, "finished": now}
        shown = {**shown, "state": state, "finished_at": moment(now)}
        with self.jobs_database.session(), self.jobs_database.transaction():
            if not self._change(job_id, where, values, shown):
                return False
            erased = self._erase_upload(job_id)
        if erased:
            self.jobs_database.scrub()
        return True

    def _erase_upload(self, job_id: str) -> int:
        uploads = JobRow.select(JobRow.upload).where(JobRow.id == job_id, ~JobRow.keep_data)
        with self.jobs_database.session() as database:
            return int(ChunkRow.delete().where(ChunkRow.upload.in_(uploads)).execute(database))

    def _change(
        self,
        job_id: str,
        where: list[Expression],
        values: dict[str, Any],
        shown: dict[str, Any],
    ) -> bool:
        update = JobRow.update(revision=JobRow.revision + 1, **values)
        with self.jobs_database.session() as database, self.jobs_database.transaction():
            if not update.where(JobRow.id == job_id, *where).execute(database):
                return False
            # The row stays locked until the transaction ends: events commit in the order of `seq`.
            query = JobRow.select(JobRow.revision).where(JobRow.id == job_id)
            data = msgspec.json.encode(shown).decode()
            EventRow.insert(job=job_id, seq=query.scalar(database), data=data).execute(database)
        return True


_OLDEST = (
    JobRow.select(JobRow.id)
    .where(JobRow.state == "queued")
    .order_by(JobRow.created, JobRow.id)
    .limit(1)
)
_FREE = {"owner": None, "lease_until": None, "committing": False}


def _held_by(owner: str) -> list[Expression]:
    return [JobRow.state == "running", JobRow.owner == owner]


def _job(row: dict[str, Any]) -> Job:
    fields = {name: row[name] for name in Job.__struct_fields__}
    fields["order"] = msgspec.json.decode(row["order"], type=Order)
    if row["result"] is not None:
        fields["result"] = msgspec.json.decode(row["result"], type=Result)
    return Job(**fields)
