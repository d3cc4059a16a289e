"""Triton's own client over REST, with nothing changed but the address, against the real server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tritonclient.http as triton

from serving.auth import new_key
from tests.service import CREDIT_ROW, Service, build, serve

IRISES = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], np.float32)
TYPES = {str: ("BYTES", np.object_), int: ("INT64", np.int64)}
TOKEN, KEY = new_key("admin", ["admin"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("triton") / "models"
    for recipe in ("iris", "credit"):
        build(folder, "--recipe", recipe)
    return folder


@pytest.fixture(scope="module")
def service(store: Path) -> Iterator[Service]:
    with serve(store, WEB_CONCURRENCY="1", DEFAULT_MODEL="iris") as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[Any]:
    opened = triton.InferenceServerClient(f"127.0.0.1:{service.port}")
    yield opened
    opened.close()


def tensor(name: str, values: Any, datatype: str) -> Any:
    """A tensor as the client sends it unless it is told otherwise: in binary."""
    given = triton.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values)
    return given


def row(**other: Any) -> list[Any]:
    """Two applicants, a tensor a feature; the values of `other` are those of both."""
    tensors = []
    for name, value in CREDIT_ROW.items():
        datatype, kind = TYPES[type(value)]
        values: Any = np.array(other.get(name, [value] * 2), kind)
        tensors.append(tensor(name, values, datatype))
    return tensors


def test_binary_is_the_default_both_ways(client: Any) -> None:
    answer = client.infer("iris", [tensor("rows", IRISES, "FP32")])
    assert answer.as_numpy("label").tolist() == [b"setosa", b"virginica"]
    assert answer.as_numpy("probabilities").shape == (2, 3)
    one = client.infer("iris", [tensor("rows", IRISES[0], "FP32")])
    assert one.as_numpy("label").tolist() == [b"setosa"]
    assert client.infer("credit", row()).as_numpy("label").dtype == bool


@pytest.mark.parametrize("encoding", ["deflate", "gzip"])
def test_bodies_are_packed_both_ways(client: Any, encoding: str) -> None:
    rows = np.repeat(IRISES, 300, axis=0)
    packed = {
        "request_compression_algorithm": encoding,
        "response_compression_algorithm": encoding,
    }
    answer = client.infer("iris", [tensor("rows", rows, "FP32")], **packed)
    assert answer.as_numpy("probabilities").shape == (600, 3)


def test_classes_are_counted(client: Any) -> None:
    outputs = [triton.InferRequestedOutput("probabilities", class_count=1)]
    top = client.infer("iris", [tensor("rows", IRISES, "FP32")], outputs=outputs)
    names = [text.split(b":")[-1] for text in top.as_numpy("probabilities").ravel()]
    assert names == [b"setosa", b"virginica"]


def test_switches_are_parameters_and_so_are_warnings_and_errors(client: Any) -> None:
    inputs = row(home=["tent", "rent"])
    assert "tent" not in client.infer("credit", inputs).get_response()["parameters"]["warnings"]
    with pytest.raises(triton.InferenceServerException, match="row 0, home"):
        client.infer("credit", inputs, parameters={"strict": True})
    both = client.infer("credit", inputs, parameters={"strict": True, "partial": True})
    assert both.as_numpy("label").shape == (1,)
    assert both.get_response()["parameters"]["rows"] == "[1]"


def test_contributions_are_outputs_on_request(client: Any, service: Service) -> None:
    told = {one["name"]: one["shape"] for one in client.get_model_metadata("credit")["outputs"]}
    assert told["contributions"] == [-1, len(CREDIT_ROW)]
    plain = client.infer("credit", row())
    assert plain.as_numpy("contributions") is None
    answer = client.infer("credit", row(), parameters={"explain": True})
    values, baseline = answer.as_numpy("contributions"), answer.as_numpy("baseline")
    score = values.sum(axis=1) + baseline
    assert answer.as_numpy("contributions_space").tolist() == [b"probability"] * 2
    assert answer.as_numpy("contributions_class").tolist() == [True] * 2
    assert np.abs(score - answer.as_numpy("probabilities")[:, 1]).max() < 1e-5
    (found,) = requests.post(f"{service.url}/v0/models/credit/explain", json=[CREDIT_ROW]).json()[
        "predictions"
    ]
    names = json.loads(answer.get_output("contributions")["parameters"]["features"])
    own = found["explanation"]["contributions"]
    assert values[0].tolist() == [own[name] for name in names]
    asked = [triton.InferRequestedOutput("contributions", binary_data=False)]
    only = client.infer("credit", row(), outputs=asked)
    assert [one["name"] for one in only.get_response()["outputs"]] == ["contributions"]
    assert np.array_equal(only.as_numpy("contributions"), values)


def test_what_is_not_there_is_an_error_that_the_client_can_read(client: Any) -> None:
    rows = [tensor("rows", IRISES, "FP32")]
    with pytest.raises(triton.InferenceServerException, match="no model of that name"):
        client.infer("nothing", rows)
    with pytest.raises(triton.InferenceServerException, match="nothing at this path"):
        client.get_model_config("iris")
    with pytest.raises(triton.InferenceServerException, match=r"a key is needed|no API key"):
        client.load_model("iris")


def test_whatever_is_refused_under_v2_is_in_the_protocols_form(service: Service) -> None:
    def said(method: str, path: str, **more: Any) -> tuple[int, list[str]]:
        answer = requests.request(method, f"{service.url}/v2{path}", timeout=10, **more)
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status_code, list(answer.json())

    infer = "/models/iris/infer"
    assert said("GET", "/nothing") == (404, ["error"])
    assert said("GET", infer) == (405, ["error"])
    assert said("POST", infer, data=b"a", headers={"Content-Type": "text/csv"}) == (415, ["error"])
    assert said("POST", infer, data=b"a" * (2**24 + 1)) == (413, ["error"])
    assert said("POST", "/repository/index", data=b"a" * 2**18) == (413, ["error"])
    assert said("POST", infer, data=b"{") == (400, ["error"])
    assert said("GET", "/models/nothing/ready") == (404, ["error"])
    assert requests.get(f"{service.url}/v2/", timeout=10).json()["name"] == "mirante"


def test_models_of_a_folder_are_loaded_and_unloaded(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "folder" / "flowers" / "model")
    shutil.rmtree(tmp_path / "folder" / "flowers" / "model" / "credit")
    settings = {
        "MODELS_FOLDER": str(tmp_path / "folder"),
        "KEY_FOLDER": str(store.parent / "keys"),
        "API_KEYS": KEY.entry(),
        "WEB_CONCURRENCY": "1",
    }
    headers = {"Authorization": f"Bearer {TOKEN}"}
    rows = [tensor("rows", IRISES, "FP32")]
    with serve(tmp_path / "models", **settings) as running:
        client = triton.InferenceServerClient(f"127.0.0.1:{running.port}")
        (model,) = client.get_model_repository_index()
        assert (model["name"], model["state"]) == ("flowers", "UNAVAILABLE")
        client.load_model("flowers", headers=headers)
        assert client.infer("flowers", rows).as_numpy("label")[0] == b"setosa"
        assert client.get_model_repository_index()[0]["state"] == "READY"
        client.unload_model("flowers", headers=headers)
        with pytest.raises(triton.InferenceServerException):
            client.infer("flowers", rows)
        client.close()
    with serve(tmp_path / "models", **settings, MODEL_LOADING="0") as running:
        client = triton.InferenceServerClient(f"127.0.0.1:{running.port}")
        with pytest.raises(triton.InferenceServerException, match="by no request"):
            client.load_model("flowers", headers=headers)
        client.close()
