"""Feedback: truths that are sent for predictions, checked, counted, kept, and given on.

PyArrow is imported here: a web process never imports this module.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from errors import RowProblem, RowsError
from monitoring.archive import Archive
from monitoring.reading import OUTPUTS, LogReader, outputs_of
from monitoring.truths import (
    Known,
    arrived,
    keep,
    known_text,
    matched,
    read,
    target_of,
    text_of,
    value_of,
)
from tables.rows import rejected
from tables.schema import Target

# Seconds for the search of ids: those not found by then count as unknown, and are kept.
SEARCH = 15.0
DAY = timedelta(days=1)
FIRST_ROW = ".0"


class Truth(msgspec.Struct, frozen=True):
    """What came true of the prediction of an id."""

    id: str
    truth: bool | int | float | str


class Counts(msgspec.Struct, frozen=True):
    """What became of truths: kept, known already, or of an id that is not in the log (yet)."""

    accepted: int
    repeated: int
    unknown: int


def take(truths: Sequence[Truth], archive: Archive, reader: LogReader, days: int) -> Counts:
    """Keep truths, and count what became of them; the same again changes nothing.

    Of an id that comes twice the last truth counts. Those of unknown ids are kept as well:
    their predictions may still be on another machine's disk. Raises RowsError, naming the
    truths that their model's target cannot have, and keeps none then; and StoreUnavailable.
    """
    given = {each.id: text_of(each.truth) for each in truths}
    since = datetime.now(UTC) - days * DAY
    targets = _targets(set(given), reader, since)
    named = {name: _logged_id(name, targets) for name in given}
    _check(truths, {name: targets.get(named[name]) for name in given})
    given = {name: _known_text(text, targets.get(named[name])) for name, text in given.items()}
    known = _known({*named.values()}, archive, since)
    fresh = {name: text for name, text in given.items() if known.get(named[name]) != text}
    keep(archive, {named[name]: text for name, text in fresh.items()})
    accepted = sum(named[name] in targets for name in fresh)
    return Counts(accepted, len(given) - len(fresh), len(fresh) - accepted)


class Arrivals:
    """Gives the rows of a model's version whose truth arrived, of the last `days` of the log."""

    def __init__(self, archive: Archive, reader: LogReader, days: int) -> None:
        self._archive = archive
        self._reader = reader
        self._span = days * DAY

    def __call__(self, model: str, version: str, start: datetime, end: datetime) -> Iterator[Known]:
        """Yield them for truths that came from `start` and before `end`, each id once.

        Raises StoreUnavailable.
        """
        since = start - self._span
        truths = arrived(self._archive, since, start, end)
        columns = ["id", "version", *OUTPUTS]
        for table in self._reader.tables(model, since, end, columns) if len(truths) else ():
            mine = table.filter(pc.equal(table["version"], version))
            known = matched(mine, truths)
            if len(known.rows):
                yield Known(outputs_of(mine.take(known.rows)), known.of_target(target_of(mine)))


def _logged_id(name: str, targets: Mapping[str, Target]) -> str:
    """Return the id under which a row is logged: the only row of a request has no index."""
    bare = name.removesuffix(FIRST_ROW)
    return bare if name not in targets and bare in targets else name


def _known_text(text: str, target: Target | None) -> str:
    return text if target is None else known_text(text, target)


def _targets(ids: set[str], reader: LogReader, since: datetime) -> dict[str, Target]:
    """Return the target of each id that is in the log, looking at the newest rows first."""
    wanted = pa.array([*ids, *(n.removesuffix(FIRST_ROW) for n in ids if n.endswith(FIRST_ROW))])
    found: dict[str, Target] = {}
    latest = time.monotonic() + SEARCH
    now = datetime.now(UTC) + DAY
    for table in reader.newest_first(reader.models(), since, now, ["id"]):
        there = table["id"].filter(pc.is_in(table["id"], value_set=wanted.cast(pa.string())))
        if len(there):
            target = target_of(table)
            found |= dict.fromkeys(there.to_pylist(), target)
        if len(found) >= len(ids) or time.monotonic() > latest:
            break
    return found


def _known(ids: set[str], archive: Archive, since: datetime) -> dict[str, str]:
    kept = read(archive, since)
    kept = kept.filter(pc.is_in(kept["id"], value_set=pa.array([*ids], pa.string())))
    return dict(zip(kept["id"].to_pylist(), kept["truth"].to_pylist(), strict=True))


def _check(truths: Sequence[Truth], targets: Mapping[str, Target | None]) -> None:
    problems = []
    for row, each in enumerate(truths):
        target = targets[each.id]
        if target is not None and value_of(text_of(each.truth), target) is None:
            expected = f"one of {', '.join(target.keys)}" if target.classes else "a finite number"
            problems.append(RowProblem(row, "truth", expected, "something else"))
    if problems:
        count = "a truth is" if len(problems) == 1 else f"{len(problems)} truths are"
        found = rejected(problems).problems
        raise RowsError(f"{count} none that the model's target can have", found)
