from __future__ import annotations

from benchmarks.catalog import (
    BENTOML,
    FASTAPI_COMPILED,
    FLASK_SYNC,
    MLFLOW,
    MLSERVER,
    OURS,
    OURS_TWICE,
    System,
)
from benchmarks.one_row import Figures, goals, middle, render
from benchmarks.settings import Settings


def figures(cpu: float, start: float = 1.0, memory: float = 1e8, failed: float = 0) -> Figures:
    return Figures(cpu, 1 / cpu, 0.001, 0.002, start, memory, failed)


def test_the_median_of_the_rounds_is_taken_of_each_figure_and_failures_are_summed() -> None:
    rounds = [figures(3e-5, 9, failed=1), figures(1e-5, 1), figures(2e-5, 5, failed=2)]
    found = middle(rounds)
    assert (found.cpu, found.start, found.failed) == (2e-5, 5, 3)
    assert found.per_second == 1 / 2e-5


def test_every_system_has_a_column_or_a_reason() -> None:
    results = {OURS: [figures(5e-5)], FLASK_SYNC: [figures(1e-2)]}
    text = render(results, {MLSERVER: "does not install: no wheel"}, Settings(rounds=1))
    heading, cpu = (next(x for x in text.splitlines() if key in x) for key in ("Flask", "CPU per"))
    assert heading == "|  | Mirante | Flask, gunicorn sync |"
    assert cpu == "| CPU per request, µs | 50 | 10,000 |"
    assert "| Mirante ÷ it: CPU per request | 1 | 0.005 |" in text
    assert "- Not measured: MLServer, which does not install: no wheel." in text


def test_the_goals_compare_with_the_hardest_of_each_kind() -> None:
    middles: dict[System, Figures] = {
        OURS: figures(5e-5, start=0.5),
        OURS_TWICE: figures(5e-5, memory=1.4e8),
        FASTAPI_COMPILED: figures(1e-4),
        FLASK_SYNC: figures(1e-2, start=0.1),
        MLFLOW: figures(2e-2, start=5, memory=4e8),
        BENTOML: figures(2e-2, start=2, memory=2e8),
    }
    assert [goal.measured for goal in goals(middles)] == [0.5, 0.005, 0.25, 0.7]
    assert [goal.measured for goal in goals({OURS: middles[OURS]})] == [None] * 4
