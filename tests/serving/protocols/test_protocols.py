"""Every protocol under ASGI and WSGI: the same bytes, whichever way a request came."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.auth import Guard, KeyRing, new_key
from serving.exchange import Answer
from serving.protocols import loans, oip, sagemaker, tweets, v0, v1, vetiver
from serving.service import PredictionService
from tables.field_aliases import with_field_aliases
from tables.schema import Feature, Schema, Target
from tests.serving.factory import ROW, SIGNATURE, ask, make_live, make_service
from tests.serving.protocols.test_loans import APPLICATION, LOANS
from tests.serving.protocols.test_oip import INPUTS
from tests.serving.protocols.test_tweets import TWEETS
from tests.serving.transports import by_asgi, by_wsgi, wsgi_application

TOKEN, KEY = new_key("client", ["predict"])
PROTOCOLS = (v0, loans, tweets, sagemaker, oip, v1, vetiver)
REQUESTS = {
    "/v0/predict": [ROW],
    "/predict": APPLICATION,
    "/predict?strict=0": [ROW],  # the same path, and vetiver's body
    f"/api/v1/{TOKEN}/predict": {"1": "a", "2": ""},
    "/invocations": ROW,
    "/models/tweets/invoke": {"text": ["a", "b"]},
    "/endpoints/credit/invocations": [ROW],
    "/v1/models/credit:predict": {"instances": [ROW]},
    "/v2/models/credit/infer": {"id": "x", "inputs": INPUTS},
}
# What a second may change between two answers.
TIME = re.compile(rb'"prediction_time":"[^"]*"')


@pytest.fixture(scope="module")
def service() -> PredictionService:
    return make_service(
        make_live(),
        make_live("loans", schema=LOANS, protocols=("flat",)),
        make_live("tweets", schema=TWEETS, protocols=("keyed",)),
        protocols=PROTOCOLS,
        guard=Guard(KeyRing([KEY.entry()])),
    )


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.replace(TOKEN, "TOKEN"))
@pytest.mark.parametrize("change", ["none", "cut", "other type", "wrong"])
def test_both_transports_give_the_same_bytes(service, path, change):
    headers = {"content-type": "application/json", "x-request-id": "same", "x-inference-id": "own"}
    body = json.dumps(REQUESTS[path]).encode()
    if change == "cut":
        body = body[:-1]
    elif change == "other type":
        headers["content-type"] = "image/png"
    elif change == "wrong":
        body = b'{"nothing": {"of": "this"}}'
    one = by_asgi(service, "POST", path, headers, body)
    other = by_wsgi(wsgi_application(service), "POST", path, headers, body)
    assert one.status == other.status
    assert (one.status == 200) == (change == "none"), one
    assert one.status < 500
    assert TIME.sub(b"", one.body) == TIME.sub(b"", other.body)
    assert one.headers == other.headers


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_protocol_describes_itself_for_any_model(service, protocol):
    for live in service.champions.lives.values():
        said = protocol.document(live)
        assert said.summary
        assert "application/json" in said.takes
        assert said.gives
        json.dumps(said._asdict())


MEMBERS = (
    *("1", "age", "text", "inputs", "outputs", "name", "shape", "datatype", "data", "parameters"),
    *("binary_data_size", "binary_data_output", "id"),
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "", "30", "FP64", "BYTES", "age", "label", 10**400, "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
media_types = st.sampled_from(
    ["application/json", "text/csv", "application/jsonlines", "application/octet-stream"]
)


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.replace(TOKEN, "TOKEN"))
@given(
    body=st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()),
    media_type=media_types,
    length=st.none() | st.integers(-1, 70).map(str),
)
@settings(max_examples=150, deadline=None)
def test_no_body_is_a_fault_of_ours(service, path, body, media_type, length):
    headers = {"content_type": media_type}
    if length is not None:
        headers["inference_header_content_length"] = length
    assert ask(service, path, body, **headers).status < 500


@given(changed=st.dictionaries(st.sampled_from(list(INPUTS[0])), anything), index=st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_no_tensor_is_a_fault_of_ours(service, changed, index):
    inputs = [dict(one) for one in INPUTS]
    inputs[index] |= changed
    assert ask(service, "/v2/models/credit/infer", {"inputs": inputs}).status < 500


NAMED = with_field_aliases(
    Schema(
        (Feature("age", "integer", example=30), Feature("income", "number", example=1.5)),
        Target("approved", ("no", "yes")),
    ),
    {"age": ("Age", "idade"), "income": ("Income.K",)},
)


def _asked(form: str, row: dict[str, Any]) -> tuple[str, bytes, dict[str, str]]:
    """Return path, body and headers of a request with that row."""
    columns = {name: [value] for name, value in row.items()}
    tensors = [
        {
            "name": name,
            "datatype": "BYTES" if isinstance(value, str) else "FP64",
            "shape": [1],
            "data": [value],
        }
        for name, value in row.items()
    ]
    csv = f"{','.join(row)}\n{','.join(map(str, row.values()))}\n".encode()
    path, document, content_type = {
        "v0": ("/v0/predict", row, "json"),
        "v0 list": ("/v0/predict", [row], "json"),
        "v0 csv": ("/v0/predict", csv, "csv"),
        "loans": ("/predict", row, "json"),
        "vetiver": ("/predict", [row], "json"),
        "sagemaker": ("/invocations", row, "json"),
        "columns": ("/invocations", columns, "json"),
        "bare csv": ("/invocations", csv, "csv"),
        "lines": ("/invocations", json.dumps(row).encode(), "lines"),
        "mlflow": (
            "/invocations",
            {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}},
            "json",
        ),
        "mlflow inputs": ("/invocations", {"inputs": columns}, "json"),
        "v1": ("/v1/models/credit:predict", {"instances": [row]}, "json"),
        "oip": ("/v2/models/credit/infer", {"inputs": tensors}, "json"),
    }[form]
    types = {"json": "application/json", "csv": "text/csv", "lines": "application/jsonlines"}
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return str(path), body, {"content_type": types[content_type]}


FORMS = (
    *("v0", "v0 list", "v0 csv", "loans", "vetiver", "sagemaker", "columns", "bare csv", "lines"),
    *("mlflow", "mlflow inputs", "v1", "oip"),
)


@pytest.mark.parametrize("form", FORMS)
def test_every_protocol_takes_a_field_under_any_of_its_names(form):
    live = make_live(schema=NAMED, protocols=("flat",))
    named = make_service(live, protocols=PROTOCOLS)
    answers = []
    for names in (("age",), ("Age",), ("idade",), ("age", "Age"), ("Age", "idade")):
        row = {"Income.K": 1.5} | dict.fromkeys(names, 30)
        path, body, headers = _asked(form, row)
        answers.append(ask(named, path, body, **headers))
    assert [answer.status for answer in answers] == [200, 200, 200, 422, 422], answers
    bodies = {TIME.sub(b"", answer.body) for answer in answers[:3]}
    assert len(bodies) == 1


UNSEEN = Schema(
    (
        Feature("home", "category", categories=("owner", "rent"), example="rent"),
        Feature("age", "integer", example=30),
    ),
    Target("approved", ("no", "yes")),
)


def _is_told(answer: Answer) -> bool:
    """Say whether the category that training never saw is told of, in the body or a header."""
    told = dict(answer.headers).get(b"x-warnings", answer.body)
    return b"home" in told and b"never seen" in told


TYPES = ("*/*", "text/csv", "application/jsonlines")
# Of the Open Inference Protocol its own tests have it; v0 writes no lines.
TELLING = [(form, TYPES[: 2 if "v0" in form else 3]) for form in FORMS if form != "oip"]


@pytest.mark.parametrize(
    ("form", "accept"), [(form, accept) for form, types in TELLING for accept in types]
)
def test_every_protocol_tells_of_a_category_never_seen_and_refuses_it_under_strict(form, accept):
    service = make_service(make_live(schema=UNSEEN, protocols=("flat",)), protocols=PROTOCOLS)
    for home, seen in (("rent", True), ("castle", False)):
        path, body, headers = _asked(form, {"home": home, "age": 30})
        answer = ask(service, path, body, **headers, accept=accept)
        assert (answer.status, _is_told(answer)) == (200, not seen), answer
        strict = ask(service, f"{path}?strict=1", body, **headers, accept=accept)
        assert strict.status == (200 if seen else 422), strict
        assert ask(service, f"{path}?strict=perhaps", body, **headers).status == 400


def test_a_keyed_category_never_seen_is_told_and_refused_under_strict(service):
    schema = Schema((UNSEEN.features[0],), UNSEEN.target)
    live = make_live("words", schema=schema, protocols=("keyed",))
    options: Any = {"protocols": PROTOCOLS, "guard": Guard(KeyRing([KEY.entry()]))}
    keyed = make_service(live, **options)
    path = f"/api/v1/{TOKEN}/predict"
    assert _is_told(ask(keyed, path, {"1": "castle", "2": "rent"}))
    assert not _is_told(ask(keyed, path, {"2": "rent"}))
    assert ask(keyed, f"{path}?strict=1", {"1": "castle"}).status == 422


@pytest.mark.parametrize("words", [("no", "yes"), ("No", "Yes")])
def test_every_protocol_calls_the_classes_as_the_table_does(words: tuple[str, str]) -> None:
    live = make_live(schema=Schema(SIGNATURE.features, Target("approved", words)))
    service = make_service(live, protocols=(v0, sagemaker, oip))
    probabilities = {words[0]: 0.4255575, words[1]: 0.5744425}
    one = {"probability": 0.5744425, "probabilities": probabilities}

    answer = json.loads(ask(service, "/v0/predict", ROW).body)
    assert answer["prediction"] == {"value": words[1], **one}
    table = ask(service, "/v0/predict", ROW, accept="text/csv").body.decode().splitlines()
    no, yes = (f"probability_{word}" for word in words)
    assert table[0] == f"prediction,probability,{no},{yes}"
    assert table[1].startswith(f"{words[1]},")
    answer = json.loads(ask(service, "/invocations", ROW).body)
    assert answer["predictions"] == [{"predicted_label": words[1], **one}]
    tensors = [
        {"name": name, "datatype": datatype, "shape": [1], "data": [ROW[name]]}
        for name, datatype in (("age", "INT64"), ("income", "FP64"), ("home", "BYTES"))
    ]
    tensors.append({"name": "records", "datatype": "BOOL", "shape": [1], "data": [False]})
    answer = json.loads(ask(service, "/v2/models/credit/infer", {"inputs": tensors}).body)
    assert answer["outputs"][0]["datatype"] == "BYTES"
    assert answer["outputs"][0]["data"] == [words[1]]
