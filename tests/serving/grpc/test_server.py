"""The gRPC server, called by real clients over a real port."""

from __future__ import annotations

import datetime
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import grpc
import msgspec
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from learning.prediction import Outputs
from serving import in_flight
from serving.auth import Guard, KeyRing, new_key
from serving.champions import Champions, Live
from serving.contributions import contributions_of
from serving.cors import Cors
from serving.grpc.server import MAX_CALLS, GrpcServer
from serving.metrics import Metrics
from serving.observation import Observation, access_log
from serving.protocols import oip
from tables.batch import Batch
from tables.schema import Feature, Schema, Target
from tests.conftest import ROOT
from tests.serving.explained import live_of, rows_of
from tests.serving.factory import ROW, SIGNATURE, Sum, ask, make_champions, make_live, make_service
from tests.serving.grpc.triton_client import service_pb2, triton

IRIS = Schema(
    tuple(
        Feature(name, "number", example=1.0)
        for name in ("sepal_length", "sepal_width", "petal_length", "petal_width")
    ),
    Target("species", ("setosa", "versicolor", "virginica")),
)


INFER = "/inference.GRPCInferenceService/ModelInfer"
LATER = "20270101t000000z-000002"


@contextmanager
def serving(
    *lives: Live,
    champions: Champions | None = None,
    certificate: bytes = b"",
    key: bytes = b"",
    max_calls: int = MAX_CALLS,
    **options: Any,
) -> Iterator[GrpcServer]:
    """A server on a port of its own; options are the service's."""
    settings: dict[str, Any] = {"max_body_bytes": 64_000, "max_rows": 100, "cors": Cors(())}
    service = make_service(protocols=(), **(settings | options))
    service.champions = champions or make_champions(*lives)
    server = GrpcServer(
        service, "127.0.0.1:0", certificate=certificate, key=key, max_calls=max_calls
    )
    server.start()
    try:
        yield server
    finally:
        server.stop(0.1)


@contextmanager
def reached(*lives: Live, **options: Any) -> Iterator[tuple[GrpcServer, grpc.Channel]]:
    """A server, and a channel to it."""
    with (
        serving(*lives, **options) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield server, channel


@pytest.fixture(scope="module")
def server() -> Iterator[GrpcServer]:
    with serving(make_live(), make_live("iris", schema=IRIS)) as started:
        yield started


@pytest.fixture
def channel(server: GrpcServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as opened:
        yield opened


@pytest.fixture
def client(server: GrpcServer) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as opened:
        yield opened


def call(channel: grpc.Channel, service: str, method: str, **fields: Any) -> Any:
    """The reply of a typed service, whose messages reflection describes."""
    options = {name: fields.pop(name) for name in ("metadata", "timeout") if name in fields}
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    found = pool.FindServiceByName(service).FindMethodByName(method)
    request, reply = GetMessageClass(found.input_type), GetMessageClass(found.output_type)
    return channel.unary_unary(f"/{service}/{method}", request.SerializeToString, reply.FromString)(
        request(**fields), **options
    )


def tensor(name: str, values: Any, datatype: str) -> triton.InferInput:
    array = np.array(values)
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array)
    return given


def credit_inputs(ages: list[int]) -> list[triton.InferInput]:
    return [
        tensor("age", np.array(ages, np.int64), "INT64"),
        tensor("income", np.array([1.0, np.nan][: len(ages)], np.float64), "FP64"),
        tensor("home", np.array(["rent", "owner"][: len(ages)], object), "BYTES"),
        tensor("records", np.array([True, False][: len(ages)]), "BOOL"),
    ]


# ---------------------------------------------------------------- the iris contract


def test_the_iris_client_crosses_the_network(server: GrpcServer) -> None:
    words = ["--host", "127.0.0.1", "--port", str(server.port), "5.1", "3.5", "1.4", "0.2"]
    program = ROOT / "clients" / "iris_client.py"
    done = subprocess.run(
        [sys.executable, str(program), *words], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "species: 2\n"), done.stderr


def test_the_iris_client_says_what_went_wrong() -> None:
    program = ROOT / "clients" / "iris_client.py"
    with serving(make_live()) as other:
        words = ["--host", "127.0.0.1", "--port", str(other.port), "1", "1", "1", "1"]
        done = subprocess.run(
            [sys.executable, str(program), *words], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 1
    assert "has no ml.IrisPredictor" in done.stderr


def test_a_typed_call_answers_as_the_model_does(channel: grpc.Channel) -> None:
    reply = call(
        channel, "ml.CreditPredictor", "PredictCreditApproved", **(ROW | {"records": False})
    )
    service = make_service(make_live())
    theirs = json.loads(ask(service, "/v0/predict", ROW).body)["prediction"]
    assert reply.approved is theirs["value"]
    assert list(reply.probabilities) == list(theirs["probabilities"].values())
    assert reply.model_version == make_live().version


def test_a_typed_reply_names_a_class_as_the_table_does() -> None:
    live = make_live(schema=Schema(SIGNATURE.features, Target("approved", ("No", "Yes"))))
    with reached(live) as (_, channel):
        fields = ROW | {"records": False}
        reply = call(channel, "ml.CreditPredictor", "PredictCreditApproved", **fields)
    assert (reply.approved, reply.class_name) == (1, "Yes")


def test_what_is_missing_in_a_typed_call_is_told_as_over_http() -> None:
    features = (Feature("home", "category", categories=("a", "b")), Feature("age", "number"))
    live = make_live(schema=Schema(features, Target("approved", (False, True))))
    with reached(live) as (_, channel), pytest.raises(grpc.RpcError) as caught:
        call(channel, "ml.CreditPredictor", "PredictCreditApproved", age=3)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    inputs = [{"name": "age", "datatype": "FP64", "shape": [1], "data": [3]}]
    service = make_service(live, protocols=(oip,))
    answer = ask(service, "/v2/models/credit/infer", {"inputs": inputs})
    assert json.loads(answer.body) == {"error": caught.value.details()}
    assert "row 0, home: expected string, got nothing" in (caught.value.details() or "")


def test_a_model_promoted_meanwhile_is_called_by_its_new_signature() -> None:
    champions, row = make_champions(make_live()), ROW | {"records": True}
    with reached(champions=champions) as (_, channel):
        assert call(channel, "ml.CreditPredictor", "PredictCreditApproved", **row)
        other = Schema((Feature("x", "number", example=1.0),), Target("grade", (1, 2)))
        champions._live["credit"] = make_live(version=LATER, schema=other)
        reply = call(channel, "ml.CreditPredictor", "PredictCreditGrade", x=500.0)
        assert (reply.grade, reply.model_version) == (2, LATER)


# ---------------------------------------------------------------- the Open Inference Protocol


def test_health_and_metadata(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("credit")
    assert client.is_model_ready("credit", make_live().version)
    assert not client.is_model_ready("credit", "another")
    assert client.get_server_metadata().name == "mirante"
    found = client.get_model_metadata("credit")
    assert [(i.name, i.datatype) for i in found.inputs] == [
        ("age", "INT64"),
        ("income", "FP64"),
        ("home", "BYTES"),
        ("records", "BOOL"),
    ]


def test_raw_tensors_are_answered_as_over_rest(client: triton.InferenceServerClient) -> None:
    result = client.infer("credit", credit_inputs([30, 50]), request_id="seven")
    assert result.get_response().id == "seven"
    rows = {"age": [30, 50], "income": [1.0, None], "home": ["rent", "owner"]}
    data = [
        {"name": n, "datatype": t, "shape": [2], "data": d}
        for n, t, d in (
            ("age", "INT64", rows["age"]),
            ("income", "FP64", rows["income"]),
            ("home", "BYTES", rows["home"]),
            ("records", "BOOL", [True, False]),
        )
    ]
    service = make_service(make_live(), protocols=(oip,))
    answer = json.loads(ask(service, "/v2/models/credit/infer", {"inputs": data}).body)
    theirs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert result.as_numpy("label").tolist() == theirs["label"]
    assert result.as_numpy("probabilities").ravel().tolist() == theirs["probabilities"]


def test_one_tensor_of_all_features_and_one_output(client: triton.InferenceServerClient) -> None:
    rows = np.array([[100, 1, 1, 1], [-100, 1, 1, 1]], np.float32)
    outputs = [triton.InferRequestedOutput("label")]
    result = client.infer("iris", [tensor("x", rows, "FP32")], outputs=outputs)
    assert result.as_numpy("label").tolist() == [b"virginica", b"setosa"]
    assert result.as_numpy("probabilities") is None


def test_contributions_are_answered_where_they_are_asked_for() -> None:
    live = live_of()
    row = next(row for row in rows_of() if None not in row.values())
    inputs = [
        tensor(name, np.array([str(value)], object), "BYTES")
        if isinstance(value, str)
        else tensor(name, np.array([value], np.float64), "FP64")
        for name, value in row.items()
    ]
    batch = live.codec.encode_objects([row])
    expected = contributions_of(live, batch, live.predict(batch), "no")
    with serving(live) as started:
        address = f"127.0.0.1:{started.port}"
        with triton.InferenceServerClient(address) as client:
            said = {"explain": True, "explain_class": "no"}
            result = client.infer("credit", inputs, parameters=said)
            assert result.as_numpy("label").shape == (1,)
            assert np.array_equal(result.as_numpy("contributions"), expected.values)
            assert result.as_numpy("baseline").tolist() == expected.baselines
            assert result.as_numpy("contributions_space").tolist() == [b"log_odds"]
            told = result.get_output("contributions").parameters["features"].string_param
            assert json.loads(told) == list(row)
            with pytest.raises(triton.InferenceServerException, match="true or false"):
                client.infer("credit", inputs, parameters={"explain": 3})


def test_contents_that_are_not_raw_are_answered_in_kind(channel: grpc.Channel) -> None:
    request = service_pb2.ModelInferRequest(model_name="iris")
    given = request.inputs.add(name="x", datatype="FP64", shape=[1, 4])
    given.contents.fp64_contents.extend([100.0, 1.0, 1.0, 1.0])
    reply = _infer(channel, request)
    assert reply.outputs[0].contents.bytes_contents[:] == [b"virginica"]
    assert sum(reply.outputs[1].contents.fp64_contents) == pytest.approx(1.0)
    assert not reply.raw_output_contents


def _infer(channel: grpc.Channel, request: Any) -> Any:
    write = service_pb2.ModelInferRequest.SerializeToString
    read = service_pb2.ModelInferResponse.FromString
    return channel.unary_unary(INFER, write, read)(request)


@pytest.mark.parametrize(
    ("model", "inputs", "code", "text"),
    [
        ("none", lambda: credit_inputs([1]), "NOT_FOUND", "there is no model of that name"),
        ("iris", lambda: credit_inputs([1]), "INVALID_ARGUMENT", "do not fit|does not fit"),
        (
            "iris",
            lambda: [tensor("x", np.ones((1, 3), np.float32), "FP32")],
            "INVALID_ARGUMENT",
            "a tensor \\[n, 4\\]",
        ),
        (
            "credit",
            lambda: credit_inputs([1])[:1],
            "INVALID_ARGUMENT",
            "row 0, home|row 0, income|row 0, records",
        ),
        (
            "iris",
            lambda: [tensor("x", np.ones((101, 4), np.float32), "FP32")],
            "RESOURCE_EXHAUSTED",
            "more than 100 rows; at most 100",
        ),
        (
            "iris",
            lambda: [tensor("x", np.ones((9000, 4), np.float32), "FP32")],
            "RESOURCE_EXHAUSTED",
            "larger than max",
        ),
        (
            "iris",
            lambda: [tensor("x", np.ones((0, 4), np.float32), "FP32")],
            "INVALID_ARGUMENT",
            "at least one row",
        ),
    ],
)
def test_bad_requests_are_refused_with_the_text_of_http(client, model, inputs, code, text) -> None:
    with pytest.raises(triton.InferenceServerException, match=text) as caught:
        client.infer(model, inputs())
    assert caught.value.status() == f"StatusCode.{code}"


def raw(channel: grpc.Channel, path: str) -> Any:
    """Return a call whose messages are bytes, as they are."""
    return channel.unary_unary(path)


def entered(live: Live) -> threading.Event:
    """Return the event that is set when a slow runtime begins to predict."""
    assert isinstance(live.runtime, Slow)
    return live.runtime.entered


def test_bytes_that_are_no_message_are_refused(channel: grpc.Channel) -> None:
    ask_raw = raw(channel, INFER)
    with pytest.raises(grpc.RpcError) as caught:
        ask_raw(b"\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "the body is no inference.ModelInferRequest"
    trailing: Any = caught.value.trailing_metadata()
    assert dict(trailing)["x-request-id"]


def test_an_unknown_call_is_unimplemented(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        raw(channel, "/ml.Nobody/Predicts")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


# ---------------------------------------------------------------- the server's own


def test_health_checking_follows_the_predictor() -> None:
    champions = make_champions()
    with reached(champions=champions) as (server, channel):
        check = health_pb2_grpc.HealthStub(channel).Check
        states = health_pb2.HealthCheckResponse
        assert check(health_pb2.HealthCheckRequest()).status == states.NOT_SERVING
        champions._live["iris"] = make_live("iris", schema=IRIS)
        server.update_health()
        for service in ("", "ml.IrisPredictor", "inference.GRPCInferenceService"):
            request = health_pb2.HealthCheckRequest(service=service)
            assert check(request).status == states.SERVING


def test_reflection_lists_and_describes_every_service(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    assert services == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "inference.GRPCInferenceService",
        "ml.CreditPredictor",
        "ml.IrisPredictor",
    }
    pool = DescriptorPool(database)
    for service in services:
        assert pool.FindServiceByName(service).methods
    with pytest.raises(KeyError):
        pool.FindServiceByName("ml.Nobody")


class Slow(Sum):
    """A runtime that takes its time, or fails."""

    def __init__(self, seconds: float) -> None:
        super().__init__(3)
        self.seconds = seconds
        self.entered = threading.Event()

    def outputs(self, batch: Batch) -> Outputs:
        self.entered.set()
        time.sleep(self.seconds)
        if not self.seconds:
            raise RuntimeError("the caller's secret")
        return super().outputs(batch)


def slow_iris(seconds: float) -> Live:
    import dataclasses

    return dataclasses.replace(make_live("iris", schema=IRIS), runtime=Slow(seconds))


def test_a_deadline_ends_a_call() -> None:
    with reached(slow_iris(1.0)) as (_, channel):
        started = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, "ml.IrisPredictor", "PredictIrisSpecies", timeout=0.2)
        assert time.monotonic() - started < 0.9
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_more_calls_at_once_than_are_taken_are_refused() -> None:
    live = slow_iris(1.0)
    with reached(live, max_calls=1) as (_, channel):
        path = "/ml.IrisPredictor/PredictIrisSpecies"
        first = raw(channel, path).future(b"")
        assert entered(live).wait(5)
        with pytest.raises(grpc.RpcError) as caught:
            raw(channel, path)(b"")
        assert first.result()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_two_hundred_calls_at_once_are_all_answered() -> None:
    live = slow_iris(0.02)
    with reached(live) as (_, channel):
        path = "/ml.IrisPredictor/PredictIrisSpecies"
        calls = [raw(channel, path).future(b"") for _ in range(200)]
        assert all(answer.result() for answer in calls)


def test_a_call_that_waited_too_long_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "QUEUE_SECONDS", 0.2)
    live = slow_iris(0.5)
    with reached(live) as (_, channel):
        path = "/ml.IrisPredictor/PredictIrisSpecies"
        calls = [raw(channel, path).future(b"") for _ in range(8)]
        codes = [call.code() for call in calls]
    assert codes.count(grpc.StatusCode.UNAVAILABLE) == 4


def test_idle_streams_hold_no_thread_that_predicts(channel: grpc.Channel) -> None:
    ended = threading.Event()

    def nothing() -> Iterator[Any]:
        ended.wait(30)
        yield from ()

    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    streams = [stub.ServerReflectionInfo(nothing()) for _ in range(12)]
    watches = [
        health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        for _ in range(12)
    ]
    assert all(next(iter(watch)) for watch in watches)
    asked = health_pb2.HealthCheckRequest()
    assert health_pb2_grpc.HealthStub(channel).Check(asked, timeout=10).status
    for stream in (*streams, *watches):
        stream.cancel()
    ended.set()


def test_a_fault_of_ours_tells_nothing_of_it() -> None:
    with reached(slow_iris(0.0)) as (_, channel), pytest.raises(grpc.RpcError) as caught:
        call(channel, "ml.IrisPredictor", "PredictIrisSpecies")
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in (caught.value.details() or "")


def test_calls_under_way_are_answered_when_it_stops() -> None:
    live = slow_iris(0.5)
    with serving(live) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        under_way = raw(channel, "/ml.IrisPredictor/PredictIrisSpecies").future(b"")
        assert entered(live).wait(5)
        server.stop(5.0)
        assert under_way.result()


def test_keys_come_as_metadata() -> None:
    token, key = new_key("reader", ["predict"])
    _, trainer = new_key("trainer", ["train"])
    ring = KeyRing((key.entry(), trainer.entry()), "")
    guard = Guard(ring, require_for_prediction=True)
    with reached(make_live("iris", schema=IRIS), guard=guard) as (_, channel):
        words = ("ml.IrisPredictor", "PredictIrisSpecies")
        for good in (("authorization", f"Bearer {token}"), ("x-api-key", token)):
            assert call(channel, *words, metadata=(good,))
        for bad in ((), (("authorization", "Bearer no"),)):
            with pytest.raises(grpc.RpcError) as caught:
                call(channel, *words, metadata=bad)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "Bearer, or X-API-Key" in (caught.value.details() or "")


def make_certificate(folder: Path) -> tuple[bytes, bytes]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), private


def test_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with serving(make_live("iris", schema=IRIS), certificate=certificate, key=key) as server:
        root = tmp_path / "root.pem"
        root.write_bytes(certificate)
        words = ["--host", "127.0.0.1", "--port", str(server.port), "1", "1", "1", "1"]
        program = [sys.executable, str(ROOT / "clients" / "iris_client.py")]
        done = subprocess.run(
            [*program, "--root", str(root), *words], capture_output=True, text=True, timeout=60
        )
        assert done.stdout.startswith("species: "), done.stderr
        plain = subprocess.run(
            [*program, "--timeout", "2", *words], capture_output=True, timeout=60
        )
        assert plain.returncode == 1


def test_a_port_that_is_taken_is_an_error(server: GrpcServer) -> None:
    with pytest.raises(OSError, match="cannot listen"):
        GrpcServer(make_service(protocols=()), f"127.0.0.1:{server.port}")


def test_the_key_is_checked_before_the_message_is_parsed() -> None:
    guard = Guard(KeyRing(), require_for_prediction=True)
    with reached(make_live("iris", schema=IRIS), guard=guard) as (_, channel):
        for path in ("/ml.IrisPredictor/PredictIrisSpecies", INFER):
            with pytest.raises(grpc.RpcError) as caught:
                raw(channel, path)(b"\xff\xff")
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_calls_are_recorded_as_requests_are() -> None:
    metrics = Metrics()
    live = make_live("iris", schema=IRIS)
    with reached(live, observation=Observation(metrics, 0.0)) as (_, channel):
        call(channel, "ml.IrisPredictor", "PredictIrisSpecies")
        with pytest.raises(grpc.RpcError):
            raw(channel, INFER)(b"\xff\xff")
    text = metrics.exposition().decode()
    typed = 'route="/ml.IrisPredictor/PredictIrisSpecies",status="200"'
    assert f"mirante_requests_total{{{typed}}} 1.0" in text
    assert f'mirante_requests_total{{route="{INFER}",status="400"}} 1.0' in text
    assert f'mirante_rows_total{{model="iris",version="{live.version}"}} 1.0' in text


def test_a_call_s_trace_is_told_in_the_trailing_metadata() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    with reached(make_live("iris", schema=IRIS)) as (_, channel):
        with pytest.raises(grpc.RpcError) as caught:
            raw(channel, INFER)(b"\xff\xff", metadata=(("traceparent", parent),))
        trailing: Any = caught.value.trailing_metadata()
        assert dict(trailing)["traceparent"] == parent


def test_every_refusal_is_in_the_log_under_its_id(caplog: pytest.LogCaptureFixture) -> None:
    access_log.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "mirante.access")
    token, entry = new_key("reader", ["predict"])
    guard = Guard(KeyRing([entry.entry()]), require_for_prediction=True)
    key = ("authorization", f"Bearer {token}")
    asked = {
        "no-call": ("/nobody.Service/Call", b"", key),
        "no-method": ("/inference.GRPCInferenceService/Nothing", b"", key),
        "no-message": (INFER, b"\xff\xff", key),
        "no-model": (INFER, b"\x0a\x06nobody", key),
        "no-key": (INFER, b"", ("x-any", "1")),
    }
    with reached(make_live("iris", schema=IRIS), guard=guard) as (_, channel):
        for request_id, (path, message, sent) in asked.items():
            with pytest.raises(grpc.RpcError) as caught:
                raw(channel, path)(message, metadata=(("x-request-id", request_id), sent))
            trailing: Any = caught.value.trailing_metadata()
            assert dict(trailing)["x-request-id"] == request_id
    access_log.removeHandler(caplog.handler)
    lines = {line.request_id: line for line in caplog.records if line.name == access_log.name}  # type: ignore[attr-defined]
    assert {name: line.status for name, line in lines.items()} == {  # type: ignore[attr-defined]
        "no-call": 405,
        "no-method": 405,
        "no-message": 400,
        "no-model": 404,
        "no-key": 401,
    }
    assert all(line.detail for line in lines.values())  # type: ignore[attr-defined]


def test_metadata_that_is_not_the_services_changes_nothing() -> None:
    with reached(make_live("iris", schema=IRIS)) as (_, channel):
        foreign = (("content-encoding", "gzip"), ("origin", "https://a.example"))
        assert call(channel, "ml.IrisPredictor", "PredictIrisSpecies", metadata=foreign)


# ---------------------------------------------------------------- warnings


def test_warnings_are_a_parameter_and_strict_refuses() -> None:
    live = make_live(schema=msgspec.structs.replace(SIGNATURE, imputes=True))
    inputs = credit_inputs([30])
    inputs[3] = tensor("records", np.array([np.nan]), "FP64")
    with reached(live) as (server, _):
        address = f"127.0.0.1:{server.port}"
        with triton.InferenceServerClient(address) as client:
            reply = client.infer("credit", inputs).get_response()
            (said,) = json.loads(reply.parameters["warnings"].string_param)
            assert (said["row"], said["field"]) == (0, "records")
            with pytest.raises(Exception, match="does not fit"):
                client.infer("credit", inputs, parameters={"strict": True})


def test_warnings_of_a_typed_call_are_in_its_trailing_metadata() -> None:
    features = (Feature("home", "category", categories=("a", "b")), Feature("age", "number"))
    schema = Schema((features[1], features[0]), Target("approved", (False, True)), imputes=True)
    with reached(make_live(schema=schema)) as (_, channel):
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        service = "ml.CreditPredictor"
        found = pool.FindServiceByName(service).FindMethodByName("PredictCreditApproved")
        request, reply = GetMessageClass(found.input_type), GetMessageClass(found.output_type)
        path = f"/{service}/PredictCreditApproved"
        ask_for = channel.unary_unary(path, request.SerializeToString, reply.FromString)
        _, call = ask_for.with_call(request(age=3))
    (said,) = (v for k, v in call.trailing_metadata() if k == "x-warnings")
    assert json.loads(said)["warnings"][0]["field"] == "home"


def test_strict_comes_as_metadata(client: triton.InferenceServerClient) -> None:
    tent = tensor("home", np.array(["tent"], object), "BYTES")
    inputs = [tent if given.name() == "home" else given for given in credit_inputs([30])]
    assert "warnings" in client.infer("credit", inputs).get_response().parameters
    with pytest.raises(triton.InferenceServerException, match="does not fit the signature"):
        client.infer("credit", inputs, headers={"strict": "1"})


def test_partial_comes_as_metadata_and_classes_are_counted(
    client: triton.InferenceServerClient,
) -> None:
    homes = tensor("home", np.array(["tent", "rent"], object), "BYTES")
    inputs = [homes if given.name() == "home" else given for given in credit_inputs([30, 40])]
    asked = [triton.InferRequestedOutput("probabilities", class_count=1)]
    switches = {"strict": "1", "partial": "1"}
    result = client.infer("credit", inputs, outputs=asked, headers=switches)
    (top,) = result.as_numpy("probabilities").ravel().tolist()
    assert top.endswith(b":1:true")
    assert json.loads(result.get_response().parameters["rows"].string_param) == [1]
    sent = client.infer("credit", inputs, parameters={"strict": True, "partial": True})
    assert sent.as_numpy("label").shape == (1,)
