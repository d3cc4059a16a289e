"""A process that is asked one thing and ends: a web process stays as small as it was.

The answer is on its standard output; a fault that has a name is one too, and is raised again.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

import msgspec

import errors
from errors import MiranteError, Overloaded, RowProblem, RowsError

# The exit status of a process whose answer is a fault.
FAULT = 3


class Fault(msgspec.Struct, frozen=True):
    """A fault as it crosses between two processes: its class in `errors`, its text."""

    kind: str
    text: str
    problems: tuple[RowProblem, ...] = ()


def ask(command: Sequence[str], asked: bytes, seconds: float) -> bytes:
    """Return what a process answers to what it reads.

    Raises the fault that it answers with, and Overloaded when it takes too long.
    """
    try:
        done = subprocess.run([*command], input=asked, stdout=subprocess.PIPE, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Overloaded(f"the log takes over {seconds:g} s to read; ask for less") from None
    if done.returncode == FAULT:
        raise _raised(msgspec.json.decode(done.stdout, type=Fault))
    done.check_returncode()
    return done.stdout


def answer(work: Callable[[], bytes]) -> tuple[bytes, int]:
    """Return what a process writes, and the status that it ends with."""
    try:
        return work(), 0
    except MiranteError as error:
        problems = getattr(error, "problems", ())
        fault = Fault(type(error).__name__, str(error), tuple(problems))
        return msgspec.json.encode(fault), FAULT


def _raised(fault: Fault) -> MiranteError:
    kind = getattr(errors, fault.kind, MiranteError)
    if issubclass(kind, RowsError):
        return kind(fault.text, fault.problems)
    raised: MiranteError = kind(fault.text)
    return raised
