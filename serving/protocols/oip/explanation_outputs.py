"""The outputs that explain an answer: contributions, baseline, their space and class.

They are answered where a request names one of them, or says so by its parameter `explain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from serving.champions import Live
from serving.contributions import ASKED, OF, Contributions, Wanted
from serving.exchange import Exchange
from serving.explanations import NO_NUMBER, wanted_whole
from serving.protocols.oip.tensors import OUTPUTS, Tensor
from serving.protocols.oip.values import BYTES, Values
from serving.refusals import RequestError

CONTRIBUTIONS, BASELINE = "contributions", "baseline"
SPACE, CLASS = "contributions_space", "contributions_class"
NAMES = (CONTRIBUTIONS, BASELINE, SPACE, CLASS)


def wanted_of(
    exchange: Exchange, parameters: Mapping[str, Any], outputs: Iterable[str]
) -> Wanted | None:
    """Return the explanation that parameters, the names of outputs or the query ask for, or None.

    Raises RequestError.
    """
    queried = wanted_whole(exchange.query)
    of = parameters.get(OF)
    if of is not None and not isinstance(of, str):
        raise RequestError(f"{OF}: expected a class as a text")
    if not (queried or _is_set(parameters) or not set(NAMES).isdisjoint(outputs)):
        return None
    return Wanted(of=of if of is not None else queried.of if queried else None)


def _is_set(parameters: Mapping[str, Any]) -> bool:
    value = parameters.get(ASKED)
    if value not in (None, True, False, "1", "true", "0", "false"):
        raise RequestError(NO_NUMBER)
    return value in (True, "1", "true")


def explanation_columns(live: Live) -> dict[str, dict[str, Any]]:
    """Return the metadata of the outputs that explain a model's answers, by name; or nothing.

    Contributions are in the order of the inputs.
    """
    if live.explainer is None:
        return {}
    shapes = {CONTRIBUTIONS: [-1, len(live.schema.features)], BASELINE: [-1], SPACE: [-1]}
    datatypes = {CONTRIBUTIONS: "FP64", BASELINE: "FP64", SPACE: BYTES}
    if live.keys:
        shapes[CLASS] = [-1]
        datatypes[CLASS] = OUTPUTS[live.task.columns(live.schema.target)[0].kind]
    return {
        name: {"name": name, "datatype": datatypes[name], "shape": shape}
        for name, shape in shapes.items()
    }


def explanation_tensors(live: Live, found: Contributions) -> dict[str, Tensor]:
    """Return the outputs by name; the contributions' parameter `features` names their columns."""
    names = [feature.name for feature in live.schema.features]
    rows = len(found.values)
    data: dict[str, Values] = {
        CONTRIBUTIONS: found.values.ravel().tolist(),
        BASELINE: found.baselines,
        SPACE: [found.space] * rows,
        CLASS: list(found.classes),
    }
    listed = {"features": msgspec.json.encode(names).decode()}
    return {
        name: Tensor(
            name,
            told["datatype"],
            (rows, *told["shape"][1:]),
            data[name],
            listed if name == CONTRIBUTIONS else None,
        )
        for name, told in explanation_columns(live).items()
    }
