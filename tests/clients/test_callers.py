"""Other programs' clients, as they call: each request has the form that its source gives it.

What is written down here was taken from the sources named beside it, and each client that
`docs/clients.md` says so of was also run itself against this service.
"""

from __future__ import annotations

import gzip
import http.client
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from urllib3.filepost import encode_multipart_formdata

from serving.auth import new_key
from tests.clients.test_r import INSTALL, missing, rscript
from tests.conftest import require
from tests.service import Service, build, serve

NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
VALUES = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
ROWS = [dict(zip(NAMES, row, strict=True)) for row in VALUES]
SPECIES = ["setosa", "virginica"]
TOKEN, KEY = new_key("trainer", ["train"])
VERTEX = "/v1/endpoints/12/deployedModels/34"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("callers") / "models"
    build(store, "--recipe", "iris")
    routes = {"AIP_PREDICT_ROUTE": f"{VERTEX}:predict", "AIP_HEALTH_ROUTE": VERTEX}
    with serve(
        store, DEFAULT_MODEL="iris", WEB_CONCURRENCY="1", API_KEYS=KEY.entry(), **routes
    ) as running:
        yield running


def post(service: Service, path: str, body: Any, **headers: str) -> Any:
    """Return the parsed answer to a body, sent as text without a content type, or as JSON."""
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = requests.post(f"{service.url}{path}", data=data, headers=named, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def get(service: Service, path: str) -> requests.Response:
    answer = requests.get(f"{service.url}{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def test_vetiver_of_python(service: Service) -> None:
    # vetiver 0.2.6, server.predict: a data frame is data.to_json(orient="records"), and requests
    # names no type for a text; a series or a dict is json=[...]; the answer makes a data frame.
    assert post(service, "/predict", json.dumps(ROWS)) == {"predict": SPECIES}
    typed = post(service, "/predict", ROWS[:1], Content_Type="application/json")
    assert typed == {"predict": SPECIES[:1]}
    assert {"properties", "title", "type"} <= get(service, "/prototype").json().keys()
    assert get(service, "/metadata").json()["version"]


def test_vetiver_of_r(service: Service) -> None:
    # rstudio/vetiver-r, R/endpoint.R: httr::POST(body = jsonlite::toJSON(new_data)), an empty type;
    # httr reads an answer, and the message of an error, only of a type that it knows.
    named = {"Accept": "application/json, text/xml, application/xml, */*"}
    assert post(service, "/predict", json.dumps(ROWS), **named) == {"predict": SPECIES}
    wrong = requests.post(f"{service.url}/predict", data="[{}]", headers=named, timeout=30)
    assert wrong.headers["Content-Type"] == "application/json"
    assert "expected number" in wrong.json()["message"]


def test_mlflow(service: Service) -> None:
    # mlflow 3.17, pyfunc/scoring_server/client.py: ping, version, and dump_input_data's envelopes.
    get(service, "/ping")
    assert get(service, "/version").text.split(".")[0].isdigit()
    frame = {"dataframe_split": {"columns": list(NAMES), "data": VALUES}}
    for body in (frame, {"inputs": VALUES}, {"instances": ROWS}, {"dataframe_records": ROWS}):
        answer = post(service, "/invocations", body, Content_Type="application/json")
        assert answer == {"predictions": SPECIES}


def test_kserve_v1_and_tensorflow_serving(service: Service) -> None:
    # kserve 0.21, inference_client.py, protocol v1; tensorflow.org/tfx/serving/api_rest.
    assert get(service, "/v1/models/iris").json()["ready"] is True
    assert get(service, "/v1/models").json() == {"models": ["iris"]}
    path = "/v1/models/iris:predict"
    assert post(service, path, {"instances": VALUES}) == {"predictions": SPECIES}
    columns = {name: [row[name] for row in ROWS] for name in NAMES}
    assert post(service, path, {"inputs": columns}) == {"outputs": SPECIES}


def test_vertex_ai(service: Service) -> None:
    # cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
    get(service, VERTEX)
    body = {"instances": ROWS, "parameters": {"confidence": 0.5}}
    answer = post(service, f"{VERTEX}:predict", body, Content_Type="application/json")
    assert answer == {"predictions": SPECIES}


def test_sagemaker_s_npy_by_boto3(service: Service) -> None:
    # sagemaker 2, serializers.NumpySerializer: np.save into a buffer; deserializers: np.load.
    options: dict[str, Any] = {
        "region_name": "us-east-1",
        "config": Config(signature_version=UNSIGNED),
    }
    client = boto3.client("sagemaker-runtime", endpoint_url=service.url, **options)
    body = io.BytesIO()
    np.save(body, np.array(VALUES))
    answer = client.invoke_endpoint(
        EndpointName="iris",
        Body=body.getvalue(),
        ContentType="application/x-npy",
        Accept="application/x-npy",
    )
    assert np.load(io.BytesIO(answer["Body"].read())).tolist() == SPECIES


def test_r_s_own_json_of_its_own_table(service: Service, tmp_path: Path) -> None:
    require(not missing(), missing(), INSTALL)
    body = rscript("cat(jsonlite::toJSON(as.list(iris[c(1, 101), 1:4])))", tmp_path)
    assert '"Sepal.Length":[5.1,6.3]' in body
    answer = post(service, "/invocations", body, Content_Type="application/json")
    assert [one["predicted_label"] for one in answer["predictions"]] == SPECIES
    # A number that R has not is its text "NA": the model imputes it, and says so.
    body = rscript("cat(jsonlite::toJSON(list(a = c(1, NA))))", tmp_path)
    assert body == '{"a":[1,"NA"]}'


def in_chunks(service: Service, path: str, body: bytes, size: int, **headers: str) -> Any:
    """Return the parsed answer to a body sent in chunks of so many bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Transfer-Encoding"] = "chunked"
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    connection.request("POST", path, chunks, named, encode_chunked=True)
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()
    assert answer.status in (200, 202), document
    return document


@pytest.mark.parametrize("size", [3, 50, 100_000])
def test_gzip_of_many_members_in_chunks_loses_no_row(service: Service, size: int) -> None:
    # What `cat part*.gz` and pigz make, sent by `curl -T -`.
    lines = [json.dumps(row).encode() + b"\n" for row in ROWS * 150]
    members = [gzip.compress(b"".join(lines[at : at + 7])) for at in range(0, len(lines), 7)]
    named = {"Content_Type": "application/x-ndjson", "Content_Encoding": "gzip"}
    answer = in_chunks(service, "/v0/predict", b"".join(members), size, **named)
    assert [one["value"] for one in answer["predictions"]] == SPECIES * 150

    table = b"a,y\n" + b"".join(b"%d,%s\n" % (i, b"yes" if i % 3 else b"no") for i in range(500))
    body, kind = encode_multipart_formdata([("file", ("t.csv", table)), ("target", "y")])
    packed = gzip.compress(body[:900]) + gzip.compress(body[900:])
    named = {"Content_Type": kind, "Content_Encoding": "gzip", "X_API_Key": TOKEN}
    described = in_chunks(service, "/v0/describe", packed, size, **named)
    assert described["rows"] == 500
    job = in_chunks(service, "/v0/models/mine/train", packed, size, **named)
    assert job["order"]["size"] == len(table)
