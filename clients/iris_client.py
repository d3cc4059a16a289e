"""Asks the gRPC service for the species of an iris, over the network.

    python clients/iris_client.py --host localhost --port 50052 5.1 3.5 1.4 0.2

Knows the service's name and no more: its messages are asked of the server (by
reflection). Other languages generate their code from iris.proto beside this file.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

SERVICE = "ml.IrisPredictor"
METHOD = "PredictIrisSpecies"
MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def predict(channel: grpc.Channel, measures: Sequence[float], token: str, timeout: float) -> Any:
    """Return the reply for one flower, measured in centimetres. Raises grpc.RpcError, KeyError."""
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName(SERVICE).FindMethodByName(METHOD)
    request, reply = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    call = channel.unary_unary(
        f"/{SERVICE}/{METHOD}",
        request_serializer=request.SerializeToString,
        response_deserializer=reply.FromString,
    )
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    return call(
        request(**dict(zip(MEASURES, measures, strict=True))), timeout=timeout, metadata=metadata
    )


def connect(words: argparse.Namespace) -> grpc.Channel:
    """Return a channel to the server, with TLS if a root certificate is named."""
    address = f"{words.host}:{words.port}"
    if not words.root:
        return grpc.insecure_channel(address)
    credentials = grpc.ssl_channel_credentials(Path(words.root).read_bytes())
    return grpc.secure_channel(address, credentials)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, and print the place of the species."""
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
    except KeyError:
        print(f"iris_client: {words.host}:{words.port} has no {SERVICE}", file=sys.stderr)
        return 1
    except grpc.RpcError as error:
        print(f"iris_client: {error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    print(f"species: {reply.species}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
