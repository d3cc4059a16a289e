"""What the Open Inference Protocol calls a model's metadata: its inputs and its outputs."""

from __future__ import annotations

from typing import Any

from serving.champions import Live
from serving.protocols.oip.explanation_outputs import explanation_columns
from serving.protocols.oip.tensors import OUTPUTS, widths
from serving.protocols.oip.values import BYTES
from tables.schema import Feature

PLATFORM = "mirante"
# An integer feature that can be missing needs NaN.
_DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}


def metadata(live: Live) -> dict[str, Any]:
    """Return a model's metadata; -1 stands for any number of rows.

    Outputs that explain are answered on request only.
    """
    return {
        "name": live.name,
        "versions": [live.version],
        "platform": PLATFORM,
        "inputs": [
            {"name": feature.name, "datatype": feature_datatype(feature), "shape": [-1]}
            for feature in live.schema.features
        ],
        "outputs": [
            {"name": c.name, "datatype": OUTPUTS[c.kind], "shape": [-1, *widths(c)]}
            for c in live.task.columns(live.schema.target)
        ]
        + list(explanation_columns(live).values()),
    }


def feature_datatype(feature: Feature) -> str:
    """Return the datatype that a feature's tensor is best given in."""
    if feature.kind == "integer" and feature.nullable:
        return "FP64"
    return _DATATYPES.get(feature.kind, BYTES)
