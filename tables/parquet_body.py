"""A request's body as Parquet: read by a process of its own, which hands back an Arrow stream.

What reads Parquet unpacks pages of sizes that the body says; bytes that are made to hurt it must
not hurt a service. The process has limits of memory, time and output, and ends with its body.
Run as a program, this file is that process: it knows nothing of the rest of the house.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence

# Of the process that reads: bytes of memory beside what it has at its start, seconds, and bytes
# that it may hand back.
MEMORY, SECONDS, OUTPUT = 2**30, 20, 96 * 2**20
TOO_MANY, NO_PARQUET, TOO_MUCH = 3, 4, 5


class ParquetFault(Exception):
    """What is wrong with a body: one of the numbers above, which the process ended with."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stream_of(body: bytes, most_rows: int) -> bytes:
    """Return the Arrow stream of a Parquet body, which is not to be trusted either.

    Raises ParquetFault: for more than `most_rows`, for bytes that are no Parquet or that end the
    process, and for more than its limits.
    """
    command = [sys.executable, "-I", os.path.abspath(__file__), str(most_rows)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as given:
        given.write(body)
        given.seek(0)
        try:
            done = subprocess.run(
                command, stdin=given, stdout=out, stderr=subprocess.DEVNULL, timeout=2 * SECONDS
            )
        except subprocess.TimeoutExpired:
            raise ParquetFault(TOO_MUCH) from None
        if done.returncode:
            known = (TOO_MANY, TOO_MUCH)
            raise ParquetFault(done.returncode if done.returncode in known else NO_PARQUET)
        out.seek(0)
        return out.read(OUTPUT + 1)


def main(words: Sequence[str]) -> int:
    """Write the rows of standard input to standard output, as an Arrow stream."""
    import pyarrow as pa
    from pyarrow import ipc, parquet

    pa.set_cpu_count(1)
    _limit()
    most = int(words[0])
    try:
        file = parquet.ParquetFile(io.BytesIO(sys.stdin.buffer.read()), pre_buffer=False)
        if file.metadata.num_rows > most:
            return TOO_MANY
        rows = 0
        # Plain texts: what comes out is no more packed than what is counted.
        with ipc.new_stream(sys.stdout.buffer, file.schema_arrow) as writer:
            for batch in file.iter_batches(8192, use_threads=False):
                rows += batch.num_rows
                if rows > most:
                    return TOO_MANY
                writer.write_batch(batch)
        sys.stdout.buffer.flush()
    except MemoryError:
        return TOO_MUCH
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError):
        return NO_PARQUET
    return 0


def _limit() -> None:
    limits = {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_FSIZE: OUTPUT,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: MEMORY,
    }
    for limit, most in limits.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
