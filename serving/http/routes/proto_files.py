"""The .proto text of a model's typed gRPC service, for clients to generate their code from."""

from __future__ import annotations

from flask import Blueprint, Response

from serving.champions import Champions
from serving.exchange import Answer
from serving.grpc.protos.proto import render
from serving.grpc.protos.typed import typed_proto
from serving.http.wsgi import flask_response

TEXT = b"text/plain; charset=utf-8"


def proto_blueprint(champions: Champions) -> Blueprint:
    """Return the blueprint of `/v0/models/<name>/proto`."""
    blueprint = Blueprint("proto", __name__)

    @blueprint.get("/v0/models/<name>/proto")
    def proto(name: str) -> Response:
        live = champions.live(name)
        return flask_response(
            Answer(200, render(typed_proto(live.name, live.schema)).encode(), TEXT)
        )

    return blueprint
