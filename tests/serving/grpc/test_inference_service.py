"""The protocol's gRPC calls over messages alone; test_server.py has the rest."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from errors import AccessError, ParseError, RowsError, VersionUnknown
from serving.actions import PREDICT, predict
from serving.exchange import Exchange
from serving.grpc.generated import open_inference_pb2
from serving.grpc.inference_service import OpenInference
from serving.http.routes.oip_metadata import server_metadata
from serving.protocols.oip.repository import Repository
from serving.refusals import RequestError
from tests.serving.factory import make_champions, make_live

CHAMPIONS = make_champions(make_live())
ADMIN = b"authorization"


def check_admin(exchange: Exchange) -> None:
    if ADMIN not in exchange.headers:
        raise AccessError("a key is needed")


CALLS = OpenInference(CHAMPIONS, Repository(CHAMPIONS), check_admin)
LIVE = make_live()


def call(method: str, /, headers: dict[bytes, bytes] | None = None, **request: Any) -> Any:
    found = CALLS.find(f"/inference.GRPCInferenceService/{method}")
    assert found is not None
    sent = getattr(open_inference_pb2, f"{method}Request")(**request)
    exchange = Exchange(found, headers or {}, "id", body=sent.SerializeToString())
    exchange.decoded = found.protocol.decode(exchange)
    if found.action == PREDICT:
        predict([exchange])
    reply = getattr(open_inference_pb2, f"{method}Response")
    return reply.FromString(found.protocol.render(exchange).body)


def age(**more: Any) -> dict[str, Any]:
    return {"name": "age", "datatype": "INT64", "shape": [1], **more}


INPUTS = [
    age(contents={"int64_contents": [30]}),
    {
        "name": "home",
        "datatype": "BYTES",
        "shape": [1],
        "contents": {"bytes_contents": [b"rent"]},
    },
    {"name": "records", "datatype": "BOOL", "shape": [1], "contents": {"bool_contents": [False]}},
]


def test_a_path_that_is_none_of_the_calls_is_found_nowhere() -> None:
    assert CALLS.find("/inference.GRPCInferenceService/ModelLoad") is None


def test_the_server_and_its_models_are_live_and_ready() -> None:
    assert call("ServerLive").live
    assert call("ServerReady").ready
    assert call("ServerMetadata").name == "mirante"
    assert call("ModelReady", name="credit").ready
    assert not call("ModelReady", name="nothing").ready
    assert not call("ModelReady", name="credit", version="v0").ready


def test_metadata_names_inputs_and_outputs() -> None:
    found = call("ModelMetadata", name="credit")
    assert [one.name for one in found.inputs] == ["age", "income", "home", "records"]
    assert [one.name for one in found.outputs] == ["label", "probabilities"]


def test_inference_is_answered_in_the_form_of_its_request() -> None:
    reply = call("ModelInfer", model_name="credit", inputs=INPUTS, id="7")
    assert (reply.id, reply.model_version) == ("7", LIVE.version)
    assert list(reply.outputs[0].contents.bool_contents) == [True]
    assert sum(reply.outputs[1].contents.fp64_contents) == pytest.approx(1)
    assert list(reply.raw_output_contents) == []
    raw = [struct.pack("<q", 30), struct.pack("<I", 4) + b"rent", b"\0"]
    bare = [{k: v for k, v in one.items() if k != "contents"} for one in INPUTS]
    reply = call("ModelInfer", model_name="credit", inputs=bare, raw_input_contents=raw)
    assert [len(one) for one in reply.raw_output_contents] == [1, 16]


def test_switches_warnings_and_errors_are_parameters() -> None:
    home = INPUTS[1] | {"contents": {"bytes_contents": [b"tent"]}}
    inputs = [INPUTS[0], home, INPUTS[2]]
    said = call("ModelInfer", model_name="credit", inputs=inputs).parameters
    assert json.loads(said["warnings"].string_param)[0]["field"] == "home"
    strict = {"strict": {"bool_param": True}}
    with pytest.raises(RowsError):
        call("ModelInfer", model_name="credit", inputs=inputs, parameters=strict)
    two = [one | {"shape": [2]} for one in INPUTS]
    two[0]["contents"] = {"int64_contents": [30, 31]}
    two[1]["contents"] = {"bytes_contents": [b"tent", b"rent"]}
    two[2]["contents"] = {"bool_contents": [False, True]}
    switches = {"strict": {"int64_param": 1}, "partial": {"string_param": "true"}}
    reply = call("ModelInfer", model_name="credit", inputs=two, parameters=switches)
    assert json.loads(reply.parameters["rows"].string_param) == [1]
    assert json.loads(reply.parameters["errors"].string_param)[0]["row"] == 0
    assert list(reply.outputs[0].shape) == [1]


def test_classes_content_types_and_extensions_are_those_of_rest() -> None:
    assert list(call("ServerMetadata").extensions) == server_metadata()["extensions"]
    home = INPUTS[1] | {
        "contents": {"bytes_contents": [b"cmVudA=="]},
        "parameters": {"content_type": {"string_param": "base64"}},
    }
    top = {"name": "probabilities", "parameters": {"classification": {"int64_param": 1}}}
    inputs = [INPUTS[0], home, INPUTS[2]]
    reply = call("ModelInfer", model_name="credit", inputs=inputs, outputs=[top])
    assert reply.outputs[0].contents.bytes_contents[0].endswith(b":1:true")
    top["name"] = "label"
    with pytest.raises(RequestError):
        call("ModelInfer", model_name="credit", inputs=inputs, outputs=[top])


def test_models_are_listed_and_loaded_by_who_may_administer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (model,) = call("RepositoryIndex", ready=True).models
    assert (model.name, model.version, model.state) == ("credit", LIVE.version, "READY")
    for method in ("RepositoryModelLoad", "RepositoryModelUnload"):
        with pytest.raises(AccessError):
            call(method, model_name="credit")
        with pytest.raises(RequestError, match="MODELS_FOLDER"):
            call(method, {ADMIN: b""}, model_name="credit")
    changed = []
    monkeypatch.setattr(Repository, "load", lambda _, name: changed.append(name))
    monkeypatch.setattr(Repository, "unload", lambda _, name: changed.append(name))
    # Triton's clients name the model in the second field, KServe's in the first.
    assert call("RepositoryModelLoad", {ADMIN: b""}, model_name="credit").isLoaded
    assert call("RepositoryModelLoad", {ADMIN: b""}, repository_name="iris").model_name == "iris"
    assert call("RepositoryModelUnload", {ADMIN: b""}, model_name="credit").isUnloaded
    assert changed == ["credit", "iris", "credit"]


def test_a_version_that_is_not_live_is_unknown() -> None:
    with pytest.raises(VersionUnknown):
        call("ModelInfer", model_name="credit", model_version="v0", inputs=INPUTS)


def test_raw_contents_are_of_every_input_or_of_none() -> None:
    with pytest.raises(ParseError, match="one for each of the inputs"):
        call("ModelInfer", model_name="credit", inputs=INPUTS, raw_input_contents=[b"x"])
