"""Triton's gRPC client beside the server, in one process.

Its messages have the names that ours have, and a descriptor pool has each name
once: they are made in a pool of their own.
"""

from __future__ import annotations

from unittest.mock import patch

from google.protobuf import descriptor_pool

with patch.object(descriptor_pool, "Default", return_value=descriptor_pool.DescriptorPool()):
    import tritonclient.grpc as triton
    from tritonclient.grpc import service_pb2

__all__ = ["service_pb2", "triton"]
