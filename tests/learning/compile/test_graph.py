"""The graph is held against the plainest reading of the trees: a walk in Python."""

from __future__ import annotations

from math import exp, inf, isnan
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from learning.compile.graph import float32_at_most, forest_graph
from learning.forms.trees import AtMost, Forest, Is, Leaf, Node, Split, Test
from learning.runtimes.onnx import OnnxRuntime
from tables.batch import Batch

NAN = float("nan")


def walked(node: Node, row: list[float]) -> tuple[float, ...]:
    while isinstance(node, Split):
        node = node.yes if holds(node.test, row[node.test.feature]) else node.no
    return node.values


def holds(test: Test, value: float) -> bool:
    if isnan(value):
        return bool(test.missing)
    return value <= test.threshold if isinstance(test, AtMost) else value == test.code


def random_tree(generator: np.random.Generator, depth: int, outputs: int) -> Node:
    if depth == 0 or generator.random() < 0.1:
        return Leaf(tuple(generator.random(outputs).round(2)), int(generator.integers(1, 50)))
    yes, no = (random_tree(generator, depth - 1, outputs) for _ in range(2))
    return Split(random_test(generator), yes, no, int(generator.integers(1, 50)))


def random_test(generator: np.random.Generator) -> Test:
    kind = generator.integers(4)
    if kind == 0:
        return Is(0, int(generator.integers(4)), bool(generator.integers(2)))
    if kind == 1:
        return Is(0, None, True)
    if kind == 2:  # as imputation leaves it: whether missing follows from the threshold
        threshold = float(generator.normal())
        return AtMost(1, threshold, threshold >= 0.1)
    return AtMost(2, float(generator.normal()), bool(generator.integers(2)))


def random_rows(generator: np.random.Generator, count: int) -> np.ndarray:
    codes = generator.choice([-1, 0, 1, 2, 3, NAN], size=count)
    numbers = generator.normal(size=(count, 2))
    numbers[generator.random((count, 2)) < 0.2] = NAN
    return np.column_stack((codes, numbers)).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("precise", [False, True])
def test_a_graph_answers_as_the_trees_do(seed: int, outputs: int, precise: bool) -> None:
    generator = np.random.default_rng(seed)
    trees = tuple(random_tree(generator, 6, outputs) for _ in range(20))
    rows = random_rows(generator, 300)
    runtime = OnnxRuntime(forest_graph(Forest(trees, 3, outputs), precise))
    wanted = np.mean([[walked(t, row) for row in rows.tolist()] for t in trees], axis=0)
    together = runtime.outputs(Batch(rows))
    alone = np.vstack([runtime.outputs(Batch(rows[i : i + 1])) for i in range(300)])
    assert np.abs(together[:, -outputs:] - wanted).max() < (
        1e-14 if precise and outputs == 1 else 1e-6
    )
    assert np.array_equal(together, alone)


def stump(test: Test, yes_rows: float = 0.0) -> OnnxRuntime:
    tree = Split(test, Leaf((1.0,), yes_rows), Leaf((0.0,), 1.0))
    return OnnxRuntime(forest_graph(Forest((tree,), 1, 1)))


@pytest.mark.parametrize("yes_rows", [0.5, 2.0], ids=["as it is", "turned round"])
@pytest.mark.parametrize("threshold", [0.1, -0.1, 0.0, 1 / 3, 16777217.0, -1e-40, 3e38])
def test_both_sides_of_a_threshold_are_exact(threshold: float, yes_rows: float) -> None:
    runtime = stump(AtMost(0, threshold), yes_rows)
    near = np.float32(threshold)
    for value in (np.nextafter(near, np.float32(-inf)), near, np.nextafter(near, np.float32(inf))):
        answer = runtime.outputs(Batch(np.array([[value]], np.float32)))
        assert answer[0, 1] == float(float(value) <= threshold)


@pytest.mark.parametrize("yes_rows", [0.5, 2.0], ids=["as it is", "turned round"])
@pytest.mark.parametrize("missing", [False, True])
def test_an_infinite_threshold_tells_only_what_is_missing(missing: bool, yes_rows: float) -> None:
    runtime = stump(AtMost(0, inf, missing), yes_rows)
    rows = np.array([[NAN], [1e38], [-1e38], [0.0]], np.float32)
    assert runtime.outputs(Batch(rows))[:, 1].tolist() == [float(missing), 1.0, 1.0, 1.0]


def test_a_threshold_is_rounded_down() -> None:
    assert float32_at_most(0.5) == 0.5
    assert float32_at_most(0.1) < 0.1 < float(np.float32(0.1))
    assert float32_at_most(0.7) == float(np.float32(0.7)) < 0.7


def test_votes_that_tie_are_a_tie() -> None:
    trees = (Leaf((1.0,)), Leaf((0.0,))) * 5
    runtime = OnnxRuntime(forest_graph(Forest(trees, 1, 1)))
    assert runtime.outputs(Batch(np.zeros((1, 1), np.float32))).tolist() == [[0.5, 0.5]]


def test_links_follow_base_and_sum() -> None:
    trees = (Leaf((0.25,)), Leaf((0.5,)))
    runtime = OnnxRuntime(forest_graph(Forest(trees, 1, 1, "logistic", (-1.0,))))
    for count in (1, 2):
        answer = runtime.outputs(Batch(np.zeros((count, 1), np.float32)))
        assert answer[:, 1] == pytest.approx([1 / (1 + exp(0.25))] * count)
    three = (Leaf((0.25, 0.0, 1.0)), Leaf((0.5, 0.0, 0.0)))
    runtime = OnnxRuntime(forest_graph(Forest(three, 1, 3, "softmax", (0.0, 1.0, 0.0))))
    shares = np.exp([0.75, 1.0, 1.0])
    answer = runtime.outputs(Batch(np.zeros((1, 1), np.float32)))
    assert answer[0] == pytest.approx(shares / shares.sum())


def attributes_of(forest: Forest) -> tuple[str, dict[str, Any]]:
    (node,) = onnx.load_from_string(forest_graph(forest)).graph.node
    return node.op_type, {a.name: helper.get_attribute_value(a) for a in node.attribute}


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_graph_is_one_node_of_one_mode_that_tracks_nothing(outputs: int) -> None:
    generator = np.random.default_rng(3)
    trees = tuple(random_tree(generator, 6, outputs) for _ in range(5))
    operator, attributes = attributes_of(Forest(trees, 3, outputs))
    assert "nodes_missing_value_tracks_true" not in attributes
    if outputs == 1:
        assert operator == "TreeEnsemble"
        assert not numpy_helper.to_array(attributes["nodes_modes"]).any()
    else:
        assert operator == "TreeEnsembleRegressor"
        assert set(attributes["nodes_modes"]) == {b"BRANCH_LEQ", b"LEAF"}


def test_the_usual_way_lies_behind_the_node() -> None:
    often, seldom = Leaf((1.0,), 9.0), Leaf((0.0,), 1.0)
    for tree in (
        Split(AtMost(0, 0.0), often, seldom),
        Split(AtMost(0, 0.0), seldom, often),
        Split(Is(0, 1), often, seldom),
    ):
        _, attributes = attributes_of(Forest((tree,), 1, 1))
        assert attributes["nodes_falseleafs"] == [1]
        weights = numpy_helper.to_array(attributes["leaf_weights"])
        assert weights[attributes["nodes_falsenodeids"][0]] == 1.0


def test_values_for_one_output_each_take_the_lean_operator() -> None:
    trees = (
        Split(AtMost(0, 0.0), Leaf((0.0, 3.0, 0.0)), Leaf((0.0, 0.0, 0.0))),
        Split(AtMost(0, 0.0), Leaf((1.0, 0.0, 0.0)), Leaf((0.0, 0.0, 2.0))),
    )
    forest = Forest(trees, 1, 3, "softmax", (0.0, 0.5, 0.0))
    assert attributes_of(forest)[0] == "TreeEnsemble"
    rows = np.array([[-1], [1]], np.float32)
    answers = OnnxRuntime(forest_graph(forest)).outputs(Batch(rows))
    scores = np.exp([[1.0, 3.5, 0.0], [0.0, 0.5, 2.0]])
    assert answers == pytest.approx(scores / scores.sum(axis=1, keepdims=True))
