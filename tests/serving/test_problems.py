from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest

import errors
from errors import MiranteError, RowProblem, RowsError
from serving import refusals
from serving.problems import describe, explain, fault, problem, refuse, status_of, too_large

WRONG = (
    RowProblem(1, "age", "integer", "string"),
    RowProblem(2, "incme", "a field of the signature", "unknown field", "income"),
    RowProblem(3, None, "object", "number"),
)


def family(kind: type[MiranteError] = MiranteError) -> Iterator[type[MiranteError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ in ("errors", "serving.refusals"):  # a room may have kinds of its own
            yield from family(child)


@pytest.mark.parametrize("kind", list(family()))
def test_every_error_of_the_family_is_a_problem_document(kind: type[MiranteError]) -> None:
    answer = refuse(kind("a fact"), "id")
    document = json.loads(answer.body)
    assert answer.content_type == b"application/problem+json"
    assert 400 <= answer.status == document["status"] <= 599
    assert document["detail"] == "a fact"
    assert document["request_id"] == "id"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.ParseError, 400),
        (refusals.KeyRejected, 401),
        (refusals.ScopeMissing, 403),
        (errors.ModelUnknown, 404),
        (errors.Conflict, 409),
        (errors.RowsError, 422),
        (refusals.DeadlinePassed, 504),
        (refusals.RateLimited, 429),  # a kind of Overloaded, which is 503
        (errors.ArtifactDamaged, 500),  # has no entry of its own
    ],
)
def test_the_nearest_class_in_the_table_gives_the_status(
    kind: type[MiranteError], status: int
) -> None:
    assert status_of(kind("x")) == status


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (refusals.KeyRejected("x"), (b"www-authenticate", b"Bearer")),
        (errors.Overloaded("x", retry_after=7), (b"retry-after", b"7")),
        (errors.StoreUnavailable("x"), (b"retry-after", b"5")),
    ],
)
def test_headers_that_a_status_calls_for(error: MiranteError, header: tuple[bytes, bytes]) -> None:
    assert refuse(error, "id").headers == (header,)


def test_every_fault_of_the_rows_is_listed() -> None:
    listed = json.loads(refuse(RowsError("x", WRONG), "id").body)["errors"]
    assert listed == [describe(fault) for fault in WRONG]
    assert listed[0] == {"row": 1, "field": "age", "expected": "integer", "got": "string"}
    assert listed[1]["hint"] == "did you mean income?"
    assert "field" not in listed[2]


def test_one_line_names_the_first_fault() -> None:
    assert explain(RowsError("x", WRONG)) == "x: row 1, age: expected integer, got string"
    assert explain(RowsError("x", WRONG[2:])) == "x: row 3: expected object, got number"
    assert explain(errors.NotFound("x")) == "x"


def test_a_problem_without_faults_has_no_empty_list() -> None:
    assert "errors" not in json.loads(problem(HTTPStatus.NOT_FOUND, "x", "id").body)


def test_a_fault_of_ours_says_nothing_of_its_cause() -> None:
    answer = fault("the-id")
    assert answer.status == 500
    assert json.loads(answer.body)["detail"] == (
        "the service failed; its log has the cause under this request id"
    )


def test_a_body_over_the_limit_is_refused_with_the_limit() -> None:
    assert "10 bytes" in str(too_large(10))
    assert status_of(too_large(10)) == 413
