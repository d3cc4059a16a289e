"""What metadata says of a model: what may be sent, and what can be asked for."""

from __future__ import annotations

import numpy as np

from serving.protocols.oip.model_metadata import metadata
from serving.protocols.oip.tensors import decode_tensors, tensor_of
from tests.serving.explained import live_of
from tests.serving.factory import make_live


def test_metadata_says_what_an_example_row_may_be_sent_as():
    live = make_live()
    answered = metadata(live)
    assert [one["datatype"] for one in answered["inputs"]] == ["INT64", "FP64", "BYTES", "BOOL"]
    assert answered["outputs"][1]["shape"] == [-1, 2]
    example = live.schema.example
    tensors = [
        tensor_of(i["name"], i["datatype"], [1], [example[i["name"]]]) for i in answered["inputs"]
    ]
    decoded = decode_tensors(live.codec, tensors).batch.matrix
    assert np.array_equal(decoded, live.codec.encode_objects([example]).matrix)


def test_a_model_that_can_be_explained_has_outputs_for_it():
    live = live_of()
    found = {one["name"]: (one["datatype"], one["shape"]) for one in metadata(live)["outputs"]}
    assert found["contributions"] == ("FP64", [-1, len(live.schema.features)])
    assert found["baseline"] == ("FP64", [-1])
    assert found["contributions_space"] == found["contributions_class"] == ("BYTES", [-1])
    assert "contributions" not in {one["name"] for one in metadata(make_live())["outputs"]}
    assert "contributions_class" not in {o["name"] for o in metadata(live_of("age"))["outputs"]}
