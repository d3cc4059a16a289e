from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from learning.compile.graph import forest_graph
from learning.forms.trees import AtMost, Forest, Leaf, Node, Split
from learning.runtimes import onnx
from learning.runtimes.onnx import CHUNK, OnnxRuntime
from tables.batch import Batch


def staircase(outputs: int = 1) -> OnnxRuntime:
    """A model whose probability climbs with the only feature, from 0 to 1."""
    tree: Node = Leaf((1.0,) * outputs)
    for step in range(99, -1, -1):
        tree = Split(AtMost(0, step / 100), Leaf((step / 100,) * outputs), tree)
    return OnnxRuntime(forest_graph(Forest((tree,) * 20, 1, outputs)))


def rows(count: int) -> Batch:
    return Batch(np.linspace(0, 0.99, count, dtype=np.float32)[:, None])


@pytest.mark.parametrize("count", [2, CHUNK, CHUNK + 1, 20 * CHUNK + 7])
def test_a_batch_of_any_size_keeps_its_order(count: int) -> None:
    answers = staircase().outputs(rows(count))
    assert answers.shape == (count, 2)
    assert np.abs(answers[:, 1] - rows(count).matrix[:, 0]).max() < 0.011
    assert (np.diff(answers[:, 1]) >= 0).all()


def test_many_columns_are_made_of_fewer_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "CHUNK_NUMBERS", 14)
    runtime = staircase()
    run, asked = runtime._session.run, []

    def watched(wanted: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        asked.append(len(given["columns"]))
        return run(wanted, given)

    monkeypatch.setattr(runtime._session, "run", watched)
    assert np.array_equal(runtime.outputs(rows(30)), staircase().outputs(rows(30)))
    assert set(asked) == {7, 2}


@pytest.mark.parametrize("outputs", [1, 3])
def test_no_rows_have_no_answers(outputs: int) -> None:
    answers = staircase(outputs).outputs(Batch(np.empty((0, 1), np.float32)))
    assert answers.shape == (0, max(outputs, 2))


@pytest.mark.parametrize("outputs", [1, 3])
def test_an_answer_is_not_overwritten_by_the_next(outputs: int) -> None:
    runtime = staircase(outputs)
    first = runtime.outputs(rows(1))
    kept = first.copy()
    runtime.outputs(Batch(np.array([[0.9]], np.float32)))
    assert np.array_equal(first, kept)


def test_threads_do_not_disturb_each_other() -> None:
    runtime = staircase()
    given = rows(200).matrix

    def ask(index: int) -> float:
        return float(runtime.outputs(Batch(given[index % 200][None]))[0, 1])

    wanted = [ask(i) for i in range(2000)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(2000))) == wanted


def test_idle_threads_take_no_processor() -> None:
    runtime = staircase()
    runtime.outputs(rows(20 * CHUNK))
    started = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - started < 0.03


def test_a_session_made_after_a_fork_serves_and_exits_cleanly() -> None:
    model = forest_graph(Forest((Leaf((0.25,)),), 1, 1))
    child = os.fork()
    if child == 0:
        runtime = OnnxRuntime(model)
        right = all(runtime.outputs(rows(n))[0, 1] == 0.25 for n in (1, 3 * CHUNK))
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_library_is_told_to_report_nothing_to_its_maker(root: Path) -> None:
    code = "import os, learning.runtimes.onnx; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env={}, capture_output=True, text=True
    )
    assert done.stdout == "1\n", done.stderr
