"""The .proto text of a model's typed gRPC service, for clients to generate their code from."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response

from serving.champions import Champions
from serving.exchange import Answer
from serving.grpc.protos.proto import render
from serving.grpc.protos.typed import typed_proto
from serving.http.operation import TEXT, Operation, described
from serving.http.wsgi import flask_response

TEXT_TYPE = b"text/plain; charset=utf-8"
_PROTO = Operation(
    "Inspection",
    "The model's gRPC service as a .proto file",
    {"text/plain": {"schema": TEXT}},
    (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
)


def proto_blueprint(champions: Champions) -> Blueprint:
    """Return the blueprint of `/v0/models/<name>/proto`."""
    blueprint = Blueprint("proto", __name__)

    @blueprint.get("/v0/models/<name>/proto")
    @described(_PROTO)
    def proto(name: str) -> Response:
        live = champions.live(name)
        return flask_response(
            Answer(200, render(typed_proto(live.name, live.schema)).encode(), TEXT_TYPE)
        )

    return blueprint
