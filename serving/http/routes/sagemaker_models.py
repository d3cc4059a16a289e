"""What SageMaker asks of a container besides predictions.

docs.aws.amazon.com/sagemaker/latest/dg: your-algorithms-inference-code (/ping),
your-algorithms-batch-code (/execution-parameters), mms-container-apis (/models).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from flask import Blueprint, Response, request

from errors import ParseError
from serving.champions import Champions
from serving.exchange import Answer
from serving.http.wsgi import flask_response

MEBIBYTE = 1024 * 1024


class Shelf(Protocol):
    """The models that the platform has put beside a multi-model container."""

    def take(self, name: str) -> None:
        """Load a model. Raises Conflict when it is loaded, ModelUnknown when there is none."""
        ...

    def put_back(self, name: str) -> None:
        """Unload a model. Raises ModelUnknown when it is not loaded."""
        ...


class Wanted(msgspec.Struct):
    """A model to load. Its `url` is read past: no path is ever taken from a request."""

    model_name: str
    url: str = ""


def sagemaker_blueprint(
    champions: Champions,
    *,
    default_model: str,
    max_in_flight: int,
    max_body_bytes: int,
    model_folder: Shelf | None = None,
) -> Blueprint:
    """Return the blueprint; loading and unloading are there only with a shelf."""
    blueprint = Blueprint("sagemaker", __name__)

    @blueprint.get("/ping")
    def ping() -> tuple[str, int]:
        # A multi-model container is well with no model loaded yet.
        well = model_folder is not None or default_model in champions.lives
        return "", HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE

    @blueprint.get("/execution-parameters")
    def execution_parameters() -> dict[str, Any]:
        return {
            "MaxConcurrentTransforms": max_in_flight,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, max_body_bytes // MEBIBYTE),
        }

    @blueprint.get("/models")
    def models() -> Response:
        names = sorted(champions.lives)
        return _json({"models": [_listed(name) for name in names]})

    @blueprint.get("/models/<name>")
    def model(name: str) -> Response:
        champions.live(name)
        return _json(_listed(name))

    if model_folder is not None:
        _add_shelf(blueprint, model_folder)
    return blueprint


def _add_shelf(blueprint: Blueprint, model_folder: Shelf) -> None:
    @blueprint.post("/models")
    def load() -> Response:
        try:
            wanted = msgspec.json.decode(request.get_data(), type=Wanted)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ParseError("expected a JSON object with model_name and url") from None
        model_folder.take(wanted.model_name)
        return _json(_listed(wanted.model_name))

    @blueprint.delete("/models/<name>")
    def unload(name: str) -> Response:
        model_folder.put_back(name)
        return _json({})


def _listed(name: str) -> dict[str, str]:
    return {"modelName": name, "modelUrl": f"/models/{name}"}


def _json(document: Any) -> Response:
    return flask_response(Answer(200, msgspec.json.encode(document)))
