"""scikit-learn's boosted trees over histograms, as trees over raw features."""

from __future__ import annotations

from typing import Any

import numpy as np

from learning.forms.sources import CannotFold, Columned
from learning.forms.splits import Branch, Values, link, only, split
from learning.forms.trees import Forest, Leaf, Node


def histograms(given: Columned, weight: float = 1.0) -> Forest:
    """Return the trees, leaves and base times a weight. Raises CannotFold."""
    model = given.model
    if getattr(model, "_preprocessor", None) is not None:
        raise CannotFold("HistGradientBoostingClassifier has categories of its own")
    outputs = len(model._predictors[0])
    trees = tuple(
        _histogram_tree(given, tree.nodes, only(output, outputs, weight))
        for stage in model._predictors
        for output, tree in enumerate(stage)
    )
    base = tuple((weight * np.ravel(model._baseline_prediction)).tolist())
    return Forest(trees, given.columns, outputs, link(outputs), base)


def _histogram_tree(given: Columned, nodes: Any, values: Values) -> Node:
    if nodes["is_categorical"].any():
        raise CannotFold("HistGradientBoostingClassifier has categories of its own")

    def node(at: int) -> Node:
        this = nodes[at]
        rows = float(this["count"])
        if this["is_leaf"]:
            return Leaf(values(this["value"]), rows)
        threshold, missing = float(this["num_threshold"]), bool(this["missing_go_to_left"])
        below, above = node(this["left"]), node(this["right"])
        return split(given, Branch(this["feature_idx"], threshold, missing, below, above, rows))

    return node(0)
