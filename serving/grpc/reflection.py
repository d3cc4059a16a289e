"""Server reflection over services that come and go with the live models."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from google.protobuf import descriptor_pool
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from serving.champions import Champions
from serving.grpc.inference_service import SERVICE
from serving.grpc.typed_services import TypedServices

THREADS = 4


class Reflection(reflection.ReflectionServicer):
    """Lists the services that there are now, and describes them."""

    def __init__(self, champions: Champions) -> None:
        self._pools = _Pools(champions)
        super().__init__((), self._pools)
        # A stream holds a thread for as long as its client likes: never one of those that predict.
        stream: Any = partial(super().ServerReflectionInfo)
        stream.experimental_thread_pool = ThreadPoolExecutor(THREADS, "mirante-reflection")
        self.ServerReflectionInfo = stream

    @property
    def _service_names(self) -> tuple[str, ...]:
        return self.services()

    @_service_names.setter
    def _service_names(self, names: tuple[str, ...]) -> None:
        """Ignore what the class above sets: names that do not change."""

    def services(self) -> tuple[str, ...]:
        """Return the full names of the services, sorted."""
        typed = self._pools.typed.services()
        found = {service.messages.proto.full_service for service in typed}
        return tuple(
            sorted({*found, SERVICE.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME})
        )


class _Pools:
    """The descriptor pools of every service, searched in turn as if they were one."""

    def __init__(self, champions: Champions) -> None:
        self.typed = TypedServices(champions)

    def _all(self) -> Iterator[Any]:
        for service in self.typed.services():
            yield service.messages.pool
        yield descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        """Return a method of a pool that searches them all; it raises KeyError as theirs do."""
        if not name.startswith("Find"):
            raise AttributeError(name)

        def find(*words: Any) -> Any:
            for pool in self._all():
                try:
                    return getattr(pool, name)(*words)
                except KeyError:
                    continue
            raise KeyError(words[-1])

        return find
