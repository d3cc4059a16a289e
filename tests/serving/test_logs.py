from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from serving.logs import HideTokens, JsonFormatter, start_logging


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Mirante's logger, as no process has set it up yet; it is put back afterwards."""
    found = logging.getLogger("mirante")
    kept = found.handlers[:], found.level, found.propagate
    found.handlers, found.propagate = [], True
    yield found
    found.handlers, found.level, found.propagate = kept


def line_of(message: str, **parts: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"name": "mirante.x", "levelname": "INFO", "msg": message})
    vars(record).update(parts)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    return dict(json.loads(line))


def test_a_record_is_one_line_of_json_with_its_extras() -> None:
    line = line_of("two\nlines", status=200, created=0.5, msecs=500.0)
    assert line == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "info",
        "logger": "mirante.x",
        "message": "two\nlines",
        "status": 200,
    }


def test_an_extra_that_json_does_not_have_is_written_as_text() -> None:
    assert line_of("x", where=object)["where"] == "<class 'object'>"


def test_an_exception_is_on_the_same_line() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        line = line_of("failed", exc_info=(type(error), error, error.__traceback__))
    assert line["exception"].endswith("ValueError: boom")


def test_the_handler_of_another_does_not_stand_in_for_ours(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.addHandler(logging.NullHandler())
    start_logging("info")
    logger.info("this")
    assert json.loads(capsys.readouterr().err)["message"] == "this"


def test_starting_twice_writes_once_at_the_level_asked_for(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging("info")
    start_logging("warning")
    logging.getLogger("mirante.any").info("not this")
    logging.getLogger("mirante.any").warning("this")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "this"
    assert logger.propagate is False


def test_the_key_in_a_path_is_not_in_the_lines_of_a_server() -> None:
    line = '127.0.0.1 "%s" %s'
    words = ("POST /api/v1/s3cret/predict?partial=1 HTTP/1.1", "200")
    record = logging.LogRecord("werkzeug", logging.INFO, "", 0, line, words, None)
    assert HideTokens().filter(record)
    assert record.getMessage() == '127.0.0.1 "POST /api/v1/.../predict?partial=1 HTTP/1.1" 200'
