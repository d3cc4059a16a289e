"""The document that R's scripts write: what it says, and what does not hang together."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from errors import ModelFileError
from learning.imports.document import read_document

COLUMNS: list[dict[str, Any]] = [
    {"name": "x", "kind": "integer", "range": [0, 9]},
    {"name": "new", "kind": "logical", "range": [0, 1]},
    {"name": "colour", "kind": "factor", "levels": ["red", "blue"]},
]
GIVEN: dict[str, Any] = {
    "format": 1,
    "label": "y",
    "classes": ["yes", "no"],
    "columns": COLUMNS,
    "model": {"kind": "glm", "version": "4.2", "intercept": [0], "weights": [[1], [0], [0, 1]]},
    "rows": {"x": [1, 2], "new": [1, 0], "colour": ["red", "blue"]},
    "predictions": [[0.25, 0.75], [0.5, 0.5]],
    "made_with": "R",
}


def read(**other: Any) -> Any:
    return read_document(msgspec.json.encode(GIVEN | other))


def test_classes_and_predictions_stand_in_the_target_s_order() -> None:
    document = read()
    assert document.schema().target.classes == ("no", "yes")
    assert document.expected().tolist() == [[0.75, 0.25], [0.5, 0.5]]


def test_columns_are_features_with_r_s_ranges_and_levels() -> None:
    features = read().schema().features
    assert [(f.name, f.kind, f.example) for f in features] == [
        ("x", "integer", 1),
        ("new", "boolean", True),
        ("colour", "category", "red"),
    ]
    assert (features[0].minimum, features[0].maximum) == (0, 9)
    assert features[2].categories == ("red", "blue")


def test_rows_are_a_batch_by_r_s_codes() -> None:
    assert read().batch().matrix.tolist() == [[1, 1, 0], [2, 0, 1]]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"format": 2}, "exported in format 2; this release reads format 1"),
        ({"columns": []}, "expected columns"),
        ({"columns": [COLUMNS[0], COLUMNS[0]]}, "each of another name"),
        ({"label": "x"}, "the label x is one of the columns"),
        ({"columns": [{"name": "x", "kind": "integer"}]}, "column x has no range"),
        ({"columns": [{"name": "c", "kind": "factor"}]}, "a factor without levels"),
        ({"predictions": []}, "expected rows"),
        ({"predictions": [[1.0]]}, "prediction for every class"),
        ({"rows": {"x": [1, 2]}}, "expected 2 values of column new"),
        ({"model": {"kind": "svm"}}, "not a model exported by the scripts"),
    ],
)
def test_what_does_not_hang_together_is_refused(other: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        read(**other)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 5000, b"{}"])
def test_bytes_that_are_no_document_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="not a model exported"):
        read_document(data)


def test_a_document_of_more_than_ten_thousand_columns_is_refused() -> None:
    columns = [{"name": str(i), "kind": "number", "range": [0, 1]} for i in range(10_001)]
    rows = {str(i): [0, 0] for i in range(10_001)}
    with pytest.raises(ModelFileError, match="expected columns"):
        read(columns=columns, rows=rows)
    assert len(read(columns=columns[1:], rows=rows).columns) == 10_000
