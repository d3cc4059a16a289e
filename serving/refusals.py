"""The errors that only a transport knows; the family they belong to is in `errors.py`.

MiranteError
├── RequestError            a request that cannot be answered as it is
│   ├── BodyTooLarge        more bytes or rows than the limit
│   ├── BodyTimeout         it did not arrive in time
│   ├── MediaTypeError      a media type that this route does not read
│   └── NotAcceptable       a media type that this route does not write
├── CallUnknown             there is no such call
├── DeadlinePassed          the client's deadline passed before its answer
├── AccessError
│   ├── KeyRejected         there is no key, or it is not known
│   └── ScopeMissing        it is known, and may not do this
└── Overloaded
    └── RateLimited         too much from one client
"""

from __future__ import annotations

from errors import AccessError, MiranteError, Overloaded


class RequestError(MiranteError):
    """A request that cannot be answered as it is."""


class BodyTooLarge(RequestError):
    """The body has more bytes, or more rows, than the limit."""


class BodyTimeout(RequestError):
    """The body did not arrive in time."""


class MediaTypeError(RequestError):
    """The body's media type is one that this route does not read."""


class NotAcceptable(RequestError):
    """The answer's media type is one that this route does not write."""


class CallUnknown(MiranteError):
    """There is no such call."""


class DeadlinePassed(MiranteError):
    """The client's own deadline passed before its answer was there."""


class KeyRejected(AccessError):
    """There is no key, or it is not known."""


class ScopeMissing(AccessError):
    """The key is known, and may not do this."""


class RateLimited(Overloaded):
    """Too much from one client, or for one queue; the service itself is well."""
