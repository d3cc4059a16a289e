"""Answers as an Arrow stream: a column each, of the names that CSV answers have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serving.exchange import Exchange
from serving.explanations import columns


def write_arrow(exchange: Exchange) -> bytes:
    """Return the answers of all rows; one that `partial` left out is null in each column."""
    import pyarrow as pa
    from pyarrow import ipc

    header, found = _columns(exchange)
    rows = exchange.decoded
    arrays = [pa.array(rows.in_order(list(column))) for column in found]
    table = pa.table(arrays, names=list(header))
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _columns(exchange: Exchange) -> tuple[Sequence[str], list[Sequence[Any]]]:
    live, prediction = exchange.live, exchange.prediction
    target, task = live.schema.target, live.task
    header = task.header(target, prediction)
    found: list[Sequence[Any]] = list(zip(*task.cells(prediction, target), strict=True))
    # As what it is, where CSV has a class by its name.
    found[0] = task.column(task.columns(target)[0].name, prediction, target)
    explained = columns(exchange)
    if explained is not None:
        names, cells = explained
        more = zip(*([None if cell == "" else cell for cell in row] for row in cells), strict=True)
        header, found = (*header, *names), [*found, *more]
    return header, found
