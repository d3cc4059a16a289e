"""A segment's entries as Arrow tables, and those as Parquet.

PyArrow is imported here: a web process never imports this module.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from monitoring.entries import Rows, decode
from monitoring.frames import frames_in
from monitoring.subject import INPUT, LoggedColumn, Subject
from tables.schema import Target

# Under this name a table's schema says whose rows it has.
ABOUT = b"mirante"
# Words of columns with fewer are written as numbers of a dictionary.
ENCODINGS = {
    "id": "DELTA_BYTE_ARRAY",
    "time": "DELTA_BINARY_PACKED",
    "latency_us": "DELTA_BINARY_PACKED",
}
# Slower levels make files of this kind a twentieth smaller.
LEVEL = 3


def tables_of(segment: bytes) -> Iterator[tuple[Subject, pa.Table]]:
    """Yield the rows of each subject of a segment; what a killed process left half is ignored."""
    subjects: dict[int, Subject] = {}
    rows: dict[int, list[Rows]] = {}
    for payload in frames_in(segment):
        entry = decode(payload)
        if isinstance(entry, Subject):
            subjects[entry.number] = entry
        else:
            rows.setdefault(entry.subject, []).append(entry)
    for number, subject in subjects.items():
        if number in rows:
            yield subject, _table(subject, rows[number])


def to_parquet(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    plain = set(ENCODINGS)
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=[name for name in table.column_names if name not in plain],
        column_encoding=ENCODINGS,
        write_statistics=["time"],
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def from_parquet(data: bytes, columns: Iterable[str] | None = None) -> pa.Table:
    """Return the table of a Parquet file, of the columns named if there are such."""
    file = pq.ParquetFile(pa.BufferReader(data))
    known = file.schema_arrow.names
    chosen = None if columns is None else [name for name in columns if name in known]
    return file.read(chosen)


def _table(subject: Subject, entries: list[Rows]) -> pa.Table:
    sizes = np.concatenate([np.frombuffer(e.sizes, np.int32) for e in entries])
    total = int(sizes.sum())
    columns: dict[str, Any] = {
        "id": pa.array(_ids(entries), pa.string()),
        "time": pa.array(_repeated(entries, "moments", np.int64, sizes), pa.timestamp("us", "UTC")),
        "version": _constant(subject.version, total),
        "route": _routes(entries, sizes),
        "latency_us": pa.array(_repeated(entries, "latencies", np.int32, sizes)),
        "share": pa.array(np.full(total, subject.share, np.float32)),
        **_answers(subject, entries),
        **_shadows(subject, entries),
        **_inputs(subject, entries, total),
    }
    about = {
        "model": subject.model,
        "version": subject.version,
        "task": subject.task,
        "target": subject.target,
        "classes": subject.classes,
        "hashed": subject.hashed,
    }
    return pa.table(columns).replace_schema_metadata({ABOUT: msgspec.json.encode(about)})


def _ids(entries: list[Rows]) -> list[str]:
    found: list[str] = []
    for entry in entries:
        sizes = np.frombuffer(entry.sizes, np.int32).tolist()
        for place, (name, size) in enumerate(zip(entry.ids, sizes, strict=True)):
            if size == 1 and place not in entry.indices:
                found.append(name)
            else:
                found += [f"{name}.{i}" for i in entry.indices.get(place) or range(size)]
    return found


def _repeated(
    entries: list[Rows], name: str, kind: type[Any], sizes: NDArray[np.int32]
) -> NDArray[Any]:
    values = np.concatenate([np.frombuffer(getattr(e, name), kind) for e in entries])
    return np.repeat(values, sizes)


def _constant(word: str, total: int) -> pa.Array:
    return _words(np.zeros(total, np.int32), [word])


def _words(indices: NDArray[np.int32], words: list[str], missing: Any = None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, mask=missing), pa.array(words, pa.string())
    )


def _routes(entries: list[Rows], sizes: NDArray[np.int32]) -> pa.Array:
    words = list(dict.fromkeys(itertools.chain.from_iterable(e.routes for e in entries)))
    took = [
        np.array([words.index(r) for r in e.routes], np.int32)[np.frombuffer(e.took, np.uint16)]
        for e in entries
    ]
    return _words(np.repeat(np.concatenate(took), sizes), words)


def _answers(
    subject: Subject, entries: list[Rows], missing: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    if not subject.classes:
        values = np.concatenate([np.frombuffer(e.outputs, np.float64) for e in entries])
        return {"answer": pa.array(values, mask=missing)}
    outputs = np.concatenate([np.frombuffer(e.outputs, np.float32) for e in entries])
    winners = np.concatenate([np.frombuffer(e.winners, np.uint16) for e in entries])
    keys = list(Target(subject.target, subject.classes).keys)
    return {
        "answer": _words(winners.astype(np.int32), keys, missing),
        "probabilities": pa.FixedSizeListArray.from_arrays(
            pa.array(outputs), len(keys), mask=None if missing is None else pa.array(missing)
        ),
    }


def _shadows(subject: Subject, entries: list[Rows]) -> dict[str, Any]:
    """Return what challengers answered, null in the rows that none did."""
    versions = list(dict.fromkeys(e.shadow.version for e in entries if e.shadow))
    if not versions:
        return {}
    counts = [int(np.frombuffer(e.sizes, np.int32).sum()) for e in entries]
    numbers = [versions.index(e.shadow.version) if e.shadow else -1 for e in entries]
    which = np.repeat(np.array(numbers, np.int32), counts)
    filled = [
        _filled(e, count, len(subject.classes)) for e, count in zip(entries, counts, strict=True)
    ]
    missing = which < 0
    answers = _answers(subject, filled, missing)
    return {
        "shadow_version": _words(np.where(missing, 0, which).astype(np.int32), versions, missing),
        **{f"shadow_{name}": column for name, column in answers.items()},
    }


def _filled(entry: Rows, rows: int, classes: int) -> Rows:
    """Return an entry whose answers are the challenger's, nought where it gave none."""
    if entry.shadow is not None:
        outputs, winners = entry.shadow.outputs, entry.shadow.winners
    elif classes:
        outputs, winners = bytes(4 * rows * classes), bytes(2 * rows)
    else:
        outputs, winners = bytes(8 * rows), b""
    return msgspec.structs.replace(entry, outputs=outputs, winners=winners)


def _inputs(subject: Subject, entries: list[Rows], total: int) -> dict[str, Any]:
    width = subject.width
    parts = [np.frombuffer(e.matrix, np.float32) for e in entries]
    matrix = np.concatenate(parts).reshape(total, width)
    unseen = _unseen(entries)
    found: dict[str, Any] = {}
    for index, column in enumerate(subject.columns[:width]):
        found[INPUT + column.name] = _input(column, matrix[:, index], unseen.get(index, []))
    for index, column in enumerate(subject.columns[width:]):
        texts = [text for e in entries for text in e.texts[index]]
        found[INPUT + column.name] = pa.array([text or None for text in texts], pa.string())
    return found


def _unseen(entries: list[Rows]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    start = 0
    for entry in entries:
        for row, column, word in entry.unseen:
            found.setdefault(column, []).append((start + row, word))
        start += int(np.frombuffer(entry.sizes, np.int32).sum())
    return found


def _input(
    column: LoggedColumn, values: NDArray[np.float32], unseen: list[tuple[int, str]]
) -> pa.Array:
    missing = np.isnan(values)
    if column.kind == "category":
        return _category(column, values, missing, unseen)
    if column.kind == "boolean":
        return pa.array(np.where(missing, 0, values) != 0, mask=missing)
    return pa.array(np.ascontiguousarray(values), mask=missing)


def _category(
    column: LoggedColumn,
    values: NDArray[np.float32],
    missing: NDArray[np.bool_],
    unseen: list[tuple[int, str]],
) -> pa.Array:
    number = {word: index for index, word in enumerate(column.words)}
    indices = np.where(missing, 0, values).astype(np.int32)
    for row, word in unseen:
        indices[row] = number.setdefault(word, len(number))
    # A code without a word: whoever sent it sent codes, and this one is of none.
    missing = missing | (indices < 0) | (indices >= len(number))
    return _words(np.where(missing, 0, indices).astype(np.int32), list(number), missing)
