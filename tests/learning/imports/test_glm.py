"""Logistic regressions of glm by hand. Real ones are in tests/clients."""

from __future__ import annotations

from math import exp
from typing import Any

import msgspec
import pytest

from errors import EquivalenceError, ModelFileError
from learning.imports.imported import encoded
from learning.imports.r import import_r
from learning.runtimes import load_runtime


def document(classes: list[str]) -> dict[str, Any]:
    """The score is 0.5 + 2 x + 1 for colour red."""
    second = [1 / (1 + exp(-score)) for score in (0.5, 1.5)]
    return {
        "format": 1,
        "label": "y",
        "classes": classes,
        "columns": [
            {"name": "x", "kind": "number", "range": [0, 1]},
            {"name": "colour", "kind": "factor", "levels": ["blue", "red"]},
        ],
        "model": {"kind": "glm", "version": "4.2.2", "intercept": [0.5], "weights": [[2], [0, 1]]},
        "rows": {"x": [0, 0], "colour": ["blue", "red"]},
        "predictions": [[1 - p, p] for p in second],
        "made_with": "R",
    }


@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"], ["FALSE", "TRUE"], ["0", "1"]])
def test_the_second_of_rs_classes_has_the_score(classes: list[str]) -> None:
    made = import_r(msgspec.json.encode(document(classes)))
    assert made.runtime_name == "linear"
    batch = encoded(made.schema, [{"x": 1, "colour": "red"}, {"x": 0, "colour": "pink"}])
    probabilities = load_runtime("linear", made.members).outputs(batch)
    second = made.schema.target.classes.index(made.schema.target.classes[classes[0] < classes[1]])
    assert probabilities[:, second].tolist() == pytest.approx(
        [1 / (1 + exp(-3.5)), 1 / (1 + exp(-0.5))]
    )
    kinds = {"FALSE": (False, True), "0": (0, 1)}
    assert made.schema.target.classes == kinds.get(classes[0], ("no", "yes"))


def test_a_weight_for_every_level_is_needed() -> None:
    given = document(["no", "yes"])
    given["model"]["weights"] = [[2], [1]]
    with pytest.raises(ModelFileError, match="colour has not as many weights"):
        import_r(msgspec.json.encode(given))


@pytest.mark.parametrize(("by", "met"), [(9e-7, True), (1.1e-6, False)])
def test_rs_own_predictions_are_met_to_a_millionth(by: float, met: bool) -> None:
    given = document(["no", "yes"])
    given["predictions"] = [[no + by, yes - by] for no, yes in given["predictions"]]
    data = msgspec.json.encode(given)
    if met:
        assert import_r(data).parity is not None
    else:
        with pytest.raises(EquivalenceError, match=r"1\.1e-06 away from the answer"):
            import_r(data)
