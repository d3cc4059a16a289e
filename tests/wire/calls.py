"""The recorded calls: what is sent to a service over every route, as data.

Each service is started with settings of its own (`SERVICES`); its calls are
made in order, over one connection each. `{version}` in a path stands for a
version of the model that the path names, `{other}` for one that is not the
champion, `{job}` for the job that was queued last.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

# Tokens that are no secrets: the same in every recording.
TOKENS = {scope: f"mirante_wire_{scope}" for scope in ("predict", "train", "admin")}
API_KEYS = ",".join(
    f"{scope}:{scope}:{hashlib.sha256(token.encode()).hexdigest()}"
    for scope, token in TOKENS.items()
)
MAX_BODY_BYTES = 60_000
MAX_ROWS = 40
SHARED = {
    "API_KEYS": API_KEYS,
    "BODY_TIMEOUT": "2",
    "MAX_BODY_BYTES": str(MAX_BODY_BYTES),
    "MAX_ROWS": str(MAX_ROWS),
    "MAX_UPLOAD_BYTES": "20000",
    "TRAINING_WORKER": "external",
    "WEB_CONCURRENCY": "1",
}
# What each service is started with; `folder` is a multi-model container.
SERVICES: dict[str, dict[str, str]] = {
    "open": SHARED,
    "closed": SHARED | {"REQUIRE_API_KEY": "1", "CORS_ORIGINS": "https://a.example"},
    "iris": SHARED | {"DEFAULT_MODEL": "iris", "MODELS": "iris"},
    "folder": SHARED | {"MODELS_FOLDER": "{folder}/models"},
    "empty": SHARED | {"MODEL_STORE": "{folder}/nothing", "API_KEYS": ""},
}

JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}
LINES = {"Content-Type": "application/x-ndjson"}
TEXT_ANSWER = {"Accept": "text/csv"}
CREDIT: dict[str, Any] = {
    "seniority": 9,
    "home": "rent",
    "time": 60,
    "age": 30,
    "marital": "married",
    "records": "no",
    "job": "freelance",
    "expenses": 73,
    "income": 129,
    "assets": 0,
    "debt": 0,
    "amount": 800,
    "price": 846,
}
PORTUGUESE = CREDIT | {"home": "aluguel", "marital": "casado", "job": "fixo", "records": True}
IRIS = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
VIRGINICA = {"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0, "petal_width": 2.5}
LOAN: dict[str, Any] = {
    "Term": 84,
    "NoEmp": 4,
    "CreateJob": 2,
    "RetainedJob": 4,
    "longitude": -86.25,
    "latitude": 41.68,
    "GrAppv": 60000.0,
    "SBA_Appv": 48000.0,
    "is_new": "True",
    "same_state": "False",
    "FranchiseCode": "1",
    "City": "SOUTH BEND",
    "State": "IN",
    "Bank": "A BANK",
    "BankState": "OH",
    "RevLineCr": "N",
    "UrbanRural": 1,
    "naics_first_two": "45",
}
TWEETS = {"1": "what a lovely day :)", "2": "my phone broke and I am so sad", "x": ""}


class Call(NamedTuple):
    """One request. `raw` is sent as it stands, and nothing else is."""

    method: str
    path: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    raw: bytes = b""


def post(path: str, body: Any, headers: dict[str, str] = JSON, **more: str) -> Call:
    """Return a POST; a body that is neither bytes nor text is sent as JSON."""
    if isinstance(body, str):
        body = body.encode()
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return Call("POST", path, headers | named, sent)


def table(*rows: dict[str, Any], separator: str = ",") -> str:
    """Return rows as CSV with a header."""
    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "".join(separator.join(line) + "\n" for line in lines)


def lines(*rows: Any) -> str:
    """Return rows as JSON Lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a row without some of its fields."""
    return {name: value for name, value in row.items() if name not in names}


def bearer(scope: str) -> dict[str, str]:
    """Return the header of a key."""
    return {"Authorization": f"Bearer {TOKENS[scope]}"}


# Rows that are odd or bad, one thing in each.
ODD_ROWS: list[Any] = [
    PORTUGUESE,
    CREDIT | {"records": "yes"},
    CREDIT | {"records": "Yes"},
    CREDIT | {"records": 1},
    CREDIT | {"records": None},
    CREDIT | {"age": None},
    CREDIT | {"age": "30"},
    CREDIT | {"age": "1_0"},
    CREDIT | {"age": "thirty"},
    CREDIT | {"age": 30.0},
    CREDIT | {"age": 30.5},
    CREDIT | {"age": True},
    CREDIT | {"age": [30]},
    CREDIT | {"age": {"years": 30}},
    CREDIT | {"age": -1},
    CREDIT | {"age": 10**25},
    CREDIT | {"income": 1e308},
    CREDIT | {"income": None},
    CREDIT | {"income": ""},
    CREDIT | {"income": "129.5"},
    CREDIT | {"home": "castle"},
    CREDIT | {"home": "Rent"},
    CREDIT | {"home": " rent"},
    CREDIT | {"home": ""},
    CREDIT | {"home": None},
    CREDIT | {"home": 1},
    CREDIT | {"home": "castle", "job": "wizard"},
    CREDIT | {"approved": True},
    CREDIT | {"incme": 3},
    CREDIT | {"something_else": 3},
    without(CREDIT, "income"),
    without(CREDIT, "age"),
    without(CREDIT, "income") | {"incme": 129},
    {},
    [],
    [[]],
    [1],
    [CREDIT, None],
    "a text",
    3,
    None,
    True,
]
BAD_BYTES = [
    b"",
    b"   ",
    b"{",
    b"{]",
    b'{"age": NaN}',
    b'{"age": 1e999}',
    b'{"age": 1, "age": 2}',
    b"\xff\xfe\x00",
    b'{"home": "\xe9"}',
    b'{"home": "\\ud800"}',
    b"[" * 5000,
    b'{"a":' * 5000,
    b"\xef\xbb\xbf" + json.dumps(CREDIT).encode(),
    b"\n\t " + json.dumps(CREDIT).encode() + b"\n",
    json.dumps(CREDIT).encode() + b"x",
    json.dumps([CREDIT, CREDIT]).encode()[:-1],
]


def v0() -> Iterator[Call]:
    """Predictions in Mirante's own contract."""
    predict, credit = "/v0/predict", "/v0/models/credit/predict"
    yield post(predict, CREDIT)
    yield post(predict, CREDIT, {})
    yield post(credit, CREDIT)
    yield post("/v0/models/iris/predict", [IRIS, VIRGINICA])
    yield post("/v0/models/tweets/predict", {"text": "what a lovely day"})
    yield post("/v0/models/tweets/predict", [{"text": text} for text in TWEETS.values()])
    yield post("/v0/models/loans/predict", LOAN)
    yield post("/v0/explain", CREDIT)
    yield post("/v0/models/credit/explain?explain=3&reasons=en", [CREDIT])
    yield post("/v0/models/nothing/predict", CREDIT)
    yield post("/v0/models/No-Name!/predict", CREDIT)
    for row in ODD_ROWS:
        yield post(predict, row)
    for body in BAD_BYTES:
        yield post(predict, body)
    yield from _v0_lists(predict)
    yield from _v0_tables(predict)
    yield from _v0_media(predict)


def _v0_lists(predict: str) -> Iterator[Call]:
    bad, unseen = CREDIT | {"age": "x"}, CREDIT | {"home": "castle"}
    yield post(predict, [CREDIT])
    yield post(predict, [CREDIT, PORTUGUESE, unseen])
    yield post(predict, [CREDIT, bad, CREDIT])
    yield post(predict, [bad, unseen | {"wrong": 1}])
    for flags in ("partial=1", "partial=true", "partial=0", "partial=yes", "partial", "partial="):
        yield post(f"{predict}?{flags}", [bad, CREDIT, bad, CREDIT])
    for flags in ("strict=1", "strict=1&partial=1", "strict=2", "strict=false", "other=1"):
        yield post(f"{predict}?{flags}", [CREDIT, unseen])
    yield post(f"{predict}?partial=1", [bad, bad])
    yield post(f"{predict}?partial=1", bad)
    yield post(f"{predict}?strict=1", unseen)
    yield post(f"{predict}?strict=0&strict=1", unseen)
    yield post(predict, [{"age": "x"}] * MAX_ROWS)
    yield post(predict, [CREDIT] * MAX_ROWS)
    yield post(predict, [CREDIT] * (MAX_ROWS + 1))
    yield post(predict, [{}] * 150)


def _v0_tables(predict: str) -> Iterator[Call]:
    bad = CREDIT | {"age": "x"}
    good = table(CREDIT, PORTUGUESE, CREDIT | {"income": ""})
    yield post(predict, good, CSV)
    yield post(predict, good, CSV | TEXT_ANSWER)
    yield post(predict, good, {"Content-Type": "text/csv; charset=utf-8; header=present"})
    yield post(predict, "\ufeff" + good, CSV)
    yield post(predict, good.replace("\n", "\r\n"), CSV)
    yield post(predict, good + "\n\n", CSV)
    yield post(predict, table(CREDIT, PORTUGUESE, separator=";"), CSV)
    yield post(predict, table(CREDIT | {"age": "1_0"}), CSV)
    yield post(predict, table(CREDIT | {"income": "1,5"}), CSV)
    yield post(predict, table(CREDIT | {"age": " 30 "}), CSV)
    yield post(predict, table(CREDIT | {"income": "NA"}, CREDIT | {"home": "NA"}), CSV)
    yield post(predict, table(CREDIT | {"home": "castle"}), CSV)
    yield post(predict, table(CREDIT, bad), CSV)
    yield post(f"{predict}?partial=1", table(CREDIT, bad, CREDIT), CSV)
    yield post(f"{predict}?partial=1", table(CREDIT, bad, CREDIT), CSV | TEXT_ANSWER)
    yield post(f"{predict}?strict=1", table(CREDIT | {"home": "castle"}), CSV)
    yield post(predict, table(CREDIT | {"approved": "true"}), CSV)
    yield post(predict, table(CREDIT | {"wrong": "1"}), CSV)
    yield post(predict, table(without(CREDIT, "age")), CSV)
    yield post(predict, table(CREDIT).splitlines()[0] + "\n", CSV)
    yield post(predict, table(CREDIT) + "1,2\n", CSV)
    yield post(predict, "age,age\n1,2\n", CSV)
    yield post(predict, "", CSV)
    yield post(predict, b"age,home\n\xe9,1\n", CSV)
    yield post(predict, 'age,home\n1,"rent\n', CSV)
    yield post(predict, "age,home\n1,a\0b\n", CSV)
    yield post(predict, lines(CREDIT, PORTUGUESE), LINES)
    yield post(predict, lines(CREDIT, PORTUGUESE), LINES | TEXT_ANSWER)
    yield post(predict, lines(CREDIT), {"Content-Type": "application/jsonl"})
    yield post(predict, lines(CREDIT) + "\n" + lines(CREDIT), LINES)
    yield post(predict, lines(CREDIT, bad), LINES)
    yield post(f"{predict}?partial=1", lines(CREDIT, bad), LINES)
    yield post(predict, lines(CREDIT) + "{\n", LINES)
    yield post(predict, "", LINES)


def _v0_media(predict: str) -> Iterator[Call]:
    whole = json.dumps(CREDIT).encode()
    packed = gzip.compress(whole, mtime=0)
    for kind in ("text/plain", "application/xml", "application/json; charset=latin-1", "x"):
        yield post(predict, CREDIT, {"Content-Type": kind})
    for accept in (
        "*/*",
        "text/*",
        "application/*;q=0.5, text/csv",
        "text/html, */*;q=0.1",
        "image/png",
        "text/csv;q=0",
        "application/json;q=x",
        "",
    ):
        yield post(predict, CREDIT, Accept=accept)
    yield post(predict, packed, Content_Encoding="gzip")
    yield post(predict, packed, Content_Encoding="GZIP ")
    yield post(predict, packed[:-4], Content_Encoding="gzip")
    yield post(predict, whole, Content_Encoding="gzip")
    yield post(predict, whole, Content_Encoding="identity")
    yield post(predict, whole, Content_Encoding="br")
    columns = gzip.compress(table(CREDIT).encode(), mtime=0)
    yield post(predict, columns, CSV | TEXT_ANSWER, Content_Encoding="gzip")
    yield post(predict, gzip.compress(b" " * 200_000, mtime=0), Content_Encoding="gzip")
    yield post(predict, b" " * (MAX_BODY_BYTES + 1))
    yield post(predict, b" " * MAX_BODY_BYTES)
    yield post(predict, CREDIT, X_Request_Id="my-own:id.1")
    yield post(predict, CREDIT, X_Request_Id="no good <id>")
    yield post(predict, CREDIT, Origin="https://a.example")


def loans() -> Iterator[Call]:
    """The loans' contract."""
    path = "/predict"
    yield post(path, LOAN)
    yield post(path, LOAN | {"is_new": True, "same_state": False})
    yield post(path, LOAN | {"City": "ATLANTIS"})
    yield post(path, LOAN | {"City": None})
    yield post(path, LOAN | {"Term": "84"})
    yield post(path, LOAN | {"Term": 84.5})
    yield post(path, LOAN | {"is_new": "maybe"})
    yield post(path, without(LOAN, "Bank"))
    yield post(path, LOAN | {"wrong": 1})
    yield post(f"{path}?strict=1", LOAN | {"City": "ATLANTIS"})
    yield post(path, [LOAN])
    yield post(path, [CREDIT, PORTUGUESE])
    yield post(path, {})
    yield post(path, b"")
    yield post(path, b"{")
    yield post(path, table(LOAN), CSV)
    yield post(path, LOAN, Accept="text/csv")
    yield post(path, gzip.compress(json.dumps(LOAN).encode(), mtime=0), Content_Encoding="gzip")
    yield Call("GET", path)


def tweets() -> Iterator[Call]:
    """The tweets' contract; a wrong token is one failure more of ten."""
    path = f"/api/v1/{TOKENS['predict']}/predict"
    yield post(path, TWEETS)
    yield post(path, TWEETS, {})
    yield post(f"/api/v1/{TOKENS['admin']}/predict", TWEETS)
    yield post(f"/api/v1/{TOKENS['train']}/predict", TWEETS)
    yield post("/api/v1/wrong/predict", TWEETS)
    yield post("/api/v1//predict", TWEETS)
    bodies: list[Any] = [
        {},
        [],
        {"1": 1},
        {"1": None},
        {"1": "good", "2": ["bad"]},
        "a",
        {"": "empty key"},
        {"2": "b", "1": "a"},
        {"1": "\ud800"},
        {str(index): "so glad" for index in range(MAX_ROWS + 1)},
    ]
    for body in bodies:
        yield post(path, body)
    yield post(path, b"")
    yield post(path, b"{")
    yield post(path, b'{"1":"a","1":"b"}')
    yield post(path, b"\xef\xbb\xbf" + json.dumps(TWEETS).encode())
    yield post(path, table({"text": "a"}), CSV)
    yield post(path, TWEETS, Accept="text/csv")
    yield Call("GET", path)
    yield Call("OPTIONS", path, {"Origin": "https://b.example"})


def pages() -> Iterator[Call]:
    """The pages as far as they are the same at any time: a page that is shown tells ages."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    yield Call("GET", "/")
    for name in ("credit", "nothing"):
        for what in ("answer", "why"):
            yield post(f"/models/{name}/{what}", b"signature=old&f0=1", form)
    yield Call("GET", "/models/nothing/form")
    yield post("/models/nothing/form", b"f0=1", form)
    for tab in ("quality", "data", "versions"):
        yield Call("GET", f"/models/nothing/{tab}")
    yield Call("GET", "/train")
    yield Call("GET", "/jobs")
    yield Call("GET", f"/jobs/{'0' * 32}")
    yield post("/train/columns", b"", form)
    yield Call("GET", "/pages/mirante.css")


def invocations(path: str = "/models/iris/invoke") -> Iterator[Call]:
    """SageMaker's contract, in all its forms."""
    columns = {name: [value, VIRGINICA[name]] for name, value in IRIS.items()}
    bare = "5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"
    bodies: list[tuple[Any, dict[str, str]]] = [
        (IRIS, JSON),
        ([IRIS, VIRGINICA], JSON),
        (columns, JSON),
        ({name: [value] for name, value in IRIS.items()}, JSON),
        (columns | {"petal_width": 0.2}, JSON),
        (columns | {"petal_width": [0.2]}, JSON),
        (columns | {"petal_width": [0.2, "x"]}, JSON),
        (without(columns, "petal_width"), JSON),
        ({name: [] for name in IRIS}, JSON),
        ([], JSON),
        ([[5.1, 3.5, 1.4, 0.2]], JSON),
        (b"[", JSON),
        (b"", JSON),
        (lines(IRIS, VIRGINICA), {"Content-Type": "application/jsonlines"}),
        (lines(IRIS) + "x\n", LINES),
        ("", LINES),
        (table(IRIS, VIRGINICA), CSV),
        (bare, CSV),
        (bare, {"Content-Type": "text/csv; header=present"}),
        (table(IRIS), {"Content-Type": "text/csv; header=absent"}),
        ("5.1,3.5,1.4\n", CSV),
        ("5.1,3.5,1.4,x\n", CSV),
        ("", CSV),
        (IRIS, {"Content-Type": "application/x-recordio-protobuf"}),
    ]
    for body, headers in bodies:
        yield post(path, body, headers)
    for accept in ("text/csv", "application/jsonlines", "*/*", "application/x-recordio-protobuf"):
        yield post(path, [IRIS, VIRGINICA], Accept=accept)
    attributes = "X-Amzn-SageMaker-Custom-Attributes"
    yield post(path, IRIS, JSON | {attributes: "trace=1"})
    yield post(path, IRIS, JSON | {attributes: "\xe9"})
    yield post(path, IRIS, JSON | {attributes: "a" * 1025})
    yield Call("GET", path)


def tensor(name: str, datatype: str, shape: list[int], data: Any) -> dict[str, Any]:
    """Return one input of the Open Inference Protocol."""
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def inference() -> Iterator[Call]:
    """The Open Inference Protocol's inference."""
    path = "/v2/models/iris/infer"
    rows = [[*IRIS.values()], [*VIRGINICA.values()]]
    named = [tensor(name, "FP64", [2], [v, VIRGINICA[name]]) for name, v in IRIS.items()]
    matrix = tensor("rows", "FP32", [2, 4], rows)
    flat_matrix = tensor("rows", "FP64", [2, 4], rows[0] + rows[1])
    upright = [one | {"shape": [2, 1]} for one in named]
    for inputs in (named, [matrix], [flat_matrix], upright, named[::-1]):
        yield post(path, {"id": "7", "inputs": inputs})
    documents: list[Any] = [
        {"inputs": [matrix], "outputs": [{"name": "label"}]},
        {"inputs": [matrix], "outputs": [{"name": "probabilities"}, {"name": "label"}]},
        {"inputs": [matrix], "outputs": [{"name": "score"}]},
        {"inputs": [matrix], "outputs": []},
        {
            "inputs": [matrix],
            "outputs": [{"name": "label", "parameters": {"classification": 1}}],
        },
        {"inputs": [matrix], "parameters": {"binary_data_output": True}},
        {
            "inputs": [matrix],
            "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
        },
        {"inputs": []},
        {"inputs": named[:3]},
        {"inputs": [*named, named[0]]},
        {"inputs": [*named[:3], tensor("petal_width", "FP64", [1], [0.2])]},
        {"inputs": [*named[:3], tensor("petal_width", "FP64", [2], ["a", "b"])]},
        {"inputs": [*named[:3], tensor("petal_width", "BYTES", [2], ["0.2", "2.5"])]},
        {"inputs": [*named[:3], tensor("petal_width", "INT64", [2], [1, 2])]},
        {"inputs": [*named[:3], tensor("petal_width", "UINT8", [2], [1, 256])]},
        {"inputs": [*named[:3], tensor("petal_wdth", "FP64", [2], [0.2, 2.5])]},
        {"inputs": [tensor("rows", "BYTES", [1, 4], ["5.1", "3.5", "1.4", "0.2"])]},
        {"inputs": [tensor("rows", "FP32", [2, 3], rows)]},
        {"inputs": [tensor("rows", "FP32", [1, 4], rows)]},
        {"inputs": [tensor("rows", "FP32", [0, 4], [])]},
        {"inputs": [tensor("rows", "FP32", [-1, 4], rows)]},
        {"inputs": [tensor("rows", "FP32", [2**40, 2**40], rows)]},
        {"inputs": [tensor("rows", "FP16", [2, 4], rows)]},
        {"inputs": [tensor("rows", "COMPLEX", [2, 4], rows)]},
        {"inputs": [tensor("rows", "FP32", [MAX_ROWS + 1, 4], [1.0] * 4 * (MAX_ROWS + 1))]},
        {"inputs": [without(matrix, "shape")]},
        {"inputs": 3},
        {"id": 7, "inputs": [matrix]},
        {},
        [],
    ]
    for document in documents:
        yield post(path, document)
    yield post(path, b"{")
    yield post(path, {"inputs": [matrix]}, {"Content-Type": "text/plain"})
    yield post("/v2/models/nothing/infer", {"inputs": [matrix]})
    yield post("/v2/models/iris/versions/{version}/infer", {"inputs": [matrix]})
    yield post("/v2/models/iris/versions/{other}/infer", {"inputs": [matrix]})
    yield post("/v2/models/iris/versions/none/infer", {"inputs": [matrix]})
    text = tensor("text", "BYTES", [2], ["so glad", "so sad"])
    yield post("/v2/models/tweets/infer", {"inputs": [text]})
    records = [tensor("records", "BOOL", [1], [False])]
    kinds = {int: "INT64", str: "BYTES"}
    others = [
        tensor(name, kinds[type(value)], [1], [value])
        for name, value in CREDIT.items()
        if name != "records"
    ]
    yield post("/v2/models/credit/infer", {"inputs": records + others})
    yield from _binary(path, rows)


def _binary(path: str, rows: list[list[float]]) -> Iterator[Call]:
    values = struct.pack("<8f", *rows[0], *rows[1])
    empty = {"name": "rows", "datatype": "FP32", "shape": [2, 4]}

    def binary(size: Any, raw: bytes, length: str | None = None, **more: Any) -> Call:
        inputs = [empty | more | {"parameters": {"binary_data_size": size}}]
        document = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}})
        headers = {
            "Content-Type": "application/octet-stream",
            "Inference-Header-Content-Length": length or str(len(document)),
        }
        return post(path, document.encode() + raw, headers)

    yield binary(32, values)
    yield binary(32, values[:-1])
    yield binary(31, values)
    yield binary(16, values[:16])
    yield binary("32", values)
    yield binary(-1, values)
    yield binary(32, values, length="999999")
    yield binary(32, values, length="x")
    words = b"".join(struct.pack("<I", len(word)) + word for word in (b"5.1", b"3", b"1", b".2"))
    yield binary(len(words), words, datatype="BYTES", shape=[1, 4])
    yield binary(len(words), words[:-1] + b"\xff", datatype="BYTES", shape=[1, 4])
    yield binary(len(words) - 1, words[:-1], datatype="BYTES", shape=[1, 4])


# Routes that are read, and those that only refuse here.
READ = [
    "/",
    "/docs",
    "/docs/",
    "/docs/favicon-32x32.png",
    "/docs/start.js",
    "/docs/swagger-ui-bundle.js",
    "/docs/swagger-ui.css",
    "/docs/LICENSE",
    "/docs/../../config.py",
    "/execution-parameters",
    "/health",
    "/livez",
    "/metrics",
    "/models",
    "/models?limit=1",
    "/models?limit=none",
    "/models/iris",
    "/models/nothing",
    "/metadata",
    "/nothing",
    "/ping",
    "/prototype",
    "/readyz",
    "/v1/models",
    "/v1/models/iris",
    "/v1/models/nothing",
    "/version",
    "/v0/model_info",
    "/v0/models",
    "/v0/models/credit/model_info",
    "/v0/models/credit/performance",
    "/v0/models/credit/performance?days=0",
    "/v0/models/iris/model_info",
    "/v0/models/loans/model_info",
    "/v0/models/tweets/model_info",
    "/v0/models/nothing/model_info",
    "/v0/curves",
    "/v0/models/credit/curves",
    "/v0/models/credit/curves?feature=income",
    "/v0/models/credit/curves?feature=nobody",
    "/v0/models/credit/drift",
    "/v0/models/credit/performance",
    "/v0/models/credit/proto",
    "/v0/models/nothing/proto",
    "/v0/models/iris/versions/none/replay",
    "/v0/models/iris/versions",
    "/v0/models/nothing/versions",
    "/v0/models/No-Name!/versions",
    "/v0/openapi.json",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/credit",
    "/v2/models/iris",
    "/v2/models/iris/ready",
    "/v2/models/iris/versions/{version}",
    "/v2/models/iris/versions/{version}/ready",
    "/v2/models/iris/versions/{other}",
    "/v2/models/loans",
    "/v2/models/nothing",
    "/v2/models/nothing/ready",
    "/v2/models/tweets",
]


def tools() -> Iterator[Call]:
    """Messages of the Model Context Protocol, of today and of before."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }

    def message(method: str, name: str = "", **params: Any) -> Call:
        asked = params | {"_meta": meta} | ({"name": name} if name else {})
        head = JSON | {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": asked}
        return post("/mcp", body, head | ({"Mcp-Name": name} if name else {}))

    yield message("server/discover")
    yield message("tools/list")
    yield message("tools/call", "predict_iris", arguments=IRIS)
    yield message("tools/call", "predict_credit", arguments=CREDIT | {"age": "old"})
    yield message("tools/call", "predict_credit", arguments=CREDIT | {"home": "castle"})
    yield message("tools/call", "describe_iris")
    yield message("tools/call", "predict_nobody")
    yield message("prompts/list")
    older = {"jsonrpc": "2.0", "id": "a", "method": "initialize"}
    yield post("/mcp", older | {"params": {"protocolVersion": "2025-06-18"}})
    yield post("/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"})
    yield post("/mcp", [older])
    yield post("/mcp", "{")
    yield Call("GET", "/mcp")


def reading() -> Iterator[Call]:
    """What is read: health, models, documents; and every other method of the same routes."""
    for path in READ:
        yield Call("GET", path)
    for path in ("/health", "/v0/models", "/docs", "/v2", "/metrics", "/nothing", "/v0/predict"):
        yield Call("HEAD", path)
    for path in ("/health", "/v0/predict", "/v0/models/credit/predict", "/v0/train", "/nothing"):
        yield Call("OPTIONS", path)
        preflight = {
            "Origin": "https://a.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        yield Call("OPTIONS", path, preflight)
    for method in ("POST", "PUT", "DELETE", "PATCH", "BREW"):
        yield Call(method, "/health")
        if method != "POST":
            yield Call(method, "/v0/predict")
    yield Call("GET", "/v0/predict")
    yield Call("GET", "/v0/train")
    yield Call("GET", "/invocations")
    yield Call("GET", "/v2/models/iris/infer")
    yield Call("GET", "/health", {"Origin": "https://a.example"})
    yield Call("GET", "/health", {"X-Request-Id": "my-own"})
    yield Call("POST", "/models", JSON, b'{"model_name":"iris","url":"/x"}')
    yield Call("DELETE", "/models/iris")
    yield post("/v2/repository/index", {})
    yield post("/v2/repository/models/iris/load", {})
    yield post("/v2/repository/models/iris/unload", {})
    yield post("/v0/feedback", [])


def raw() -> Iterator[Call]:
    """What is not quite HTTP, or comes in parts, or never whole."""
    head = b"POST /v0/predict HTTP/1.1\r\nHost: wire\r\nContent-Type: application/json\r\n"
    row = json.dumps(CREDIT).encode()
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    for sent in (
        head + b"Content-Length: 99999999999\r\n\r\n",
        head + b"Content-Length: -1\r\n\r\n",
        head + b"Content-Length: x\r\n\r\n",
        head + chunked % (len(row), row),
        head + b"Content-Length: 50\r\n\r\n{",
        head + b"\r\n",
        b"GET /livez HTTP/1.0\r\n\r\n",
        b"GET /livez\r\n\r\n",
        b"no HTTP at all\r\n\r\n",
    ):
        yield Call("RAW", "", raw=sent)


def refusals() -> Iterator[Call]:
    """Training, jobs and versions, without a good key and with bad orders: nothing changes."""
    yield post("/v0/train", {"recipe": "credit"})
    yield post("/v0/describe", b"", {})
    yield post("/v0/feedback", [{"id": "order-7", "truth": True}])
    yield post("/v0/feedback", [{"id": "order-7", "truth": True}], JSON | bearer("admin"))
    yield post("/v0/feedback", [{"id": "order-7"}], JSON | bearer("admin"))
    yield Call("GET", "/v0/jobs")
    yield Call("GET", "/v0/audit", {"Authorization": "Bearer wrong"})
    yield Call("DELETE", "/v0/models/iris/versions/{other}", {"X-API-Key": "wrong"})
    yield post("/v0/models/iris/rollback", b"", {})
    yield Call("GET", "/v0/jobs", bearer("predict"))
    yield Call("GET", "/v0/audit", bearer("train"))
    yield Call("DELETE", "/v0/models/iris/versions/{other}", bearer("train"))
    yield Call("GET", f"/v0/jobs/{'0' * 32}", bearer("train"))
    yield Call("GET", "/v0/jobs/nothing", bearer("train"))
    yield Call("GET", f"/v0/jobs/{'0' * 32}/events", bearer("train"))
    yield Call("GET", "/v0/jobs/nothing/events", bearer("train"))
    yield Call("DELETE", f"/v0/jobs/{'0' * 32}", bearer("train"))
    yield Call("GET", f"/v0/jobs/{'0' * 32}/result", bearer("train"))
    yield Call("GET", f"/v0/jobs/{'0' * 32}/result")
    for scoring in ({"table": "/etc/passwd"}, {"table": "s3://x/y"}, {"format": "xml"}, {"a": 1}):
        yield post("/v0/models/iris/score", scoring, JSON | bearer("train"))
    yield post("/v0/models/iris/score", {"table": "/etc/passwd"})
    key = JSON | bearer("train")
    orders: list[Any] = [
        {"recipe": "nothing"},
        {"recipe": "No Name"},
        {"recipe": 3},
        {},
        [],
        {"recipe": "credit", "wrong": 1},
        {"recipe": "credit", "parameters": {"wrong": 1}},
        {"recipe": "credit", "parameters": {"n_estimators": "many"}},
        {"recipe": "credit", "parameters": []},
        {"recipe": "credit", "promote": "perhaps"},
        {"recipe": "credit", "seed": -1},
        {"recipe": "credit", "seed": 2**32},
        b"{",
        b"",
        b'{"recipe":"' + b"a" * 70_000 + b'"}',
    ]
    for order in orders:
        yield post("/v0/train", order, key)
    yield post("/v0/models/nothing/train", {}, key)
    yield post("/v0/models/No-Name!/train", {"recipe": "credit"}, key)
    yield post("/v0/train", {"recipe": "credit"}, key | {"Content-Type": "text/plain"})
    yield post("/v0/train", {"recipe": "credit"}, key | {"Idempotency-Key": "a b"})
    yield from _uploads()
    for path in ("promote", "rollback"):
        path = f"/v0/models/nothing/{'versions/none/' if path == 'promote' else ''}{path}"
        for body in (b"", b"{", b'{"expected_serial":"x"}', b'{"wrong":1}'):
            yield post(path, body, key)
    for body in (b"", b"{", b'{"days":0}', b'{"wrong":1}'):
        yield post("/v0/models/nothing/versions/none/replay", body, key)


def form(*parts: tuple[str, str, bytes]) -> tuple[bytes, dict[str, str]]:
    """Return a multipart body of (name, file name or none, content), and its header."""
    written = b""
    for name, file, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{file}"' if file else "")
        written += f"--wire\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
        written += content + b"\r\n"
    return written + b"--wire--\r\n", {"Content-Type": "multipart/form-data; boundary=wire"}


def _uploads() -> Iterator[Call]:
    csv = ("file", "t.csv", b"a,b\n1,x\n2,y\n")
    target = ("target", "", b"b")
    for parts in (
        (csv,),
        (target,),
        (csv, csv, target),
        (csv, target, target),
        (csv, target, ("wrong", "", b"1")),
        (csv, target, ("seed", "", b"x")),
        (csv, target, ("estimator", "", b"magic")),
        (csv, target, ("parameters", "", b"{")),
        (csv, target, ("parameters", "", b"[]")),
        (("table", "t.csv", b"a,b\n"), target),
        (("file", "t.csv", b"a" * 90_000), target),
    ):
        body, headers = form(*parts)
        yield post("/v0/train", body, headers | bearer("train"))


def changes() -> Iterator[Call]:
    """Jobs are queued, watched and cancelled; versions promoted, rolled back and deleted."""
    key = JSON | bearer("train")
    order = {"recipe": "credit", "parameters": {"n_estimators": 5}, "seed": 1}
    yield post("/v0/train", order, key | {"Idempotency-Key": "once"})
    yield post("/v0/train", order, key | {"Idempotency-Key": "once"})
    yield post("/v0/train", order | {"seed": 2}, key | {"Idempotency-Key": "once"})
    yield Call("GET", "/v0/jobs/{job}", bearer("train"))
    yield Call("DELETE", "/v0/jobs/{job}", bearer("train"))
    yield Call("DELETE", "/v0/jobs/{job}", bearer("train"))
    yield Call("GET", "/v0/jobs/{job}/events", bearer("train"))
    yield Call("GET", "/v0/jobs/{job}/events", bearer("train") | {"Last-Event-ID": "2"})
    body, headers = form(
        ("file", "t.csv", b"a,b\n1,x\n2,y\n"), ("target", "", b"b"), ("name", "", b"mine")
    )
    yield post("/v0/train", body, headers | bearer("admin"))
    yield Call("GET", "/v0/jobs/{job}", bearer("admin"))
    yield Call("GET", "/v0/jobs", bearer("train"))
    body, headers = form(("file", "t.csv", b"a,b\n1,x\n2,y\n"), ("format", "", b"jsonl"))
    yield post("/v0/models/iris/score", body, headers | bearer("train"))
    yield Call("GET", "/v0/jobs/{job}/result", bearer("train"))
    promote, rollback = "/v0/models/iris/versions/{other}/promote", "/v0/models/iris/rollback"
    remove = Call("DELETE", "/v0/models/iris/versions/{other}", bearer("admin"))
    yield post(rollback, b"", bearer("train"))
    yield post(promote, {"expected_serial": 99}, key)
    yield post(promote, b"", bearer("train"))
    yield remove
    yield post(rollback, {"expected_serial": 99}, key)
    yield post(rollback, b"", bearer("train"))
    yield remove
    yield remove
    yield Call("GET", "/v0/models/iris/versions")
    yield Call("GET", "/v0/audit", bearer("admin"))


def closed() -> Iterator[Call]:
    """What REQUIRE_API_KEY closes, and what one origin may read."""
    for headers in (JSON, JSON | bearer("predict"), JSON | bearer("train"), JSON | bearer("admin")):
        yield post("/v0/predict", CREDIT, headers)
    yield post("/v0/predict", CREDIT, JSON | {"X-API-Key": TOKENS["predict"]})
    yield post("/predict", LOAN)
    yield post("/models/iris/invoke", IRIS)
    yield post("/v2/models/iris/infer", {})
    yield post("/v0/models/nothing/predict", {}, JSON | bearer("predict"))
    yield post(f"/api/v1/{TOKENS['predict']}/predict", TWEETS)
    for path in ("/v0/models", "/v0/model_info", "/v0/models/iris/proto", "/v0/openapi.json"):
        yield Call("GET", path, bearer("predict"))
    yield Call("GET", "/v0/models")
    yield Call("OPTIONS", "/v0/models")
    for path in ("/health", "/livez", "/readyz", "/ping", "/v2/health/ready", "/models"):
        yield Call("GET", path)
    for origin in ("https://a.example", "https://b.example"):
        yield Call("GET", "/health", {"Origin": origin})
        yield Call("OPTIONS", "/v0/predict", {"Origin": origin})
        yield post("/v0/predict", CREDIT, JSON | bearer("predict") | {"Origin": origin})


def iris() -> Iterator[Call]:
    """Another default model, and only that one."""
    yield from invocations("/invocations")
    yield post("/endpoints/iris/invocations", IRIS)
    yield post("/v1/models/iris:predict", {"instances": [IRIS]})
    yield post("/v1/models/iris:explain", {"instances": [IRIS]})
    yield post("/endpoints/credit/invocations", CREDIT)
    yield post("/predict", LOAN)
    yield post(f"/api/v1/{TOKENS['predict']}/predict", TWEETS)
    for path in ("/ping", "/v0/models", "/v0/model_info", "/readyz"):
        yield Call("GET", path)


def folder() -> Iterator[Call]:
    """A multi-model container; then more failures of one client than are borne."""
    model = {"model_name": "one", "url": "/opt/ml/models/one/model"}
    yield Call("GET", "/ping")
    yield Call("GET", "/models")
    yield post("/models/one/invoke", IRIS)
    yield post("/models", model)
    yield post("/models", model)
    for body in ({"model_name": "two"}, {"model_name": "../one"}, {}, b"{"):
        yield post("/models", body)
    yield Call("GET", "/models")
    yield Call("GET", "/models/one")
    yield post("/models/one/invoke", IRIS)
    yield Call("DELETE", "/models/one")
    yield Call("DELETE", "/models/one")
    yield post("/models/one/invoke", IRIS)
    for _ in range(12):
        yield Call("GET", "/v0/jobs")
    yield Call("GET", "/v0/jobs", bearer("train"))


def empty() -> Iterator[Call]:
    """A service without a model, and without a key."""
    yield post("/v0/predict", CREDIT)
    yield post("/v0/models/credit/predict", CREDIT)
    yield post("/predict", LOAN)
    yield post("/invocations", IRIS)
    yield post("/api/v1/token/predict", TWEETS)
    yield post("/v0/train", {"recipe": "credit"})
    paths = ("/ping", "/readyz", "/health", "/v0/models", "/v0/model_info", "/v0/openapi.json")
    for path in (*paths, "/v2/health/ready", "/v2/models/credit", "/models", "/v0/audit"):
        yield Call("GET", path)


def calls_of(service: str) -> list[Call]:
    """Return the calls of a service, in their order."""
    families = {
        "open": (
            v0,
            loans,
            tweets,
            invocations,
            inference,
            tools,
            reading,
            raw,
            refusals,
            pages,
            changes,
        ),
        "closed": (closed,),
        "iris": (iris,),
        "folder": (folder,),
        "empty": (empty,),
    }
    return [call for family in families[service] for call in family()]
