"""One way of reading a table: `python -m benchmarks.table_reading plain FILE`.

`plain` is PyArrow's CSV reader with every cell as text; `whole` reads the table,
infers its schema and encodes its rows, as a training run does. Prints CPU
seconds and the peak of memory in bytes as JSON, imports included.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

TARGET = "target"


def plain(path: Path) -> None:
    """Read the file with the library alone."""
    import pyarrow as pa
    from pyarrow import csv

    with path.open() as file:
        names = file.readline().strip().split(",")
    csv.read_csv(
        path,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )


def whole(path: Path) -> None:
    """Read, infer and encode the file, as a training run does."""
    from tables.readers import read_table
    from tables.schema_inference import infer_schema

    infer_schema(read_table(path), TARGET)


def main() -> None:
    """Read as the first word says, and print what it took."""
    way, path = sys.argv[1:]
    {"plain": plain, "whole": whole}[way](Path(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu": time.process_time(), "peak": peak}))


if __name__ == "__main__":
    main()
