from __future__ import annotations

import pyarrow as pa
import pytest

from tables.texts import Texts, texts_of

CELLS = ["a", "", None, "b"]


def test_an_empty_cell_is_an_empty_text_and_null_in_the_array() -> None:
    texts = texts_of(CELLS)
    assert (len(texts), list(texts)) == (4, ["a", "", "", "b"])
    assert texts.array.null_count == 2
    assert [texts[0], texts[2], texts[-1], texts[1:3]] == ["a", "", "b", ["", ""]]
    with pytest.raises(IndexError):
        texts[4]


def test_chunks_are_one_column() -> None:
    texts = Texts(pa.chunked_array([["a"], [], ["b", None]], pa.string()))
    assert list(texts) == ["a", "b", ""]
    assert texts == ["a", "b", ""]
    assert texts != ["a", "b"]
