from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.child import is_want_of_memory

LIMITED = """
from jobs.child import limit_memory
limit_memory(64 * 2**20)
kept = [bytearray(2**20) for _ in range(32)]
try:
    kept.append(bytearray(256 * 2**20))
except MemoryError:
    print("refused", len(kept))
"""


@pytest.mark.parametrize(
    ("error", "wanting"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("std::bad_alloc"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (ValueError("memory"), False),
    ],
)
def test_what_means_that_memory_is_out(error: Exception, wanting: bool) -> None:
    assert is_want_of_memory(error) is wanting


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's own memory")
def test_a_process_that_asks_for_too_much_at_once_is_refused(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], cwd=root, capture_output=True, text=True)
    assert done.stdout == "refused 32\n", done.stderr
