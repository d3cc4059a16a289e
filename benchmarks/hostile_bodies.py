"""Bodies that cost a service more than they cost their sender, each within MAX_BODY_BYTES."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import bodies

# MAX_BODY_BYTES as it is by default, packed or not.
MOST = 16 * 1024 * 1024
JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"


def _as_it_is(body: bytes) -> bytes:
    return body


def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


class Body(NamedTuple):
    """A body: what it is, where it is sent, its bytes once unpacked, and how they are packed."""

    title: str
    path: str
    make: Callable[[], bytes]
    media_type: str = JSON
    encoding: str = ""
    pack: Callable[[bytes], bytes] = _as_it_is

    @property
    def headers(self) -> dict[str, str]:
        """The headers that are sent with it."""
        packed = {"Content-Encoding": self.encoding} if self.encoding else {}
        return {"Content-Type": self.media_type, **packed}


def filled(unit: bytes, before: bytes = b"[", after: bytes = b"]", most: int = MOST) -> bytes:
    """Return as many units, a comma between them, as fit between the two ends."""
    count = (most - len(before) - len(after)) // (len(unit) + 1)
    return before + (unit + b",") * (count - 1) + unit + after


def _rows(unit: bytes, count: int = 100_000) -> Callable[[], bytes]:
    return lambda: b"[" + b",".join([unit] * count) + b"]"


def _full(unit: bytes, before: bytes = b"[", after: bytes = b"]") -> Callable[[], bytes]:
    return lambda: filled(unit, before, after)


def _good_rows() -> bytes:
    """As many good rows as are taken at all."""
    rows = bodies.repeat(bodies.read_rows(), 70_000)
    return json.dumps(rows, separators=(",", ":")).encode()[: MOST - 1].rpartition(b",{")[0] + b"]"


def _good_lines() -> bytes:
    lines = [json.dumps(row).encode() for row in bodies.repeat(bodies.read_rows(), 100_000)]
    return b"\n".join(lines)[:MOST].rpartition(b"\n")[0]


def _good_csv() -> bytes:
    return bodies.as_csv(bodies.repeat(bodies.read_rows(), 100_000))


def _members() -> bytes:
    """One wide row: a member again and again, each with another name."""
    names = (b'"m%d":1' % number for number in range(1_300_000))
    return (b"{" + b",".join(names))[: MOST - 1].rpartition(b",")[0] + b"}"


def _header() -> bytes:
    names = b",".join(b"c%d" % number for number in range(1_200_000))
    return names[: MOST // 2].rpartition(b",")[0] + b"\n" + b"1," * (MOST // 4) + b"1"


def _strings(unit: bytes) -> Callable[[], bytes]:
    """One tensor of one value again and again."""

    def make() -> bytes:
        head = b'{"inputs":[{"name":"home","datatype":"BYTES","shape":[%d],"data":['
        count = (MOST - 200) // (len(unit) + 1)
        return filled(unit, head % count, b"]}]}", len(head % count) + 4 + count * (len(unit) + 1))

    return make


def _good_tensors() -> bytes:
    rows = bodies.repeat(bodies.read_rows(), 100_000)
    inputs = [
        {"name": name, "datatype": kind, "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name, kind in (
            (n, "BYTES" if isinstance(v, str) else "INT64") for n, v in rows[0].items()
        )
    ]
    return json.dumps({"inputs": inputs}, separators=(",", ":")).encode()


def _good_split() -> bytes:
    rows = bodies.repeat(bodies.read_rows(), 100_000)
    frame = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
    return json.dumps({"dataframe_split": frame}, separators=(",", ":")).encode()


def _split(unit: bytes) -> Callable[[], bytes]:
    names = json.dumps(list(bodies.read_rows()[0])).encode()
    return _full(unit, b'{"dataframe_split":{"columns":' + names + b',"data":[', b"]}}")


def _many_columns() -> bytes:
    return filled(b'"c"', b'{"dataframe_split":{"columns":[', b'],"data":[[]]}}')


def _empty_members(_: bytes) -> bytes:
    """As many empty gzip members as fit, instead of what is said to be in them."""
    member = gzip.compress(b"", mtime=0)
    return member * (MOST // len(member))


def zstd_frame(body: bytes, window: int = 31) -> bytes:
    """Return a zstd frame of one byte again and again, which wants a window of 2**window bytes.

    RFC 8878, 3.1.1: magic, descriptor, window descriptor, then blocks that repeat a byte.
    """
    sizes = [2**17] * (len(body) // 2**17) + [len(body) % 2**17]
    blocks = b"".join(
        ((size << 3) | 0b010 | (number == len(sizes) - 1)).to_bytes(3, "little") + body[:1]
        for number, size in enumerate(sizes)
    )
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(window - 10) << 3]) + blocks


PREDICT, PARTIAL, INVOKE = "/v0/predict", "/v0/predict?partial=1", "/invocations"
INFER, KSERVE = "/v2/models/credit/infer", "/v1/models/credit:predict"
_GZIP = ("gzip", _gzipped)

BODIES = (
    Body("100,000 rows of one wrong member", PARTIAL, _rows(b'{"incom":1}'), JSON, *_GZIP),
    Body("16 MB of empty objects", PREDICT, _full(b"{}"), JSON, *_GZIP),
    Body("16 MB of empty lists", INVOKE, _full(b"[]"), JSON, *_GZIP),
    Body("16 MB of null", INVOKE, _full(b"null"), JSON, *_GZIP),
    Body("100,000 empty rows, answered", PARTIAL, _rows(b"{}"), JSON, *_GZIP),
    Body("100,000 empty lines, answered", INVOKE, lambda: b"{}\n" * 100_000, LINES, *_GZIP),
    Body("100,000 CSV rows, answered", INVOKE, lambda: b",,,,,,,,,,,,\n" * 100_000, CSV, *_GZIP),
    Body("as many good rows as fit", PREDICT, _good_rows),
    Body("as many good lines as fit", INVOKE, _good_lines, LINES),
    Body("100,000 good CSV rows", PREDICT, _good_csv, CSV),
    Body("100,000 good rows as tensors", INFER, _good_tensors),
    Body("100,000 good rows as a split table", INVOKE, _good_split),
    Body("16 MB of one bracket", PREDICT, lambda: b"[" * MOST, JSON, *_GZIP),
    Body("nested members", INVOKE, lambda: b'{"a":' * (MOST // 5), JSON, *_GZIP),
    Body("one row of a million members", PREDICT, _members),
    Body("one text of 16 MB", PREDICT, lambda: b'{"home":"' + b"a" * (MOST - 11) + b'"}'),
    Body("one text of escapes", PREDICT, lambda: b'{"home":"' + b"\\u00e9" * 2_790_000 + b'"}'),
    Body("one number of 16 MB", PREDICT, lambda: b'{"age":' + b"9" * (MOST - 8) + b"}"),
    Body("a list of whole numbers", INVOKE, _full(b"1")),
    Body("a list of fractions", INVOKE, _full(b"0.1234567890123456789")),
    Body("columns of numbers", INVOKE, _full(b"1", b'{"age":[', b"]}")),
    Body("texts as a tensor", INFER, _strings(b'"a"')),
    Body("longer texts as a tensor", INFER, _strings(b'"ab"')),
    Body("empty texts as a tensor", INFER, _strings(b'""')),
    Body("numbers as a tensor", INFER, _strings(b"1")),
    Body("a split table of empty rows", INVOKE, _split(b"[]")),
    Body("a split table of short rows", INVOKE, _split(b"[1,2]")),
    Body("a split table of columns", INVOKE, _many_columns),
    Body("instances of empty objects", KSERVE, _full(b"{}", b'{"instances":[', b"]}")),
    Body("16 MB of lines of empty objects", INVOKE, lambda: b"{}\n" * (MOST // 3), LINES),
    Body("16 MB of empty lines", INVOKE, lambda: b"\n" * MOST, LINES, *_GZIP),
    Body("a CSV header of a million names", PREDICT, _header, CSV),
    Body("a CSV row of commas", INVOKE, lambda: b"," * MOST, CSV, *_GZIP),
    Body("CSV of quotes", INVOKE, lambda: b'"' * MOST, CSV, *_GZIP),
    Body("CSV of empty lines", INVOKE, lambda: b"\n" * MOST, CSV, *_GZIP),
    Body("800,000 gzip members", PREDICT, lambda: b"", JSON, "gzip", _empty_members),
    Body("gzip of more than is taken", PREDICT, lambda: b" " * 200_000_000, JSON, *_GZIP),
    Body("deflate of blanks", PREDICT, lambda: b" " * MOST, JSON, "deflate", zlib.compress),
    Body("zstd with a window of 2 GB", PREDICT, lambda: b" " * MOST, JSON, "zstd", zstd_frame),
    Body(
        "zstd with a window of 128 MB",
        PREDICT,
        lambda: b" " * MOST,
        JSON,
        "zstd",
        lambda body: zstd_frame(body, 27),
    ),
)
