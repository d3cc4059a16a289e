"""The tables, as peewee models bound to no database: a query is executed on a given one.

Times are seconds since the epoch. Documents are JSON as text, so that both
databases keep them alike.
"""

from __future__ import annotations

from peewee import (
    AutoField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    DoubleField,
    IntegerField,
    Model,
    TextField,
)


class JobRow(Model):
    """A training job: what was asked, who holds it, how far it is, what came of it."""

    id = CharField(max_length=32, primary_key=True)
    name = CharField(max_length=64)
    state = CharField(max_length=16, index=True)
    order = TextField()
    digest = CharField(max_length=64)
    who = CharField(max_length=64)
    idempotency = CharField(max_length=64, null=True)
    upload = CharField(max_length=32, null=True)
    keep_data = BooleanField(default=False)

    owner = CharField(max_length=128, null=True)
    lease_until = DoubleField(null=True)
    attempts = IntegerField(default=0)
    lost = IntegerField(default=0)
    committing = BooleanField(default=False)

    revision = IntegerField(default=0)
    stage = CharField(max_length=64, null=True)
    fraction = DoubleField(default=0.0)
    error = TextField(null=True)
    result = TextField(null=True)

    created = DoubleField()
    started = DoubleField(null=True)
    finished = DoubleField(null=True)

    class Meta:
        table_name = "mirante_job"
        indexes = ((("who", "idempotency"), True),)


class EventRow(Model):
    """One change of a job; `seq` is the job's revision after it, so none is ever missed."""

    job = CharField(max_length=32)
    seq = IntegerField()
    data = TextField()

    class Meta:
        table_name = "mirante_event"
        primary_key = CompositeKey("job", "seq")


class ChunkRow(Model):
    """A part of an uploaded table: a worker on another dyno does not see this disk."""

    upload = CharField(max_length=32)
    part = IntegerField()
    data = BlobField()
    created = DoubleField()

    class Meta:
        table_name = "mirante_chunk"
        primary_key = CompositeKey("upload", "part")


class WorkerRow(Model):
    """A worker process, and when it was last heard."""

    id = CharField(max_length=128, primary_key=True)
    seen = DoubleField()

    class Meta:
        table_name = "mirante_worker"


class AuditRow(Model):
    """Who did what to what, and when. Rows are added and never changed."""

    id = AutoField()
    at = DoubleField()
    who = CharField(max_length=64)
    action = CharField(max_length=32)
    subject = CharField(max_length=160)
    outcome = CharField(max_length=200)

    class Meta:
        table_name = "mirante_audit"


TABLES: tuple[type[Model], ...] = (JobRow, EventRow, ChunkRow, WorkerRow, AuditRow)
