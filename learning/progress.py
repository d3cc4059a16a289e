"""How a training run tells where it is: to nobody, to a terminal, or to whoever asks.

A Progress may raise: an exception out of it ends the run, which is how one is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from policy import Stage


class Progress(Protocol):
    """What a training run calls as it goes."""

    def stage(self, name: Stage, total: int | None = None) -> None:
        """Begin a stage, of so many steps; None where they cannot be counted."""
        ...

    def advance(self, steps: int = 1) -> None:
        """Say that steps of the stage are done."""
        ...

    def note(self, text: str) -> None:
        """Say one line."""
        ...


class SilentProgress:
    """Tells nobody."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


class TerminalProgress:
    """A bar for each stage, on a stream that is a terminal; `closed` ends the last one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None

    def stage(self, name: str, total: int | None = None) -> None:
        """End the bar before, and begin another."""
        from tqdm import tqdm

        self.close()
        # Without a total there is nothing to fill: the name and the time stand alone.
        filled = "{desc}{percentage:3.0f}% {bar} {n_fmt}/{total_fmt}  {elapsed}"
        layout = filled if total else "{desc}{elapsed}"
        self._bar = tqdm(desc=f"{name:<12}", total=total, file=self._stream, bar_format=layout)

    def advance(self, steps: int = 1) -> None:
        """Fill the bar by so many steps."""
        if self._bar is not None:
            self._bar.update(steps)

    def note(self, text: str) -> None:
        """Write the line above the bar."""
        from tqdm import tqdm

        tqdm.write(text, file=self._stream)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextmanager
def progress_on(stream: TextIO) -> Iterator[Progress]:
    """Give a Progress for a stream: bars if it is a terminal, else silence."""
    if not stream.isatty():
        yield SilentProgress()
        return
    bars = TerminalProgress(stream)
    try:
        yield bars
    finally:
        bars.close()
