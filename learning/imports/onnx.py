"""Ready-made ONNX graphs: .onnx files of a classifier, or of a quantity.

The graph is kept as it is, with a few nodes before it that make its inputs of
the batch's matrix: one `[n, d]` of all features, or `[n, 1]` of each by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from errors import ModelFileError
from learning.explanation import unexplained
from learning.imports.example import Example
from learning.imports.imported import Imported, class_of, encoded, reproduce
from learning.runtimes.onnx import LINK, MEMBER, OnnxRuntime
from learning.trained import golden_of
from tables.batch import Batch
from tables.quantity import QUANTITY
from tables.schema import Class, Feature, Schema, Target

# What a probability may lie outside of 0 to 1, and a row's sum off 1.
SLACK = 1e-4
TOLERANCE = 1e-6
ROWS = "mirante_rows"
# What makes quantities, among the operators of ai.onnx.ml.
REGRESSORS = frozenset({"LinearRegressor", "SVMRegressor", "TreeEnsembleRegressor"})
_NUMBERS: dict[int, Any] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.INT64: np.int64,
    TensorProto.INT32: np.int32,
    TensorProto.BOOL: np.bool_,
}


class _Answer(NamedTuple):
    """The output that holds the answers, and the classes if the graph names them.

    `quantity` says that what makes the output is a regressor.
    """

    output: str
    classes: tuple[Class, ...]
    quantity: bool = False


def import_onnx(data: bytes, example: Example, target: str) -> Imported:
    """Return the model of an .onnx file, as the compiled runtime.

    An output of one number a row is a quantity where a regressor makes it, or where a row's is
    not between 0 and 1; else it is the probability of the second of two classes.
    Raises ModelFileError for inputs that are not numbers, an output that is neither
    probabilities nor one number, or a graph that ONNX Runtime does not take.
    """
    model = _read(data)
    features = _features(model, example)
    answer = _answer(model)
    _keep_output(model, answer)
    bare = model.SerializeToString()
    order = sorted(range(len(answer.classes)), key=lambda place: answer.classes[place])
    adapted = _adapted(model, [feature.name for feature in features], order)
    width = _width(adapted, features, example, answer)
    if width == 1:
        adapted, label = _quantity(adapted), Target(target, task=QUANTITY)
    else:
        # Only what has been seen to be probabilities: bounds could make others look like some.
        adapted, label = _bounded(adapted), Target(target, _named(answer, order, width))
    schema = Schema(features, label)
    batch = encoded(schema, example.rows)
    expected = _ask(bare, features, batch)
    if width > 1 and expected.shape[1] == 1:
        expected = np.hstack((1.0 - expected, expected))
    if order:
        expected = expected[:, order]
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    runtime, proof = reproduce("onnx", {MEMBER: adapted}, batch, expected, allowed)
    return Imported(
        schema,
        "onnx",
        {MEMBER: adapted},
        *golden_of(example.rows, runtime.outputs(batch)),
        {"model_name": model.graph.name or "ONNX", "num_features": len(features)},
        {"imported_from": f"an .onnx file by {model.producer_name or 'an unknown producer'}"},
        proof,
    ).explained(unexplained("an ONNX graph says what it computes, and not of what rows"))


def _named(answer: _Answer, order: list[int], width: int) -> tuple[Class, ...]:
    classes = tuple(answer.classes[place] for place in order) or tuple(range(width))
    if len(classes) != width:
        raise ModelFileError(f"the graph names {len(classes)} classes, and answers {width} numbers")
    return classes


def _read(data: bytes) -> onnx.ModelProto:
    try:
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's and the checker's errors have no common base
        line = str(error).strip().splitlines()[0][:200] if str(error) else type(error).__name__
        raise ModelFileError(f"not an .onnx file: {line}") from None
    return model


def _inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    constants = {constant.name for constant in model.graph.initializer}
    return [given for given in model.graph.input if given.name not in constants]


def _features(model: onnx.ModelProto, example: Example) -> tuple[Feature, ...]:
    for feature in example.features:
        if feature.kind == "text":
            raise ModelFileError(f"the example has text in {feature.name}; a graph takes numbers")
    inputs = _inputs(model)
    for given in inputs:
        if given.type.tensor_type.elem_type not in _NUMBERS:
            raise ModelFileError(f"the graph's input {given.name} is not a tensor of numbers")
    if len(inputs) == 1:
        shape = inputs[0].type.tensor_type.shape.dim
        wanted = shape[-1].dim_value if len(shape) == 2 else 0
        if wanted not in (0, len(example.features)):
            have = len(example.features)
            raise ModelFileError(f"the graph reads {wanted} columns; the example has {have}")
        return example.features
    named = {feature.name: feature for feature in example.features}
    if {given.name for given in inputs} != set(named):
        listed = ", ".join(given.name for given in inputs)
        raise ModelFileError(f"the graph's inputs are {listed}; the example has others")
    return tuple(named[given.name] for given in inputs)


def _answer(model: onnx.ModelProto) -> _Answer:
    """Return where the probabilities come out, a map of classes undone."""
    makers = {name: node for node in model.graph.node for name in node.output}
    classes = next(filter(None, map(_classes, model.graph.node)), ()) or _chosen(model, makers)
    floats = []
    for output in model.graph.output:
        maker = makers.get(output.name)
        if maker is not None and maker.op_type == "ZipMap":
            return _Answer(maker.input[0], _classes(maker))
        if output.type.tensor_type.elem_type in (TensorProto.FLOAT, TensorProto.DOUBLE):
            floats.append(output.name)
    if not floats:
        raise ModelFileError("the graph has no output of probabilities: a tensor of floats")
    found = next((name for name in floats if "prob" in name.lower()), floats[-1])
    made_by = makers.get(found)
    return _Answer(found, classes, made_by is not None and made_by.op_type in REGRESSORS)


def _classes(node: onnx.NodeProto) -> tuple[Class, ...]:
    for attribute in node.attribute:
        if attribute.name.startswith("classlabels_"):
            found = helper.get_attribute_value(attribute)
            return tuple(class_of(v.decode() if isinstance(v, bytes) else v) for v in found)
    return ()


def _chosen(model: onnx.ModelProto, makers: Mapping[str, onnx.NodeProto]) -> tuple[Class, ...]:
    """Return the classes that a graph of plain operators picks the likeliest of."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "ArrayFeatureExtractor" or node.input[0] not in constants:
            continue
        maker = makers.get(node.input[1])
        if maker is not None and maker.op_type == "ArgMax":
            found = numpy_helper.to_array(constants[node.input[0]]).ravel().tolist()
            return tuple(class_of(v.decode() if isinstance(v, bytes) else v) for v in found)
    return ()


def _keep_output(model: onnx.ModelProto, answer: _Answer) -> None:
    found = [output for output in model.graph.output if output.name == answer.output]
    shape = [None, len(answer.classes) or None]
    kept_output = [
        *found,
        # What went into a map of classes was no output.
        helper.make_tensor_value_info(answer.output, TensorProto.FLOAT, shape),
    ][0]
    del model.graph.output[:]
    model.graph.output.append(kept_output)
    kept = [node for node in model.graph.node if node.op_type != "ZipMap"]
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _adapted(model: onnx.ModelProto, names: list[str], order: list[int]) -> bytes:
    """Return the graph that takes a batch's matrix, and answers in the order of the classes."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    nodes = [n for given in _inputs(model) for n in _before(whole, given, names)]
    nodes += list(whole.graph.node)
    if order != sorted(order):
        indices = _constant(whole, np.array(order, dtype=np.int64))
        output = whole.graph.output[0].name
        nodes.append(helper.make_node("Gather", [output, indices], ["mirante_sorted"], axis=1))
        whole.graph.output[0].name = "mirante_sorted"
    del whole.graph.node[:], whole.graph.input[:]
    whole.graph.node.extend(nodes)
    shape = [None, len(names)]
    whole.graph.input.append(helper.make_tensor_value_info(ROWS, TensorProto.FLOAT, shape))
    if not any(opset.domain == "" for opset in whole.opset_import):
        whole.opset_import.append(helper.make_opsetid("", 13))
    data: bytes = whole.SerializeToString()
    return data


def _before(
    model: onnx.ModelProto, given: onnx.ValueInfoProto, names: list[str]
) -> list[onnx.NodeProto]:
    """Return the nodes that make an input of the matrix."""
    kind = given.type.tensor_type.elem_type
    if len(_inputs(model)) == 1:
        return [helper.make_node("Cast", [ROWS], [given.name], to=kind)]
    place = names.index(given.name)
    # A tensor of one dimension is gathered by a place that has none.
    flat = len(given.type.tensor_type.shape.dim) == 1
    index = _constant(model, np.array(place if flat else [place], dtype=np.int64))
    column = f"mirante_{given.name}"
    return [
        helper.make_node("Gather", [ROWS, index], [column], axis=1),
        helper.make_node("Cast", [column], [given.name], to=kind),
    ]


def _bounded(data: bytes) -> bytes:
    """Return the graph with its answers kept within 0 and 1, which sums of floats may leave."""
    model = onnx.load_from_string(data)
    output = model.graph.output[0]
    number = _NUMBERS[output.type.tensor_type.elem_type]
    lowest, highest = (_constant(model, np.array([v], dtype=number)) for v in (0, 1))
    given, output.name = output.name, "mirante_probabilities"
    model.graph.node.append(helper.make_node("Max", [given, lowest], ["mirante_positive"]))
    model.graph.node.append(helper.make_node("Min", ["mirante_positive", highest], [output.name]))
    bounded: bytes = model.SerializeToString()
    return bounded


def _constant(model: onnx.ModelProto, value: NDArray[Any]) -> str:
    name = f"mirante_constant{len(model.graph.initializer)}"
    model.graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def _quantity(data: bytes) -> bytes:
    """Return the graph with its answer as one column of floats, which says that it is no class."""
    model = onnx.load_from_string(data)
    output = model.graph.output[0]
    shape = _constant(model, np.array([-1, 1], dtype=np.int64))
    model.graph.node.append(helper.make_node("Reshape", [output.name, shape], ["mirante_value"]))
    kind = output.type.tensor_type.elem_type
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("mirante_value", kind, [None, 1]))
    helper.set_model_props(model, {LINK: "identity"})
    made: bytes = model.SerializeToString()
    return made


def _width(model: bytes, features: tuple[Feature, ...], example: Example, answer: _Answer) -> int:
    """Return how many probabilities a row is answered with, 1 for a quantity.

    Raises ModelFileError.
    """
    batch = encoded(Schema(features, Target("", (0, 1))), example.rows)
    try:
        plain = OnnxRuntime(_quantity(model)).outputs(batch)
        one = not answer.classes and plain.shape == (len(batch.matrix), 1)
        if one and (answer.quantity or plain.min() < -SLACK or plain.max() > 1.0 + SLACK):
            return 1
        answered = OnnxRuntime(model).outputs(batch)
    except Exception as error:  # ONNX Runtime's errors have no common base
        line = str(error).strip().splitlines()[0][:200]
        raise ModelFileError(f"ONNX Runtime does not take it: {line}") from None
    if answered.ndim != 2 or answered.shape[1] < 2:
        raise ModelFileError("the graph's output is not a row of probabilities for each row")
    sums = answered.sum(axis=1)
    if answered.min() < -SLACK or not np.abs(sums - 1.0).max() <= SLACK:
        raise ModelFileError("the graph's output is not probabilities: they do not add up to 1")
    return int(answered.shape[1])


def _ask(model: bytes, features: tuple[Feature, ...], batch: Batch) -> NDArray[np.float64]:
    """Return what the graph answers to its own inputs, without a node of ours."""
    from learning.runtimes.onnx import open_session

    session = open_session(model)
    given: dict[str, Any] = {}
    for one in _inputs(onnx.load_from_string(model)):
        kind = _NUMBERS[one.type.tensor_type.elem_type]
        given[one.name] = batch.matrix.astype(kind)
    if len(given) > 1:
        names = [feature.name for feature in features]
        given = {n: column[:, [names.index(n)]] for n, column in given.items()}
        flat = {i.name for i in session.get_inputs() if len(i.shape) == 1}
        given = {n: column.ravel() if n in flat else column for n, column in given.items()}
    answered = np.asarray(session.run(None, given)[0], dtype=np.float64)
    return answered.reshape(len(answered), -1)
