"""JSON of any length: bounded before it is parsed, and parsed a block at a time.

The parsers are written in C and hold the interpreter for as long as one call takes, and an
empty list of three bytes becomes an object of eighty. So a long text is first outlined,
which finds its brackets and commas and makes nothing of them; then each call parses a block.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Set
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import ParseError, TooManyRows

# What one call parses: 15 ms of the slowest that there is, numbers with a fraction.
BLOCK_BYTES = 2**18
# What one call splits into lines, each of which may be empty.
LINES_BYTES = 2**16
# One row is parsed by one call; a text of a row may be nearly as long.
LONGEST_ROW = 2**19
# How many rows a service takes unless it says otherwise.
MOST_ROWS = 100_000
# Lists and objects a row: itself, and as nested tensors have it, one around each of some values.
CONTAINERS_A_ROW = 4
MOST_DEPTH = 64
# A block within a block within a block: each level is outlined again.
LONG_DEPTH = 6

TOO_DEEP = "the body is nested too deep"
_CHUNK = 2**18
_QUOTE, _OPEN, _CLOSE, _COMMA = 1, 2, 3, 4
_KINDS = np.zeros(256, dtype=np.uint8)
_KINDS[[ord(sign) for sign in '"[{]},']] = _QUOTE, _OPEN, _OPEN, _CLOSE, _CLOSE, _COMMA
_BLANK = b" \t\r\n"
_KEY = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:', re.DOTALL)


# The names of members within members.
Names = tuple[str, ...]


class Outline(NamedTuple):
    """A list or an object in a text: where its items begin, its commas, and its last bracket."""

    start: int
    commas: NDArray[np.uint32]
    end: int

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield the ends of runs of items, each run as long as a block, or of one item alone."""
        edges = np.append(self.commas, np.uint32(self.end))
        at, start = 0, self.start
        while at < len(edges):
            last = int(np.searchsorted(edges, start + BLOCK_BYTES, "right")) - 1
            last = max(at, last)
            yield start, int(edges[last])
            at, start = last + 1, int(edges[last]) + 1


class _State:
    """Where a scan is: how deep, whether within a text, after how many backslashes."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.inside = 0
        self.backslashes = 0
        self.containers = 0
        self.values = 1


class Most(NamedTuple):
    """How many items an outlined list may have, and lists and objects and values in all."""

    items: int
    containers: int
    values: int

    def check(self, items: int, state: _State) -> None:
        """Raise TooManyRows for more than these."""
        if items >= self.items:
            raise TooManyRows(too_many(self.items))
        if state.containers > self.containers:
            raise TooManyRows(f"more than {self.containers} lists and objects")
        if state.values > self.values:
            raise TooManyRows(f"more than {self.values} values")


def outline(text: bytes, start: int, end: int, most: Most) -> Outline:
    """Outline the list or object that begins at `start`.

    Raises TooManyRows as soon as it has more than these, and ParseError where it is
    nested too deep or has no end.
    """
    state, found, count, items = _State(0), [], 0, start + 1
    for at in range(start, end, _CHUNK):
        chunk = text[at : min(end, at + _CHUNK)]
        signs, kinds = _signs(chunk, state)
        depths = state.depth + np.cumsum(_steps(kinds), dtype=np.int32)
        state.depth = int(depths[-1]) if len(depths) else state.depth
        closed = np.flatnonzero(depths == 0)
        if len(closed):
            last = int(closed[0]) + 1
            signs, kinds, depths = signs[:last], kinds[:last], depths[:last]
        if len(depths) and depths.max() > MOST_DEPTH:
            raise ParseError(TOO_DEEP)
        commas = signs[(kinds == _COMMA) & (depths == 1)]
        found.append((commas + at).astype(np.uint32))
        count += len(commas)
        state.containers += int((kinds == _OPEN).sum())
        state.values += int((kinds == _COMMA).sum())
        most.check(count, state)
        if len(closed):
            return Outline(items, np.concatenate(found), at + int(signs[-1]))
    raise ParseError("the body is not JSON: it is cut short")


def _signs(chunk: bytes, state: _State) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Return where brackets and commas stand that are not within a text, and which they are."""
    signs = np.flatnonzero(_KINDS[np.frombuffer(chunk, np.uint8)])
    kinds = _KINDS[np.frombuffer(chunk, np.uint8)[signs]]
    if state.backslashes or b"\\" in chunk:
        real = (kinds != _QUOTE) | ~_escaped(chunk, signs, state)
        signs, kinds = signs[real], kinds[real]
    quotes = kinds == _QUOTE
    parity = np.cumsum(quotes, dtype=np.int32) + state.inside
    outside = (parity % 2 == 0) & ~quotes
    if len(parity):
        state.inside = int(parity[-1] % 2)
    return signs[outside], kinds[outside]


def _escaped(chunk: bytes, signs: NDArray[np.intp], state: _State) -> NDArray[np.bool_]:
    """Say of each sign whether an odd number of backslashes stands before it."""
    letters = np.flatnonzero(np.frombuffer(chunk, np.uint8) != ord("\\"))
    # Before the chunk stands the run of backslashes that the one before it ended with.
    before = np.append(-1 - state.backslashes, letters)
    last = before[np.searchsorted(letters, signs, "left")]
    state.backslashes = len(chunk) - 1 - int(before[-1])
    escaped: NDArray[np.bool_] = (signs - last - 1) % 2 == 1
    return escaped


def _steps(kinds: NDArray[np.uint8]) -> NDArray[np.int8]:
    steps: NDArray[np.int8] = (kinds == _OPEN).astype(np.int8) - (kinds == _CLOSE).astype(np.int8)
    return steps


def too_many(most: int) -> str:
    """Say that there are more rows than the most."""
    return f"more than {most} rows; at most {most} are taken at once"


def check_row(size: int) -> None:
    """Raise TooManyRows for a row of more bytes than one may have."""
    if size > LONGEST_ROW:
        raise TooManyRows(f"a row is longer than {LONGEST_ROW} bytes")


def is_long(body: bytes) -> bool:
    """Whether a body is to be parsed a block at a time."""
    return are_long(len(body))


def are_long(size: int) -> bool:
    """Whether a body of so many bytes is."""
    return size > BLOCK_BYTES


def blocks(body: bytes, most_rows: int) -> Iterator[tuple[int, bytes]]:
    """Yield a long list of rows as shorter lists, with the byte at which each begins.

    Raises ParseError for what is no list, and TooManyRows.
    """
    start = _start_of(body)
    if body[start : start + 1] != b"[":
        raise ParseError("expected an object (one row) or a list of objects")
    containers = CONTAINERS_A_ROW * most_rows + MOST_DEPTH
    found = outline(body, start, len(body), Most(most_rows, containers, len(body)))
    _check_end(body, found.end, b"]")
    yield from items_of(body, found)


def items_of(body: bytes, found: Outline) -> Iterator[tuple[int, bytes]]:
    """Yield the items of a list as shorter lists, with the byte at which each begins.

    Raises ParseError for an item that is not there, and TooManyRows for one that is too long.
    """
    for begin, end in found.blocks():
        check_row(0 if end - begin <= BLOCK_BYTES else end - begin)
        if len(found.commas) and not body[begin:end].strip(_BLANK):
            raise ParseError("the body is not JSON: a comma without a value")
        yield begin, b"[" + body[begin:end] + b"]"


def _start_of(body: bytes) -> int:
    head = body.removeprefix(b"\xef\xbb\xbf")
    return len(body) - len(head.lstrip(_BLANK))


def _check_end(body: bytes, end: int, bracket: bytes) -> None:
    if body[end : end + 1] != bracket or body[end + 1 :].strip(_BLANK):
        raise ParseError("the body is not JSON: it goes on after its end")


def lines_of(body: bytes) -> Iterator[Any]:
    """Yield what each line of JSON Lines holds. Raises ParseError, and TooManyRows."""
    rest = b""
    for at in range(0, len(body), LINES_BYTES):
        *whole, rest = re.split(rb"[\r\n]", rest + body[at : at + LINES_BYTES])
        check_row(len(rest))
        yield from _parsed_lines(whole)
    yield from _parsed_lines([rest])


def _parsed_lines(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in filter(None, lines):
        check_row(len(line))
        if text := line.strip(_BLANK):
            yield parse_block(text)


class LateList:
    """A long list in a text, which is parsed a block at a time whenever it is read.

    As lists a table takes ten times its text. Reading raises ParseError and TooManyRows.
    """

    def __init__(self, body: bytes, found: Outline, depth: int) -> None:
        self._body, self._found, self._depth = body, found, depth

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(_items(self._body, self._found, self._depth))


def parse_json(
    body: bytes,
    most_rows: int = MOST_ROWS,
    width: int | None = None,
    late: Set[Names] = frozenset(),
) -> Any:
    """Parse JSON with the standard library, saying where it is malformed.

    A number too large for a float becomes infinite, so that the field's check
    names it. A long body is parsed in blocks. Raises ParseError, and TooManyRows
    for more lists and objects, and values where a row has `width`, than `most_rows` rows may have.
    `late` are the names that lead to lists of which a long one is to be a LateList.
    """
    if not is_long(body):
        return parse_block(body.removeprefix(b"\xef\xbb\xbf"))
    start = _start_of(body)
    if body[start : start + 1] not in (b"[", b"{"):
        check_row(len(body))
        return parse_block(body[start:])
    containers = CONTAINERS_A_ROW * most_rows + MOST_DEPTH
    values = len(body) if width is None else containers + width * most_rows
    found = outline(body, start, len(body), Most(len(body), containers, values))
    _check_end(body, found.end, b"]" if body[start : start + 1] == b"[" else b"}")
    return _made(body, start, found, LONG_DEPTH, late)


def _made(body: bytes, start: int, found: Outline, depth: int, late: Set[Names]) -> Any:
    """Return what an outlined list or object holds."""
    if body[start : start + 1] == b"{":
        return _members(body, found, depth, late)
    made = LateList(body, found, depth)
    return made if () in late else list(made)


def _items(body: bytes, found: Outline, depth: int) -> Iterator[list[Any]]:
    """Yield the items of a list, a block of them at a time."""
    for begin, end in found.blocks():
        part = _part(body, found, begin, end)
        if len(part) <= BLOCK_BYTES:
            yield parse_block(b"[" + part + b"]", body, begin - 1)
        else:
            yield [_long(body, begin, end, depth)]


def _members(body: bytes, found: Outline, depth: int, late: Set[Names]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for begin, end in found.blocks():
        part = _part(body, found, begin, end)
        if len(part) <= BLOCK_BYTES:
            made |= parse_block(b"{" + part + b"}", body, begin - 1)
            continue
        key = _KEY.match(body, begin, begin + LONGEST_ROW)
        if key is None:
            raise ParseError("the body is not JSON: a member without a name")
        name = parse_block(key[1])
        within = {names[1:] for names in late if names[:1] == (name,)}
        made[name] = _long(body, key.end(), end, depth, within)
    return made


def _part(body: bytes, found: Outline, begin: int, end: int) -> bytes:
    part = body[begin:end]
    if len(found.commas) and not part.strip(_BLANK):
        raise ParseError("the body is not JSON: a comma without a value")
    return part


def _long(body: bytes, begin: int, end: int, depth: int, late: Set[Names] = frozenset()) -> Any:
    """Parse one long item: a list or an object in blocks, anything else as it is."""
    begin = end - len(body[begin:end].lstrip(_BLANK))
    bracket = body[begin : begin + 1]
    if bracket not in (b"[", b"{"):
        check_row(end - begin)
        return parse_block(body[begin:end], body, begin)
    if not depth:
        raise ParseError(TOO_DEEP)
    found = outline(body, begin, end, Most(len(body), len(body), len(body)))
    _check_end(body[:end], found.end, b"]" if bracket == b"[" else b"}")
    return _made(body, begin, found, depth - 1, late)


def parse_block(part: bytes, body: bytes = b"", at: int = 0) -> Any:
    """Parse JSON that is, but for brackets around it, what the body has at a byte.

    Raises ParseError.
    """
    try:
        return json.loads(
            part.decode("utf-8"), parse_constant=_parse_constant, parse_int=_parse_int
        )
    except UnicodeDecodeError as error:
        raise ParseError(f"the body is not UTF-8: byte {at + error.start}") from None
    except json.JSONDecodeError as error:
        line, column = error.lineno, error.colno
        if body:
            line, column = _whole(body, at, line, column)
        where = f"line {line} column {column}"
        raise ParseError(f"the body is not JSON: {error.msg}, {where}") from None
    except RecursionError:
        raise ParseError(TOO_DEEP) from None


def _whole(body: bytes, at: int, line: int, column: int) -> tuple[int, int]:
    """Return a line and column of a part that begins at a byte as those of the whole body."""
    before = body[: max(at, 0)]
    if line == 1:
        column += len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace"))
    return line + before.count(b"\n"), column


def _parse_constant(name: str) -> None:
    # Python's own writer makes NaN of a missing number, and so do clients that are built on it.
    if name != "NaN":
        raise ParseError(f"the body is not JSON: {name} is no JSON value; use null for missing")


def _parse_int(digits: str) -> int | float:
    # Python refuses to parse an integer of more than 4,300 digits, with an error of its own.
    return int(digits) if len(digits) < 400 else math.copysign(math.inf, -digits.startswith("-"))
