from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks import grpc_against_rest as section
from benchmarks.environments import Unavailable
from benchmarks.grpc_against_rest import (
    GRPC,
    REST,
    WAYS_OF_REST,
    Case,
    Figures,
    Way,
    cases,
    measure,
    render,
    requests,
)
from benchmarks.settings import QUICK

ONE_ONLY = Way("gRPC, typed", GRPC, "/x", lambda rows: b"", sizes=(1,))


def figures(cpu: float, failed: float = 0) -> Figures:
    return Figures(cpu, 1 / cpu, 0.001, 0.002, failed, 0.25)


def test_each_request_begins_with_another_row_and_has_as_many_as_its_case() -> None:
    oip, v0 = WAYS_OF_REST
    sent = [json.loads(body)["inputs"][0] for body in requests(Case(oip, 100))]
    assert {tuple(tensor["shape"]) for tensor in sent} == {(100, 4)}
    assert all(len(tensor["data"]) == 400 for tensor in sent)
    assert sent[1]["data"][:396] == sent[0]["data"][4:]
    (first, *_), (many, *_) = requests(Case(v0, 1)), requests(Case(v0, 100))
    assert json.loads(first) == json.loads(many)[0]
    assert list(json.loads(first).values()) == sent[0]["data"][:4]


def test_a_way_is_asked_only_about_as_many_rows_as_it_takes() -> None:
    assert [c.title for c in cases((ONE_ONLY, WAYS_OF_REST[0]))] == [
        "gRPC, typed, 1 row",
        "REST, Open Inference, 1 row",
        "REST, Open Inference, 100 rows",
    ]


def test_the_ratio_is_to_open_inference_over_rest_of_as_many_rows() -> None:
    found = {
        Case(ONE_ONLY, 1): [figures(3e-4), figures(9e-4, failed=2), figures(4e-4, failed=1)],
        Case(WAYS_OF_REST[0], 1): [figures(1e-4)],
        Case(WAYS_OF_REST[0], 100): [figures(2e-4)],
        Case(WAYS_OF_REST[1], 100): [figures(1e-4)],
    }
    cells = [line.strip("| ").split(" | ") for line in render(found, QUICK).splitlines()[-4:]]
    assert cells[0] == ["gRPC, typed, 1 row", "400", "2,500", "1.00", "2.00", "3", "25%", "4"]
    assert [row[-1] for row in cells] == ["4", "1", "1", "0.5"]


def test_without_grpc_the_section_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(section, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"pip install -r requirements-grpc\.txt"):
        measure(replace(QUICK, rounds=1))


def test_both_processes_serve_the_same_models() -> None:
    assert REST.environ["MODEL_STORE"] == GRPC.environ["MODEL_STORE"]
