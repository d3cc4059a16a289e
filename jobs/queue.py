"""The queue: orders in, jobs out. The table is the truth; huey carries the ids.

huey gives a message to one worker and forgets it. Here that happens in the
transaction that claims the job, and a reaper sends again whatever was lost.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from typing import IO, Any

import msgspec
from huey.contrib.sql_huey import BytesBlobField, SqlStorage
from peewee import CharField, Database, FloatField, Model

from errors import Conflict, QueueFull
from jobs.audit import Audit
from jobs.database import Ledger
from jobs.job import Job, Order, document
from jobs.table import Event, JobTable
from jobs.uploads import Uploads

RETRY_AFTER = 30
NOBODY = "no worker is alive: the job waits until one is started"


class Carrier(SqlStorage):
    """huey's storage in the same database, in a table with a name of its own.

    Only its queue is used, and messages are ids: nothing is ever unpickled, and
    its tables for results, schedules and counters are not made.
    """

    def __init__(self, database: Database) -> None:
        super().__init__("mirante", database=database, create_tables=False)

    def create_models(self) -> tuple[type[Model], ...]:
        """Return the four models that huey's storage expects, with our message table."""

        class Message(Model):
            queue = CharField()
            data = BytesBlobField()
            priority = FloatField(default=0.0)

            class Meta:
                database = self.database
                table_name = "mirante_message"

        results, schedule, _, counters = super().create_models()
        return results, schedule, Message, counters


class JobQueue:
    """What the web process and the workers share. Raises StoreUnavailable throughout."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        max_queued: int = 20,
        lease: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ledger = ledger
        self.lease = lease
        self.table = JobTable(ledger, clock)
        self.uploads = Uploads(ledger, clock)
        self.audit = Audit(ledger, clock)
        self._max_queued = max_queued
        self._carrier = Carrier(ledger.database)
        ledger.tables.append(self._carrier.Task)

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
        wanted = msgspec.convert(order, Order)
        upload = None
        if data is not None:
            upload = uuid.uuid4().hex
            size, sha256 = self.uploads.put(upload, data)
            wanted = msgspec.structs.replace(wanted, size=size, sha256=sha256)
        key = hashlib.sha256(idempotency.encode()).hexdigest() if idempotency else None
        job = None
        try:
            job = self._submit(wanted, who, key, upload, keep_data)
        finally:
            if upload is not None and (job is None or job.upload != upload):
                self.uploads.erase(upload)
        return self._document(job)

    def check_room(self) -> None:
        """Raise QueueFull when too many jobs wait; asked before an upload is read."""
        if len(self.table.queued()) >= self._max_queued:
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

    def revisions(self, job_ids: list[str]) -> dict[str, int]:
        """Return the newest revision of each of these jobs, in one query."""
        return self.table.revisions(job_ids)

    def take(self, owner: str) -> Job | None:
        """Claim the next job; None when none waits."""
        with self.ledger.session():
            if not self._carrier.queue_size():  # asked often: without a lock
                return None
            return self._take(owner)

    def _take(self, owner: str) -> Job | None:
        with self.ledger.transaction():
            message = self._carrier.dequeue()
            if message is None:
                return None
            return self.table.claim(message.decode(), owner, self.lease)

    def requeue(self, job_id: str, owner: str) -> bool:
        """Give a running job back, untried."""
        with self.ledger.exclusive():
            given = self.table.requeue(job_id, owner)
            if given:
                self._carrier.enqueue(job_id.encode())
        return given

    def reap(self) -> None:
        """Take back what lost workers held, send lost messages again, sweep what is old."""
        self.table.reap()
        with self.ledger.exclusive():
            sent = {bytes(message).decode() for message in self._carrier.enqueued_items()}
            for job_id in self.table.queued():
                if job_id not in sent:
                    self._carrier.enqueue(job_id.encode())
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
        with self.ledger.exclusive():
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
            self._carrier.enqueue(job_id.encode())
        self.audit.record(who, "train", f"{order.name} as job {job_id}")
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
