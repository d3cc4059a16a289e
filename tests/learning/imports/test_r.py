"""Which model of R a document holds. Real ones are in tests/clients."""

from __future__ import annotations

import msgspec
import pytest

from errors import ModelFileError
from learning.imports.r import import_r
from tests.learning.imports import test_glm, test_ranger


def test_a_document_is_taken_in_by_the_kind_that_it_names() -> None:
    regression, forest = test_glm.document(["no", "yes"]), test_ranger.document(1.0)
    forest["predictions"] = [test_ranger.LEFT] * 2 + [test_ranger.RIGHT] * 2
    made = [import_r(msgspec.json.encode(given)) for given in (regression, forest)]
    assert [one.runtime_name for one in made] == ["linear", "onnx"]
    regression["model"]["kind"] = "ranger"
    with pytest.raises(ModelFileError):  # it has no trees
        import_r(msgspec.json.encode(regression))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        import_r(data)
