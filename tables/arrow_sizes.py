"""How long Arrow's texts are once each row has its own: a few bytes can name one text often.

A dictionary, a run and a view each let many rows share one text of a megabyte; a table is told to
be too large by this before anything copies it.
https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

# What a view takes: four bytes of length, and twelve of the text or of where it stands.
_VIEW = 16


def bytes_of_texts(batch: pa.RecordBatch) -> int:
    """Return how many bytes the texts of a validated batch take when no two rows share one."""
    return sum(int(_lengths(column).sum()) for column in batch.columns)


def _lengths(array: pa.Array) -> NDArray[np.int64]:
    """Return the bytes of each value `[n]`, 0 for what is no text."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        return _of_dictionary(array)
    if pa.types.is_run_end_encoded(kind):
        ends = np.asarray(array.run_ends).astype(np.int64)
        runs = np.diff(np.minimum(ends, array.offset + len(array)), prepend=0)
        return np.repeat(_lengths(array.values), runs)[array.offset :]
    if kind in (pa.string_view(), pa.binary_view()):
        return _of_views(array)
    return _of_plain(array)


def _of_dictionary(array: Any) -> NDArray[np.int64]:
    import pyarrow as pa

    # A missing row names the text of no length that is put behind the others.
    lengths = np.append(_lengths(array.dictionary), 0)
    indices = array.indices.cast(pa.int64(), safe=False).fill_null(len(lengths) - 1)
    found: NDArray[np.int64] = lengths[indices.to_numpy()]
    return found


def _of_views(array: Any) -> NDArray[np.int64]:
    views = array.buffers()[1]
    if views is None:
        return np.zeros(len(array), np.int64)
    words = np.frombuffer(views, np.int32, _VIEW // 4 * (array.offset + len(array)))
    lengths = words[:: _VIEW // 4][array.offset :].astype(np.int64)
    found: NDArray[np.int64] = lengths * array.is_valid().to_numpy(zero_copy_only=False)
    return found


def _of_plain(array: Any) -> NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
    if array.type not in texts:
        return np.zeros(len(array), np.int64)
    found: NDArray[np.int64] = pc.binary_length(array).fill_null(0).to_numpy().astype(np.int64)
    return found
