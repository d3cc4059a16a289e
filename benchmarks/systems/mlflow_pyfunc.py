"""MLflow's pyfunc over the credit forest: a Parquet file scored batch by batch, as a job would.

Run by the Python of MLflow's environment, in the folder that has `credit_model`:
`python mlflow_pyfunc.py table.parquet ROWS` prints CPU seconds and rows, as JSON.
"""

from __future__ import annotations

import json
import sys
from time import process_time

import mlflow.pyfunc
import pyarrow.parquet as pq

BATCH = 65_536


def main(path: str, most: int) -> None:
    """Predict the first rows of the file; making frames of batches counts, loading does not."""
    model = mlflow.pyfunc.load_model("credit_model")
    began, rows = process_time(), 0
    for batch in pq.ParquetFile(path).iter_batches(BATCH):
        model.predict(batch.to_pandas().drop(columns="approved"))
        rows += batch.num_rows
        if rows >= most:
            break
    print(json.dumps({"cpu": process_time() - began, "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
