"""The error family: every fault that Mirante knows by name.

    MiranteError
    ├── ConfigError             a setting cannot be used
    ├── DependencyError         an optional library is not installed
    ├── DatasetError            a table cannot be learnt from
    ├── RecipeError             no such recipe, or a parameter it does not have
    ├── ModelFileError          a model made elsewhere cannot be taken in
    ├── RowsError               rows that the signature does not describe
    │   └── TooManyRows         more rows, or longer ones, than are taken at once
    ├── ParseError              bytes that cannot be parsed
    ├── AccessError             a key is needed
    ├── NotFound                something named is not there
    │   ├── ModelUnknown
    │   ├── VersionUnknown
    │   ├── JobUnknown
    │   └── KeyMissing          a key that a store does not hold
    ├── Conflict                somebody else was first
    ├── Overloaded              too much at once; try again later
    │   └── QueueFull           more jobs wait than may
    ├── ModelNotReady           the model is wanted, and not loaded
    ├── ModelFault              the model answers what is no number
    ├── StoreUnavailable        a store cannot be reached
    ├── ClusterError            a cluster cannot do the work
    ├── EquivalenceError            a compiled model disagrees with its estimator
    └── ArtifactError           an artifact is refused
        ├── ArtifactDamaged     truncated or altered
        ├── FormatMismatch      written in another format
        ├── LibraryMismatch     made with other library versions
        └── ArtifactUntrusted   no good signature by a trusted key

Nothing here knows a transport: what only HTTP and gRPC know is in `serving/refusals.py`, and each
transport has one table of status codes.
A message is one line made of facts; it never echoes a caller's value.
"""

from __future__ import annotations

from dataclasses import dataclass

# A name in a message is cut here, so that an absurd one cannot bloat it.
LONGEST_NAME = 64


class MiranteError(Exception):
    """Any fault that Mirante knows by name; its text is one line a user can act on."""


class ConfigError(MiranteError):
    """A setting cannot be used; the text names it and never shows a secret."""


class DependencyError(MiranteError):
    """An optional library is not installed; the text is the command that installs it."""


class DatasetError(MiranteError):
    """A table cannot be learnt from; the text names the column and the row."""


class RecipeError(MiranteError):
    """A recipe, or a parameter of it, does not exist."""


class ModelFileError(MiranteError):
    """A model made elsewhere cannot be taken in; the text says what in it is not supported."""


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one field of one row: facts, never the caller's value.

    `row` counts from 0 as in the request's list; `field` is None when the row
    as a whole is at fault. `hint` is a near miss among the known names.
    """

    row: int
    field: str | None
    expected: str
    got: str
    hint: str | None = None


class RowsError(MiranteError):
    """Rows that the signature does not describe; `problems` lists every fault found."""

    def __init__(self, message: str, problems: tuple[RowProblem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class TooManyRows(RowsError):
    """More rows, or longer ones, than are taken at once; found before they are made."""


class ParseError(MiranteError):
    """Bytes that cannot be parsed; the text says where."""


class AccessError(MiranteError):
    """A key is needed."""


class NotFound(MiranteError):
    """Something named is not there."""


class ModelUnknown(NotFound):
    """No model of that name is registered."""


class VersionUnknown(NotFound):
    """The model has no such version."""


class JobUnknown(NotFound):
    """There is no such job."""


class KeyMissing(NotFound):
    """A store does not hold that key."""


class Conflict(MiranteError):
    """Somebody else was first; what was to be changed is no longer what it was."""


class Overloaded(MiranteError):
    """Too much at once; `retry_after` says in how many seconds to try again."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueFull(Overloaded):
    """More jobs wait than may; nothing was added."""


class ModelNotReady(MiranteError):
    """The model is wanted, and not loaded (yet, or because loading failed)."""


class ModelFault(MiranteError):
    """The model answers what is no number; the rows are not to blame."""


class StoreUnavailable(MiranteError):
    """A store cannot be reached, or cannot write."""


class ClusterError(MiranteError):
    """A cluster cannot do the work; the text names the scheduler or worker, and the cause."""


class EquivalenceError(MiranteError):
    """A compiled model disagrees with its estimator."""


class ArtifactError(MiranteError):
    """An artifact is refused."""


class ArtifactDamaged(ArtifactError):
    """The artifact is truncated or altered."""


class FormatMismatch(ArtifactError):
    """The artifact is written in another format than this release reads."""


class LibraryMismatch(ArtifactError):
    """The artifact was made with library versions that are not the installed ones."""


class ArtifactUntrusted(ArtifactError):
    """The artifact has no good signature by a trusted key."""
