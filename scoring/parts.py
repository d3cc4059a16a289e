"""The parts of a scoring that is under way: kept in a folder, so that it can be taken up again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from errors import Conflict, DatasetError

PLAN = "plan.json"


class Plan(msgspec.Struct, frozen=True):
    """What is scored, by what, and how: parts of one plan go with each other, and no others."""

    sha256: str
    inputs: tuple[tuple[str, int, str], ...]
    options: bytes
    kind: tuple[str, str]
    batch: tuple[int, int]


class Done(msgspec.Struct, frozen=True):
    """What a part came to: rows answered and rows rejected, names of columns, unseen categories."""

    rows: int
    rejected: int
    names: tuple[str, ...]
    unseen: dict[str, int] = {}


class Parts:
    """A folder of parts. Nothing stands under a part's name that is not whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, plan: Plan, resume: bool, afresh: bool) -> None:
        """Make the folder, or go on with it. Raises Conflict where neither is meant."""
        if self.folder.exists():
            if afresh:
                self.remove()
            elif not resume:
                raise Conflict(
                    f"{self.folder} has parts of a scoring that did not end: "
                    "--resume goes on with it, --overwrite begins anew"
                )
            elif self._plan() != plan:
                raise Conflict(
                    f"{self.folder} has parts of another model, other tables or other options: "
                    "--overwrite begins anew"
                )
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / PLAN, msgspec.json.encode(plan))

    def _plan(self) -> Plan | None:
        try:
            return msgspec.json.decode((self.folder / PLAN).read_bytes(), type=Plan)
        except (OSError, msgspec.MsgspecError):
            return None

    def path(self, index: int, ending: str = "") -> Path:
        """Return where a part stands."""
        return self.folder / f"{index:08d}{ending}"

    def keep(self, index: int, data: bytes, rejected: bytes, done: Done) -> None:
        """Keep a part; it counts as done when the last of its files is there."""
        _write(self.path(index), data)
        if rejected:
            _write(self.path(index, ".rejected"), rejected)
        _write(self.path(index, ".done"), msgspec.json.encode(done))

    def done(self, index: int) -> Done | None:
        """Return what a part came to, None where it is not whole."""
        try:
            data = self.path(index, ".done").read_bytes()
            return msgspec.json.decode(data, type=Done)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError:
            raise DatasetError(f"{self.folder} is damaged: --overwrite begins anew") from None

    def any_done(self) -> bool:
        """Whether there is something to go on with."""
        return any(self.folder.glob("*.done"))

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        made.write_bytes(data)
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise
