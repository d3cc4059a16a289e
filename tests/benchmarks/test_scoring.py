from __future__ import annotations

import pyarrow.parquet as pq

from benchmarks.scoring import BARS, LARGER, MEGABYTE, SMALLER, Run, make_table, plot, report


def test_a_table_is_as_long_as_wanted_and_made_once(tmp_path):
    path = make_table(tmp_path / "t.parquet", 1000)
    assert pq.read_table(path).num_rows == 1000
    before = path.stat().st_mtime_ns
    assert make_table(path, 1000).stat().st_mtime_ns == before


def test_memory_is_plotted_against_the_most_of_all():
    assert plot([0, 50, 100], 100) == BARS[0] + BARS[4] + BARS[8]
    assert len(plot([1] * 1000, 1)) == 60


def test_the_section_has_what_was_reached_and_what_was_not_measured():
    small = Run(1_000_000, 5.0, 3.0, [100 * MEGABYTE, 400 * MEGABYTE])
    runs = {
        SMALLER: small,
        LARGER: Run(10_000_000, 50.0, 30.0, [410 * MEGABYTE]),
        "MLflow's pyfunc": None,
        "scikit-learn": Run(100, 0.001, 0.0, []),
        "a body of Arrow": Run(100_000, 1.0, 0.0, []),
    }
    text = report(runs)
    assert "| score_table.py, 1,000,000 rows | 200,000 | 5.0 | 3 | 400 | 1.0 |" in text
    assert "| MLflow's pyfunc | not measured |  |  |  |  |" in text
    assert "| rows/s a core, Parquet to Parquet | at least 150000 | 200,000 | yes |" in text
    assert "| rows/s a core of an Arrow body | at least 500000 | 100,000 | **no** |" in text
