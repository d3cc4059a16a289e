"""What gRPC calls an error: the one mapping that is gRPC's own."""

from __future__ import annotations

import grpc

import errors
from errors import MiranteError
from serving import refusals
from serving.exchange import Answer
from serving.problems import FAULT, explain, headers_of, status_of

# The most particular class wins.
CODES: dict[type[MiranteError], grpc.StatusCode] = {
    errors.MiranteError: grpc.StatusCode.INTERNAL,
    errors.DependencyError: grpc.StatusCode.UNIMPLEMENTED,
    errors.RowsError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.TooManyRows: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.ParseError: grpc.StatusCode.INVALID_ARGUMENT,
    refusals.RequestError: grpc.StatusCode.INVALID_ARGUMENT,
    refusals.BodyTooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    refusals.BodyTimeout: grpc.StatusCode.DEADLINE_EXCEEDED,
    refusals.CallUnknown: grpc.StatusCode.UNIMPLEMENTED,
    refusals.DeadlinePassed: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.AccessError: grpc.StatusCode.PERMISSION_DENIED,
    refusals.KeyRejected: grpc.StatusCode.UNAUTHENTICATED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.Overloaded: grpc.StatusCode.UNAVAILABLE,
    refusals.RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.ModelNotReady: grpc.StatusCode.UNAVAILABLE,
    errors.StoreUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.ClusterError: grpc.StatusCode.UNAVAILABLE,
}


def refuse(error: MiranteError, request_id: str) -> Answer:
    """Render an error: its status is for the metrics, its headers are trailing metadata."""
    return Answer(status_of(error), b"", headers=headers_of(error))


def verdict(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Return the code and the text of an error; a fault of ours says nothing of its cause."""
    if not isinstance(error, MiranteError):
        return grpc.StatusCode.INTERNAL, FAULT
    return code_of(error), explain(error)


def code_of(error: MiranteError) -> grpc.StatusCode:
    """Return the code of an error, by the nearest class of its family in the table."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
