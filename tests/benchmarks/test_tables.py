"""The benchmark of tables: what it writes is read as it is meant, and its section says so."""

from __future__ import annotations

from benchmarks.settings import QUICK
from benchmarks.table_reading import TARGET
from benchmarks.tables import Reading, Sent, read, render, write_table
from tables.readers import read_table
from tables.schema_inference import infer_schema


def test_a_table_of_every_kind_is_written(tmp_path):
    path = write_table(tmp_path / "t.csv", 400, 30)
    table = read_table(path)
    assert len(table) == 400
    assert len(table.columns) == 30
    kinds = {feature.kind for feature in infer_schema(table, TARGET).schema.features}
    assert {"number", "integer", "category", "text"} <= kinds


def test_a_reading_is_measured_in_a_process_of_its_own(tmp_path):
    path = write_table(tmp_path / "t.csv", 400, 12)
    for way in ("plain", "whole"):
        found = read(way, path)
        assert found.cpu > 0
        assert found.peak > 10_000_000


def test_the_section_says_what_was_reached():
    readings = {
        "plain": [Reading(1.0, 400_000_000)],
        "whole": [Reading(2.5, 1_400_000_000)],
        "wide": [Reading(2.0, 200_000_000)],
    }
    text = render(readings, 1000, 10**8, Sent(150_000.0, 5e-6, 0), QUICK)
    assert "inferred and encoded, of the plain read | at most 3 | 2.5 | yes |" in text
    assert "| rows/s in CSV over HTTP | at least 70000 | 150,000 | yes |" in text
