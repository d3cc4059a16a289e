"""The compiled runtime: an ONNX graph over one float32 matrix, run by ONNX Runtime.

Make it after the fork: a session made before aborts its process at exit.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np

from learning.links import outputs_of, row_outputs
from learning.prediction import Outputs
from learning.runtimes.columns import Columns, Floats, Number, Shaper
from tables.batch import Batch, Matrix

# From 1.29 on it reports models and machine to its maker, unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

MEMBER = "model.onnx"
# The keys of the model's metadata: how its columns are made of the matrix (as
# they are, without it), what its scores still go through, whether a row is cheap.
COLUMNS = "mirante.columns"
LINK = "mirante.link"
QUICK = "mirante.quick"

# Rows that one call of the session takes. It was fastest with 256 and 512 (a tree
# then stays in the cache for all of them); of a model with very many columns, fewer.
CHUNK = 512
CHUNK_NUMBERS = 2_000_000


def load(members: Mapping[str, bytes]) -> OnnxRuntime:
    """Return the runtime of an artifact's members."""
    return OnnxRuntime(members[MEMBER])


class OnnxRuntime:
    """A model compiled to ONNX.

    A model without our metadata reads the batch's matrix as it is. An output of
    one column is the probability of the second of two classes, unless its link
    says that it is a quantity.
    """

    name = "onnx"
    compiled = True

    def __init__(self, model: bytes) -> None:
        self._session = open_session(model)
        _give_memory_back()
        meta = self._session.get_modelmeta().custom_metadata_map
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[-1].name
        self.quick = meta.get(QUICK, "true") == "true"
        columns = meta.get(COLUMNS)
        number = _number(self._session.get_inputs()[0])
        self._shaper = _shaper(columns, number) if columns else None
        width = self._shaper.width if self._shaper else 1
        self._chunk = min(CHUNK, max(1, CHUNK_NUMBERS // width))
        self._link = meta.get(LINK, "mean")
        self._lanes = threading.local()
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def outputs(self, batch: Batch) -> Outputs:
        """Return the outputs `[n, k]`: probabilities, or what the link makes of the scores."""
        matrix = batch.matrix
        if len(matrix) == 1 and self._shaper is not None:
            return self._one(matrix)
        size = self._chunk
        if len(matrix) <= size:
            return self._classes(self._scores(matrix))
        starts = range(0, len(matrix), size)
        parts = self._threads().map(lambda i: self._scores(matrix[i : i + size]), starts)
        return self._classes(np.concatenate(list(parts)))

    def row(self, matrix: Matrix) -> list[float]:
        """Return the k scores of the only row, of a model whose columns are our own."""
        scores: list[float] = self._row(matrix)[0].tolist()
        return scores

    def _row(self, matrix: Matrix) -> Floats:
        lane: _Lane | None = getattr(self._lanes, "lane", None)
        if lane is None:
            assert self._shaper is not None
            lane = self._lanes.lane = _Lane(self._session, self._shaper)
        return lane.scores(matrix)

    def _one(self, matrix: Matrix) -> Outputs:
        return row_outputs(self._link, self.row(matrix))

    def _scores(self, matrix: Floats) -> Floats:
        if self._shaper is not None:
            matrix = self._shaper.rows(matrix)
        scores: Floats = self._session.run([self._output], {self._input: matrix})[0]
        return scores

    def _classes(self, scores: Floats) -> Outputs:
        return outputs_of(self._link, scores.astype(np.float64))

    def _threads(self) -> ThreadPoolExecutor:
        """Return the threads for large batches: made at the first one, asleep between."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_processors(), "onnx")
            return self._pool


class _Lane:
    """One thread's buffers, bound to the session: a row is scored without an allocation."""

    def __init__(self, session: Any, shaper: Shaper) -> None:
        given, wanted = session.get_inputs()[0], session.get_outputs()[-1]
        row = np.empty((1, shaper.width), shaper.number)
        self._write = shaper.row_writer(row[0])
        self._scores = np.empty((1, wanted.shape[-1]), _number(wanted))
        self._binding = session.io_binding()
        # The OrtValues use the arrays' own memory; the binding keeps them alive.
        self._values = [ort.OrtValue.ortvalue_from_numpy(a) for a in (row, self._scores)]
        self._binding.bind_ortvalue_input(given.name, self._values[0])
        self._binding.bind_ortvalue_output(wanted.name, self._values[1])
        self._run = session.run_with_iobinding

    def scores(self, matrix: Matrix) -> Floats:
        """Return the outputs `[1, k]` of a row, in an array that the next row overwrites."""
        self._write(matrix)
        self._run(self._binding)
        return self._scores


def _processors() -> int:
    """Return how many processors this process may use, as far as the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _number(tensor: Any) -> Number:
    return np.float64 if tensor.type == "tensor(double)" else np.float32


def _shaper(columns: str, number: Number) -> Shaper:
    return Shaper(msgspec.json.decode(columns, type=Columns), number)


def open_session(model: bytes) -> Any:
    """Return a session of one thread over a graph; it sends nothing to anybody."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # One thread needs no pool; were one made, it must not burn a core while it waits.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _give_memory_back() -> None:
    """Return to the system what reading the model took: four times what running it keeps.

    Without it, the C library keeps those pages for this process. Others than
    glibc have no such call, and other ways.
    """
    library = ctypes.CDLL(None) if os.name == "posix" else None
    trim = getattr(library, "malloc_trim", None)
    if trim is not None:
        trim(0)
