"""The process that one job is trained in, as its worker sees it."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from jobs.messages import Go, Message, Start, decode, encode

_READ = 65536


class TrainingProcess:
    """A training process: messages out of it, a few words into it, and its end.

    Started as `command REPORTS DATA PARENT`: two file descriptors (DATA is -1
    without an upload) and the worker's process id. Leaving the context kills it
    with everything it started.
    """

    def __init__(self, command: Sequence[str], start: Start, data: IO[bytes] | None) -> None:
        self._reports, reports = os.pipe()
        table = -1 if data is None else data.fileno()
        words = [*command, str(reports), str(table), str(os.getpid())]
        kept = (reports,) if data is None else (reports, table)
        # A group of its own, to kill it whole; not a session: the kernel shares time
        # between sessions first (sched(7), autogroup), and nice would count for nothing.
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, pass_fds=kept, process_group=0
        )
        os.close(reports)
        self._rest = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._reports, selectors.EVENT_READ)
        self._say(start)

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._process.pid

    def receive(self, timeout: float) -> list[Message] | None:
        """Return what it said, waiting at most `timeout` seconds; None when it will say no more."""
        if not self._selector.select(timeout):
            return []
        data = os.read(self._reports, _READ)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [decode(line) for line in lines]

    def memory(self) -> int:
        """Return how many bytes of memory it holds; 0 where that cannot be told."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * resource.getpagesize()

    def go(self) -> None:
        """Allow it to register its version."""
        self._say(Go())

    def kill(self) -> int:
        """End it, with everything it started; return its exit status as Popen has it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def wait(self, timeout: float) -> int | None:
        """Return its exit status; None when it has not ended in `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._selector.close()
        os.close(self._reports)
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _say(self, message: Start | Go) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; `hear` will say so
            self._process.stdin.write(encode(message))
            self._process.stdin.flush()
