"""What is asked of the prediction log, each in a process that ends when it has answered.

    python monitor.py feedback                  keep the truths on standard input
    python monitor.py performance MODEL DAYS    the metrics of what came true; the version and
                                                its hold-out's metrics on standard input
    python monitor.py replay MODEL VERSION      what a version answers to the rows logged in the
                                                last seven days, beside the champion

The web process starts them: PyArrow and scikit-learn are loaded here alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from errors import Conflict, NotFound
from monitoring.asking import answer, ask
from worker import LOG_OFF, open_spool

if TYPE_CHECKING:
    from config import Config
    from monitoring.archive import Archive
    from monitoring.reading import LogReader
    from monitoring.replay import Replays
    from persistence.registry import Registry

HERE = Path(__file__).resolve()
# A router in front waits half a minute for an answer.
SECONDS = 25.0
NICENESS = 10


def main(words: Sequence[str] | None = None) -> int:
    """Answer as the words say."""
    match list(sys.argv[1:] if words is None else words):
        case ["feedback"]:
            said, status = answer(_feedback)
        case ["performance", model, days]:
            said, status = answer(lambda: _performance(model, int(days)))
        case ["replay", model, version]:
            said, status = answer(lambda: _replay(model, version))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    sys.stdout.buffer.write(said)
    return status


def keep_feedback(config: Config, truths: Sequence[Any]) -> bytes:
    """Return as JSON what became of truths. Raises Conflict, RowsError, StoreUnavailable."""
    _check_log(config)
    return ask([sys.executable, str(HERE), "feedback"], msgspec.json.encode(truths), SECONDS)


def ask_performance(
    config: Config, model: str, days: int, version: str, holdout: dict[str, Any]
) -> bytes:
    """Return as JSON how a version did. Raises Conflict and StoreUnavailable."""
    _check_log(config)
    command = [sys.executable, str(HERE), "performance", model, str(days)]
    return ask(command, msgspec.json.encode([version, holdout]), SECONDS)


def check_replay(config: Config, name: str, version: str) -> str:
    """Return in words what a version answers to logged rows beside the champion.

    Raises Conflict where it is worse, for certain, on what came true; NotFound,
    StoreUnavailable and the ArtifactErrors.
    """
    _check_log(config)
    command = [sys.executable, str(HERE), "replay", name, version]
    found = msgspec.json.decode(ask(command, b"", SECONDS))
    said = "; ".join(found["said"])
    if found["worse"]:
        raise Conflict(f"not promoted: {said}")
    return said


def read_replay(config: Config, name: str, version: str) -> dict[str, Any]:
    """Return the last replay of a version. Raises Conflict, NotFound and StoreUnavailable."""
    from monitoring.archive import open_archive
    from monitoring.replay_documents import ReplayDocuments

    _check_log(config)
    archive = open_archive(config.log_address, config.store_options)
    found = ReplayDocuments(archive).read(name, version)
    if found is None:
        raise NotFound("no replay of this version was made yet: POST one")
    return found


def open_replays(config: Config, registry: Registry) -> Replays | None:
    """Return what replays logged rows, None where none are logged."""
    if not config.prediction_log:
        return None
    from monitoring.archive import open_archive
    from monitoring.reading import LogReader
    from monitoring.replay import Replays

    archive = open_archive(config.log_address, config.store_options)
    return Replays(registry, archive, LogReader(archive, open_spool(config)))


def _check_log(config: Config) -> None:
    if not config.prediction_log:
        raise Conflict(LOG_OFF)


def _feedback() -> bytes:
    from monitoring.feedback import Truth, take

    truths = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Truth])
    config, archive, reader = _open()
    return msgspec.json.encode(take(truths, archive, reader, config.prediction_log_days))


def _performance(model: str, days: int) -> bytes:
    from monitoring.performance import performance, tally
    from monitoring.truths import read

    version, holdout = msgspec.json.decode(sys.stdin.buffer.read())
    _, archive, reader = _open()
    end = datetime.now(UTC)
    start = end - timedelta(days=days)
    found = tally(reader, read(archive, start), model, start, end)
    span = {"model": model, "days": days, "from": start, "to": end}
    return msgspec.json.encode(span | performance(found, version, holdout))


def _replay(model: str, version: str) -> bytes:
    from monitoring.replay_verdict import told
    from persistence.opening import open_registry

    os.nice(NICENESS)  # it takes long: a prediction goes first
    config, _, _ = _open()
    replays = open_replays(config, open_registry(**config.registry))
    if replays is None:
        raise Conflict(LOG_OFF)
    found = told(replays.of_version(model, version))
    replays.keep(model, version, found)
    return msgspec.json.encode(found)


def _open() -> tuple[Config, Archive, LogReader]:
    from config import read_config
    from monitoring.archive import open_archive
    from monitoring.reading import LogReader

    config = read_config(os.environ)
    archive = open_archive(config.log_address, config.store_options)
    return config, archive, LogReader(archive, open_spool(config))


if __name__ == "__main__":
    sys.exit(main())
