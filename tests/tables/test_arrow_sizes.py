from __future__ import annotations

from typing import Any

import pytest

from tables.arrow_sizes import bytes_of_texts

pa = pytest.importorskip("pyarrow")

TEXTS = ["one", None, "éé", "a text that is longer than a view holds", ""]
BYTES = sum(len((text or "").encode()) for text in TEXTS)


def size(*arrays: Any) -> int:
    return bytes_of_texts(
        pa.RecordBatch.from_arrays(list(arrays), names=[str(i) for i in range(len(arrays))])
    )


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "binary_view"])
def test_texts_are_as_long_as_they_are(kind: str):
    array = pa.array(TEXTS, getattr(pa, kind)())
    assert size(array) == BYTES
    assert size(array.slice(1, 3)) == BYTES - 3


def test_what_is_no_text_takes_nothing():
    assert size(pa.array([1, 2]), pa.array([None, 2.5]), pa.nulls(2)) == 0


def test_a_text_that_rows_share_counts_for_each():
    words = pa.array(["x" * 1000, "y"])
    shared = pa.DictionaryArray.from_arrays(pa.array([0, 0, None, 1, 0], pa.int8()), words)
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 5], pa.int32()), words)
    of_views = pa.DictionaryArray.from_arrays(
        pa.array([0] * 5, pa.uint8()), words.cast(pa.string_view())
    )
    assert size(shared) == 3001
    assert size(runs) == 2003
    assert size(runs.slice(1, 2)) == 1001
    assert size(of_views) == 5000
