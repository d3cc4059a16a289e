"""A cluster of Dask's: connected to, of the same versions as this process, and asked for work."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from errors import ClusterError, DependencyError, MiranteError

INSTALL = "a cluster needs Dask: pip install -r requirements-dask.txt"
# What has to be of one version on all sides: what is sent is pickled.
PACKAGES = ("dask", "distributed", "lightgbm", "numpy", "pyarrow", "scikit-learn", "onnxruntime")
ROOMS = ("tables", "learning", "persistence", "scoring")
# Seconds to find a scheduler, and its workers.
PATIENCE = 15
ROOT = Path(__file__).resolve().parent.parent.parent


class Cluster:
    """A connection to a scheduler. Raises ClusterError where it, or a worker, is of no use."""

    def __init__(self, client: Any, address: str) -> None:
        self.client = client
        self.address = address

    @property
    def workers(self) -> set[str]:
        """The addresses of the workers that there are now. Raises ClusterError."""
        with self.faults():
            return set(self.client.nthreads())

    @property
    def memory(self) -> int:
        """How many bytes all workers may hold, 0 where they have no limit."""
        with self.faults():
            limits = self.client.run(_memory_limit)
        return sum(limits.values())

    def map(self, function: Callable[..., Any], items: Iterable[Any], *given: Any) -> list[Any]:
        """Return the futures of a function of each item."""
        with self.faults():
            return [self.client.submit(function, item, *given, pure=False) for item in items]

    def gather(self, futures: Sequence[Any]) -> list[Any]:
        """Return what futures come to. Raises ClusterError, and what the functions raise."""
        with self.faults():
            found: list[Any] = self.client.gather(list(futures))
        return found

    def reduce(self, function: Callable[..., Any], futures: Sequence[Any], *given: Any) -> Any:
        """Return what futures come to when a function makes one of each two, on the workers."""
        left = list(futures)
        with self.faults():
            while len(left) > 1:
                pairs = [left[i : i + 2] for i in range(0, len(left), 2)]
                left = [
                    self.client.submit(function, pair, *given, pure=False)
                    if len(pair) > 1
                    else pair[0]
                    for pair in pairs
                ]
        return self.gather(left)[0]

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Say in one line what a cluster could not do."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError

        gone = (OSError, TimeoutError, asyncio.TimeoutError, CancelledError, asyncio.CancelledError)
        try:
            yield
        except MiranteError:
            raise
        except KilledWorker as error:
            raise ClusterError(
                f"a task ended {error.allowed_failures + 1} workers of {self.address}, most often "
                "by too little memory: give workers more, or make smaller parts"
            ) from None
        except (CommClosedError, FutureCancelledError, *gone):
            raise ClusterError(
                f"the scheduler at {self.address} went away, or lost what it was doing"
            ) from None


@contextmanager
def connected(scheduler: str) -> Iterator[Cluster]:
    """Give the cluster of a scheduler, whose workers are of this process's versions.

    Raises ClusterError, and DependencyError.
    """
    client_class = _library().Client
    try:
        client = client_class(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError):
        raise ClusterError(f"there is no scheduler at {scheduler}") from None
    with client:
        cluster = Cluster(client, scheduler)
        check_versions(cluster)
        yield cluster


@contextmanager
def local(workers: int, memory: int) -> Iterator[Cluster]:
    """Give a cluster of so many processes of this machine, which share so many bytes."""
    library = _library()
    made = library.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=max(1, memory // workers),
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )
    with made, library.Client(made, set_as_default=False) as client:
        yield Cluster(client, made.scheduler_address)


def _library() -> Any:
    try:
        import distributed
    except ImportError:
        raise DependencyError(INSTALL) from None
    return distributed


# ---------------------------------------------------------------- versions


def versions() -> dict[str, str]:
    """Return what has to be the same on all sides: Mirante's own code, and the libraries."""
    found = {"Mirante": code_digest(ROOT), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def code_digest(root: Path) -> str:
    """Return twelve digits that are the same for the same code."""
    hasher = hashlib.sha256()
    files = (file for room in ROOMS for file in sorted((root / room).rglob("*.py")))
    for file in files:
        hasher.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()[:12]


def check_versions(cluster: Cluster) -> None:
    """Raise ClusterError where a worker has other versions, naming both."""
    with cluster.faults():
        cluster.client.wait_for_workers(1, timeout=PATIENCE)
        found = cluster.client.run(_versions_there, on_error="return")
    for worker, theirs in found.items():
        if not isinstance(theirs, dict):
            raise ClusterError(
                f"worker {worker} cannot load Mirante: start it in the folder of the same code"
            )
        _compare(worker, versions(), theirs)


def _compare(worker: str, ours: Mapping[str, str], theirs: Mapping[str, str]) -> None:
    other = [name for name in ours if ours[name] != theirs.get(name)]
    if other:
        said = ", ".join(f"{name} {theirs.get(name)}, here {ours[name]}" for name in other)
        raise ClusterError(f"versions do not match: worker {worker} has {said}")


def _memory_limit(dask_worker: Any) -> int:
    # Dask gives its worker to a function that has an argument of this name.
    return int(dask_worker.memory_manager.memory_limit or 0)


def _versions_there() -> dict[str, str]:
    from learning.beyond.cluster import versions as theirs

    return theirs()
