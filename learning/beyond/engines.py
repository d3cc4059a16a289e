"""Which engine a table is learnt by: none where it fits into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from learning.beyond.cluster import connected, local
from learning.beyond.cluster_engine import ClusterEngine
from learning.beyond.engine import Engine, Here
from tables.readers.partitions import is_parted

# Learning from a table in memory takes so many times the bytes of its file: of text, and of
# columns that Parquet has packed.
TEXT, PACKED = 8, 24


@contextmanager
def open_engine(
    source: Any,
    memory: int,
    *,
    in_parts: bool = False,
    scheduler: str = "",
    workers: int = 0,
    options: Mapping[str, str] | None = None,
) -> Iterator[Engine | None]:
    """Give the engine for a table, None where it is to be learnt from whole.

    `memory` are the bytes that there are; `in_parts` asks for parts, whatever the size, a
    `scheduler` or so many `workers` for a cluster, and `options` are the S3 client's.
    Raises ClusterError and DependencyError.
    """
    if scheduler or workers:
        with connected(scheduler) if scheduler else local(workers, memory) as cluster:
            yield ClusterEngine(cluster, memory, options)
    elif in_parts or is_parted(source) or is_too_large(source, memory):
        yield Here(memory, options)
    else:
        yield None


def is_too_large(source: Any, memory: int) -> bool:
    """Tell whether a file is too large to be learnt from in so many bytes of memory."""
    if not isinstance(source, str | Path) or not Path(source).is_file():
        return False
    packed = Path(source).suffix.lower() in (".parquet", ".gz", ".zst", ".zip")
    return Path(source).stat().st_size * (PACKED if packed else TEXT) > memory
