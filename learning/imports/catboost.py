"""Ready-made CatBoost models: .cbm files.

A model without categories is brought into the neutral form of `learning.compile.trees`
and compiled: CatBoost's trees are oblivious, their borders are float32, and a
value above the border answers the next bit of the leaf's place with 1.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from errors import ArtifactError, EquivalenceError, ModelFileError
from learning.compile.compilation import compile_forest
from learning.compile.equivalence import probes, prove
from learning.compile.trees import AtMost, Forest, Is, Leaf, Link, Node, Split
from learning.imports.example import Example
from learning.imports.imported import GOLDEN_ROWS, Imported, class_of, encoded, reproduce
from learning.runtimes.catboost import CatBoostRuntime, Column, Columns, dump, read_model
from tables.rows import LARGEST
from tables.schema import Feature, Label, Schema

TOLERANCE = 1e-6
# float32 holds whole numbers up to this one.
LARGEST_CODE = 2**24
# Deeper oblivious trees have more leaves than are worth compiling.
DEEPEST = 10


def import_cbm(data: bytes, example: Example, target: str) -> Imported:
    """Return the model of a .cbm file: compiled where it has no categories, else CatBoost's own.

    Raises ModelFileError for a model that is no classifier or reads other
    columns, DependencyError when CatBoost is not installed.
    """
    try:
        model = read_model(data)
    except ArtifactError as error:
        raise ModelFileError(str(error)) from None
    features = _features(model, example)
    label = Label(target, tuple(class_of(value) for value in np.asarray(model.classes_).tolist()))
    if len(label.classes) < 2:
        raise ModelFileError("the model is not a classifier")
    schema = Schema(features, label)
    columns = _columns(model, schema, example.words)
    batch = encoded(schema, example.rows)
    expected = CatBoostRuntime(model, columns).probabilities(batch)
    name, members, reason = "catboost", dump(data, columns), None
    if not model.get_cat_feature_indices():
        try:
            compiled = compile_forest(_forest(model, schema, columns))
            tried, _ = reproduce("onnx", compiled.members, batch, expected, TOLERANCE)
            near = probes(batch, schema, compiled.thresholds, seed=0)
            prove(CatBoostRuntime(model, columns).probabilities, tried, [near])
            name, members = "onnx", compiled.members
        except (ModelFileError, EquivalenceError) as error:
            reason = str(error)
    runtime, proof = reproduce(name, members, batch, expected, TOLERANCE)
    info = {
        "model_name": "CatBoostClassifier",
        "num_trees": int(model.tree_count_),
        "num_features": len(features),
        "feature_importances": _importances(model, columns, schema),
    }
    rows, answers = example.rows[:GOLDEN_ROWS], runtime.probabilities(batch)[:GOLDEN_ROWS]
    origin = {"imported_from": "a .cbm file"}
    return Imported(schema, name, members, rows, answers.tolist(), info, origin, proof, reason)


def _features(model: Any, example: Example) -> tuple[Feature, ...]:
    """Return the features in the model's order, if it names them; else the example's."""
    given = {feature.name: feature for feature in example.features}
    names = [str(name) for name in model.feature_names_]
    if len(names) != len(given):
        raise ModelFileError(f"the model reads {len(names)} columns; the example has {len(given)}")
    if set(names) == set(given):
        ordered = [given[name] for name in names]
    elif all(name.isdigit() for name in names):
        ordered = list(example.features)
    else:
        odd = next(name for name in names if name not in given)
        raise ModelFileError(f"the model reads a column {odd}, which the example has not")
    categories = set(model.get_cat_feature_indices())
    return tuple(_feature(f, place in categories) for place, f in enumerate(ordered))


def _feature(feature: Feature, category: bool) -> Feature:
    if not category:
        if feature.kind == "text":
            raise ModelFileError(
                f"the model reads {feature.name} as a number; the example has text"
            )
        return feature
    if feature.kind != "number":
        return feature
    if not max(abs(feature.minimum or 0), abs(feature.maximum or 0)) < LARGEST_CODE:
        raise ModelFileError(
            f"the codes of {feature.name} are too large: {LARGEST_CODE} is the most"
        )
    return msgspec.structs.replace(feature, kind="integer", example=int(feature.example))


def _columns(model: Any, schema: Schema, words: frozenset[str]) -> Columns:
    categories = set(model.get_cat_feature_indices())
    numeric, texts = list(schema.numeric), list(schema.texts)
    made = []
    for place, feature in enumerate(schema.features):
        if feature.kind == "text":
            made.append(Column("text", texts.index(feature)))
        else:
            kind = "word" if feature.name in words else feature.kind
            spelt: Any = kind if place in categories else "number"
            made.append(Column(spelt, numeric.index(feature)))
    return Columns(tuple(made), tuple(range(len(schema.label.classes))))


def _importances(model: Any, columns: Columns, schema: Schema) -> dict[str, float]:
    found = np.asarray(model.get_feature_importance(), dtype=float)
    total = found.sum() or 1.0
    named = {f.name: float(v / total) for f, v in zip(schema.features, found, strict=True)}
    return dict(sorted(named.items(), key=lambda pair: (-pair[1], pair[0])))


# ---------------------------------------------------------------- compiled


def _forest(model: Any, schema: Schema, columns: Columns) -> Forest:
    """Return the trees of a model without categories. Raises ModelFileError for other trees."""
    document = _document(model)
    trees = document.get("oblivious_trees")
    if not trees or any(len(tree.get("splits") or ()) > DEEPEST for tree in trees):
        raise ModelFileError("its trees are not oblivious, or too deep")
    outputs = 1 if len(schema.label.classes) == 2 else len(schema.label.classes)
    scale, bias = document["scale_and_bias"]
    floats = document["features_info"]["float_features"]
    builder = _Builder(floats, columns, outputs, float(scale))
    link: Link = "logistic" if outputs == 1 else "softmax"
    return Forest(
        tuple(builder.tree(tree) for tree in trees),
        len(schema.numeric), outputs, link, tuple(float(b) for b in bias),
    )  # fmt: skip


def _document(model: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.json")
        model.save_model(str(file), format="json")
        document: dict[str, Any] = json.loads(file.read_bytes())
    return document


class _Builder:
    """Unfolds oblivious trees into plain ones."""

    def __init__(
        self, floats: list[dict[str, Any]], columns: Columns, outputs: int, scale: float
    ) -> None:
        self._indices = {
            f["feature_index"]: columns.columns[f["flat_feature_index"]].place for f in floats
        }
        # AsFalse: a missing value is below every border; AsTrue: above; AsIs: it never came.
        below = {"AsFalse": True, "AsTrue": False}
        self._missing = {f["feature_index"]: below.get(f["nan_value_treatment"]) for f in floats}
        self._outputs = outputs
        self._scale = scale

    def tree(self, tree: dict[str, Any]) -> Node:
        splits = list(enumerate(tree.get("splits") or ()))
        return self._node(splits, 0, tree["leaf_values"])

    def _node(
        self, splits: list[tuple[int, dict[str, Any]]], leaf: int, values: list[float]
    ) -> Node:
        if not splits:
            found = values[leaf * self._outputs : (leaf + 1) * self._outputs]
            return Leaf(tuple(self._scale * value for value in found))
        (bit, split), rest = splits[-1], splits[:-1]
        below, above = self._node(rest, leaf, values), self._node(rest, leaf | 1 << bit, values)
        feature, border = split["float_feature_index"], float(np.float32(split["border"]))
        place, missing = self._indices[feature], self._missing[feature]
        if abs(border) == LARGEST:
            # At the ends of float32 stands the border that tells missing values from all others.
            yes, no = (below, above) if border < 0 else (above, below)
            return Split(Is(place, None, True), yes, no)
        return Split(AtMost(place, border, missing), below, above)
