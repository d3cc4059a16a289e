"""Media types: which one a request is written in, which one its answer is to be, and CSV."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from errors import ParseError
from serving.exchange import Exchange
from serving.refusals import BodyTooLarge, MediaTypeError, NotAcceptable
from tables.readers.gzipped import gunzip

JSON, JSON_LINES, CSV = "application/json", "application/x-ndjson", "text/csv"
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
NO_GZIP = "the body is not gzip, though its Content-Encoding says so"
NO_DEFLATE = "the body is not deflate, though its Content-Encoding says so"
NO_ZSTD = "the body is not zstd, though its Content-Encoding says so"
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CSV_TYPE = b"text/csv; charset=utf-8"  # the content type of an answer in CSV

_READABLE = {
    b"": JSON,
    b"application/json": JSON,
    # What `curl -d` says of any body: it is read as JSON, or refused as no JSON.
    b"application/x-www-form-urlencoded": JSON,
    b"application/x-ndjson": JSON_LINES,
    b"application/jsonl": JSON_LINES,
    b"application/jsonlines": JSON_LINES,
    b"application/json-lines": JSON_LINES,
    b"text/csv": CSV,
    b"text/tab-separated-values": CSV,
    b"application/vnd.apache.arrow.stream": ARROW,
    b"application/vnd.apache.parquet": PARQUET,
    b"application/x-parquet": PARQUET,
}
# Tables that are learnt from, and not predicted as they are.
_FILES = {
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"application/vnd.ms-excel",
    b"application/vnd.apache.arrow.file",
}
WRITABLE = {
    "*/*": JSON,
    "application/*": JSON,
    "application/json": JSON,
    "application/problem+json": JSON,
    "text/*": CSV,
    "text/csv": CSV,
}
WRITABLE_COLUMNS = {**WRITABLE, ARROW: ARROW}
WRITABLE_LINES = {
    media.decode(): JSON_LINES for media, read in _READABLE.items() if read == JSON_LINES
}


def readable(exchange: Exchange) -> str:
    """Return the media type that the body is written in. Raises MediaTypeError."""
    given = exchange.headers.get(b"content-type", b"")
    return _READABLE.get(given) or media_of(given)


def media_of(given: bytes) -> str:
    """Return the media type that a Content-Type means. Raises MediaTypeError."""
    bare = given.partition(b";")[0].strip().lower()
    media = _READABLE.get(bare)
    if media is None:
        table = bare in _FILES
        hint = "; POST /v0/train and build_model.py take files such as this" if table else ""
        known = f"{JSON}, {JSON_LINES}, {CSV}, {ARROW} or {PARQUET}"
        raise MediaTypeError(f"expected Content-Type {known}{hint}")
    return media


def writable(exchange: Exchange, known: Mapping[str, str] = WRITABLE) -> str:
    """Return the media type among those known that the client prefers, JSON by default.

    Preference is by quality, then by order (RFC 9110, 12.5.1). Raises NotAcceptable.
    """
    accept = exchange.headers.get(b"accept")
    if accept is None or accept == b"*/*" or accept == b"application/json":
        return JSON
    liked = [weighted(part) for part in accept.decode("latin-1").lower().split(",")]
    for quality, media in sorted(liked, key=lambda pair: -pair[0]):
        if quality > 0 and media in known:
            return known[media]
    raise NotAcceptable(f"answers are written as {' or '.join(sorted(set(known.values())))}")


def weighted(part: str) -> tuple[float, str]:
    """Return quality, 1 unless said, and media type of a part of Accept (RFC 9110, 12.5.1)."""
    media, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:]), media
            except ValueError:
                return 0.0, media
    return 1.0, media


def unpack(body: bytes, encoding: bytes, limit: int) -> bytes:
    """Undo a body's Content-Encoding, reading no more than `limit` bytes out of all its members.

    Raises MediaTypeError for an encoding that is not known, BodyTooLarge for one
    that unpacks to more, ParseError for one that is cut short or is not what it says.
    """
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return body
    unpacker = _UNPACKERS.get(name)
    if unpacker is None:
        raise MediaTypeError("expected Content-Encoding gzip, deflate, zstd or none")
    try:
        return unpacker(body, limit)
    except OverflowError:
        raise BodyTooLarge(f"the body unpacks to more than {limit} bytes") from None


def _ungzip(body: bytes, limit: int) -> bytes:
    try:
        unpacked, end = gunzip(body, limit)
    except zlib.error:
        raise ParseError(NO_GZIP) from None
    except ValueError as error:
        raise ParseError(f"the gzip body {error}") from None
    if end < len(body) or not body:
        raise ParseError(NO_GZIP)
    return unpacked


def _inflate(body: bytes, limit: int) -> bytes:
    """Undo deflate: within zlib's frame as RFC 9110 has it, or bare as some clients send it."""
    framed = body[:1] and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    unpacker = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise ParseError(NO_DEFLATE) from None
    if len(unpacked) > limit:
        raise OverflowError
    if not unpacker.eof or unpacker.unused_data:
        raise ParseError(NO_DEFLATE)
    return unpacked


def _unzstd(body: bytes, limit: int) -> bytes:
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
            unpacked: bytes = stream.read(limit + 1)
    except OSError:
        raise ParseError(NO_ZSTD) from None
    if len(unpacked) > limit:
        raise OverflowError
    if not body:
        raise ParseError(NO_ZSTD)
    return unpacked


_UNPACKERS: dict[bytes, Callable[[bytes, int], bytes]] = {
    b"gzip": _ungzip,
    b"x-gzip": _ungzip,
    b"deflate": _inflate,
    b"zstd": _unzstd,
}


def charset(exchange: Exchange) -> str:
    """Return what the Content-Type calls the body's encoding; empty where it says nothing."""
    _, *parameters = exchange.headers.get(b"content-type", b"").decode("latin-1").split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return next((v.strip().strip('"') for n, _, v in pairs if n.strip().lower() == "charset"), "")


def write_csv(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a table as CSV with Unix line ends; no text in it is run by a spreadsheet."""
    # A text in memory takes two to four times what its bytes do.
    written = io.BytesIO()
    text = io.TextIOWrapper(written, "utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_inert, header))
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    text.flush()
    return written.getvalue()


def _inert(cell: Any) -> Any:
    """Return a cell with a quote before what a spreadsheet takes for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not isinstance(cell, str) or not cell.startswith(_FORMULA) or _NUMBER.fullmatch(cell):
        return cell
    return "'" + cell
