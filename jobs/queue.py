"""The queue: orders in, jobs out; the job table is all that it stands on."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import IO, Any

import msgspec

from errors import Conflict, NotFound, QueueFull
from jobs.audit import Audit
from jobs.clock import DatabaseClock
from jobs.database import JobsDatabase
from jobs.job import Job, Order, document
from jobs.table import Event, JobTable
from jobs.uploads import Uploads

RETRY_AFTER = 30
NOBODY = "no worker is alive: the job waits until one is started"


class JobQueue:
    """What the web process and the workers share. Raises StoreUnavailable throughout."""

    def __init__(
        self,
        jobs_database: JobsDatabase,
        *,
        max_queued: int = 20,
        lease: float = 60.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        clock = clock or DatabaseClock(jobs_database)
        self.jobs_database = jobs_database
        self.lease = lease
        self.table = JobTable(jobs_database, clock)
        self.uploads = Uploads(jobs_database, clock)
        self.audit = Audit(jobs_database, clock)
        self._max_queued = max_queued

    def submit(
        self,
        order: dict[str, Any],
        *,
        who: str,
        idempotency: str | None = None,
        data: IO[bytes] | None = None,
        keep_data: bool = False,
    ) -> dict[str, Any]:
        """Queue an order (the members of jobs.job.Order) and return its job's document.

        The same idempotency key with the same order answers the job it made
        before. Raises Conflict for the same key with another order, and
        QueueFull when too many jobs wait.
        """
        accepted = msgspec.convert(order, Order)
        upload = None
        if data is not None:
            upload = uuid.uuid4().hex
            size, sha256 = self.uploads.put(upload, data)
            accepted = msgspec.structs.replace(accepted, size=size, sha256=sha256)
        key = hashlib.sha256(idempotency.encode()).hexdigest() if idempotency else None
        job = None
        try:
            job = self._submit(accepted, who, key, upload, keep_data)
        finally:
            if upload is not None and (job is None or job.upload != upload):
                self.uploads.erase(upload)
        return self._document(job)

    def check_room(self) -> None:
        """Raise QueueFull when too many jobs wait; asked before an upload is read."""
        if self.table.waiting() >= self._max_queued:
            raise QueueFull("too many jobs are queued", RETRY_AFTER)

    def read(self, job_id: str) -> dict[str, Any]:
        """Return a job's document. Raises JobUnknown."""
        job = self.table.read(job_id)
        return self._document(job, self.table.log(job_id))

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Return the documents of the newest jobs, without their logs."""
        return [document(job) for job in self.table.newest(limit)]

    def cancel(self, job_id: str, who: str) -> dict[str, Any]:
        """Cancel a job. Raises JobUnknown; Conflict when it has ended otherwise."""
        job = self.table.cancel(job_id)
        self.audit.record(who, "cancel", f"job {job_id}")
        return self._document(job)

    def events(self, job_id: str, after: int = 0) -> list[Event]:
        """Return a job's changes after that one, in order. Raises JobUnknown."""
        found = self.table.events(job_id, after)
        if not found:
            self.table.read(job_id)
        return found

    def result(self, job_id: str) -> dict[str, Any]:
        """Return what a scored table came to, whose answers are kept here.

        Raises JobUnknown, NotFound for a job that keeps none, Conflict for one that has not ended.
        """
        job = self.table.read(job_id)
        if job.order.score is None:
            raise NotFound("the job scores no table")
        if job.result is None or job.result.score is None:
            raise Conflict(f"the job is {job.state}: there are no answers yet")
        if job.order.score.to is not None:
            raise NotFound("the answers are at the address that the job names")
        return job.result.score

    def result_part(self, job_id: str, part: int) -> bytes | None:
        """Return a part of a scored table, None behind the last one."""
        return self.uploads.part(job_id, part)

    def revisions(self, job_ids: list[str]) -> dict[str, int]:
        """Return the newest revision of each of these jobs, in one query."""
        return self.table.revisions(job_ids)

    def claim(self, owner: str) -> Job | None:
        """Claim the oldest job that waits, for one lease; None when none does."""
        return self.table.claim(owner, self.lease)

    def requeue(self, job_id: str, owner: str) -> bool:
        """Give a running job back, untried."""
        return self.table.requeue(job_id, owner)

    def reap(self) -> None:
        """Take back what lost workers held, and delete what is old."""
        self.table.reap()
        self.table.forget()
        self.uploads.erase_orphans()

    def _submit(
        self,
        order: Order,
        who: str,
        idempotency: str | None,
        upload: str | None,
        keep_data: bool,
    ) -> Job:
        with self.jobs_database.exclusive():
            if idempotency is not None and (found := self.table.find(who, idempotency)):
                return _same(found, order)
            self.check_room()
            job_id = uuid.uuid4().hex
            job = self.table.add(
                job_id,
                order,
                who=who,
                idempotency=idempotency,
                upload=upload,
                keep_data=keep_data,
            )
        action = "score" if order.score else "train" if order.replay is None else "replay"
        self.audit.record(who, action, f"{order.name} as job {job_id}")
        return job

    def _document(self, job: Job, log: list[str] | None = None) -> dict[str, Any]:
        shown = document(job, log)
        if job.state == "queued" and not self.table.workers(within=self.lease):
            shown["warnings"] = [NOBODY]
        return shown


def _same(found: tuple[Job, str], order: Order) -> Job:
    job, digest = found
    if digest != order.digest():
        raise Conflict("this Idempotency-Key was used for another order")
    return job
