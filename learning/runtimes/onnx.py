"""The compiled runtime: an ONNX graph over one float32 matrix, run by ONNX Runtime.

Make it after the fork: a session made before aborts its process at exit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import onnxruntime as ort

from learning.runtimes.base import Batch, Matrix, Probabilities
from learning.runtimes.columns import Columns, Shaper
from learning.runtimes.links import probabilities_of, row_probabilities

MEMBER = "model.onnx"
# The keys of the model's metadata: how its columns are made of the matrix (as
# they are, without it), what its scores still go through, whether a row is cheap.
COLUMNS = "mirante.columns"
LINK = "mirante.link"
QUICK = "mirante.quick"

# Rows that one call of the session takes: bounds the memory of the columns, fits the cache.
CHUNK = 512


def load(members: Mapping[str, bytes]) -> OnnxRuntime:
    """Return the runtime of an artifact's members."""
    return OnnxRuntime(members[MEMBER])


class OnnxRuntime:
    """A model compiled to ONNX.

    A model without our metadata reads the batch's matrix as it is. An output of
    one column is the probability of the second of two classes.
    """

    name = "onnx"
    compiled = True

    def __init__(self, model: bytes) -> None:
        self._session = _session(model)
        meta = self._session.get_modelmeta().custom_metadata_map
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[-1].name
        self.quick = meta.get(QUICK, "true") == "true"
        columns = meta.get(COLUMNS)
        self._shaper = Shaper(msgspec.json.decode(columns, type=Columns)) if columns else None
        self._single = self._session.get_outputs()[-1].shape[-1] == 1
        self._logistic = meta.get(LINK) == "logistic"
        self._lanes = threading.local()
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def probabilities(self, batch: Batch) -> Probabilities:
        """Return the probabilities `[n, k]`."""
        matrix = batch.matrix
        if len(matrix) == 1 and self._shaper is not None:
            return self._one(matrix)
        if len(matrix) <= CHUNK:
            return self._classes(self._scores(matrix))
        starts = range(0, len(matrix), CHUNK)
        parts = self._threads().map(lambda i: self._scores(matrix[i : i + CHUNK]), starts)
        return self._classes(np.concatenate(list(parts)))

    def _one(self, matrix: Matrix) -> Probabilities:
        lane: _Lane | None = getattr(self._lanes, "lane", None)
        if lane is None:
            assert self._shaper is not None
            lane = self._lanes.lane = _Lane(self._session, self._shaper)
        scores = lane.scores(matrix)
        if not self._single:
            return scores.copy()
        score: float = scores.item()
        return row_probabilities([score]) if self._logistic else np.array(((1.0 - score, score),))

    def _scores(self, matrix: Matrix) -> Matrix:
        if self._shaper is not None:
            matrix = self._shaper.rows(matrix)
        scores: Matrix = self._session.run([self._output], {self._input: matrix})[0]
        return scores

    def _classes(self, scores: Matrix) -> Probabilities:
        if not self._single:
            return scores
        wide = scores.astype(np.float64)
        return probabilities_of(wide) if self._logistic else np.hstack((1.0 - wide, wide))

    def _threads(self) -> ThreadPoolExecutor:
        """Return the threads for large batches: made at the first one, asleep between."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)), "onnx")
            return self._pool


class _Lane:
    """One thread's buffers, bound to the session: a row is scored without an allocation."""

    def __init__(self, session: Any, shaper: Shaper) -> None:
        given, wanted = session.get_inputs()[0], session.get_outputs()[-1]
        row = np.empty((1, shaper.width), np.float32)
        self._write = shaper.row_writer(row[0])
        self._scores = np.empty((1, wanted.shape[-1]), np.float32)
        self._binding = session.io_binding()
        # The OrtValues use the arrays' own memory; the binding keeps them alive.
        self._values = [ort.OrtValue.ortvalue_from_numpy(a) for a in (row, self._scores)]
        self._binding.bind_ortvalue_input(given.name, self._values[0])
        self._binding.bind_ortvalue_output(wanted.name, self._values[1])
        self._run = session.run_with_iobinding

    def scores(self, matrix: Matrix) -> Matrix:
        """Return the outputs `[1, k]` of a row, in an array that the next row overwrites."""
        self._write(matrix)
        self._run(self._binding)
        return self._scores


def _session(model: bytes) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # One thread needs no pool; were one made, it must not burn a core while it waits.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
