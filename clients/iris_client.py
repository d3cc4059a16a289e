"""Asks the gRPC service for the species of an iris, over the network.

    python clients/iris_client.py --host localhost --port 50052 5.1 3.5 1.4 0.2

Its messages are in iris_pb2.py, which protoc wrote from iris.proto beside it; code for
other languages is generated from the same file.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc
import iris_pb2

SERVICE = "ml.IrisPredictor"
METHOD = "PredictIrisSpecies"
MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def predict(
    channel: grpc.Channel, measures: Sequence[float], token: str, timeout: float
) -> iris_pb2.IrisPredictReply:
    """Return the reply for one flower, measured in centimetres. Raises grpc.RpcError."""
    call = channel.unary_unary(
        f"/{SERVICE}/{METHOD}",
        request_serializer=iris_pb2.IrisPredictRequest.SerializeToString,
        response_deserializer=iris_pb2.IrisPredictReply.FromString,
    )
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    request = iris_pb2.IrisPredictRequest(**dict(zip(MEASURES, measures, strict=True)))
    return call(request, timeout=timeout, metadata=metadata)


def connect(words: argparse.Namespace) -> grpc.Channel:
    """Return a channel to the server, with TLS if a root certificate is named."""
    address = f"{words.host}:{words.port}"
    if not words.root:
        return grpc.insecure_channel(address)
    credentials = grpc.ssl_channel_credentials(Path(words.root).read_bytes())
    return grpc.secure_channel(address, credentials)


def main(arguments: Sequence[str] | None = None) -> int:
    """Call, and print the index of the species."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=50052)
    parser.add_argument("--root", help="root certificate (PEM), to speak TLS")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds; default 10")
    parser.add_argument("measures", nargs=4, type=float, metavar="cm", help=", ".join(MEASURES))
    words = parser.parse_args(arguments)
    try:
        with connect(words) as channel:
            token = os.environ.get("MIRANTE_TOKEN", "")
            reply = predict(channel, words.measures, token, words.timeout)
    except grpc.RpcError as error:
        print(f"iris_client: {_fault(error, f'{words.host}:{words.port}')}", file=sys.stderr)
        return 1
    print(f"species: {reply.species}")
    return 0


def _fault(error: grpc.RpcError, address: str) -> str:
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return f"{address} has no {SERVICE}"
    return f"{error.code().name}: {error.details()}"


if __name__ == "__main__":
    sys.exit(main())
