from __future__ import annotations

import grpc
import pytest

import errors
from serving import refusals
from serving.grpc.codes import refuse, verdict


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ParseError("a fact"), grpc.StatusCode.INVALID_ARGUMENT),
        (refusals.MediaTypeError("a fact"), grpc.StatusCode.INVALID_ARGUMENT),
        (refusals.BodyTooLarge("a fact"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (refusals.DeadlinePassed("a fact"), grpc.StatusCode.DEADLINE_EXCEEDED),
        (refusals.KeyRejected("a fact"), grpc.StatusCode.UNAUTHENTICATED),
        (errors.VersionUnknown("a fact"), grpc.StatusCode.NOT_FOUND),
        (errors.Overloaded("a fact"), grpc.StatusCode.UNAVAILABLE),
        (refusals.RateLimited("a fact"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.ArtifactDamaged("a fact"), grpc.StatusCode.INTERNAL),
    ],
)
def test_the_nearest_class_in_the_table_gives_the_code(
    error: errors.MiranteError, code: grpc.StatusCode
) -> None:
    assert verdict(error) == (code, "a fact")


def test_a_fault_of_ours_says_nothing_of_its_cause() -> None:
    code, text = verdict(RuntimeError("secret of the house"))
    assert code is grpc.StatusCode.INTERNAL
    assert text == "the service failed; its log has the cause under this request id"


def test_when_to_try_again_is_trailing_metadata() -> None:
    answer = refuse(errors.Overloaded("a fact", retry_after=7), "id")
    assert (answer.status, answer.body) == (503, b"")
    assert answer.headers == ((b"retry-after", b"7"),)
