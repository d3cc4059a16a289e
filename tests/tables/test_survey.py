"""A survey: the same of the same rows, in whatever order their parts are added up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import DatasetError
from tables.readers import batches, delimited
from tables.readers.partitions import find_partitions
from tables.survey import merged, numbered, survey, together
from tests.tables.readers.parted import NAMES, rows_of, split, write_parts


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_BYTES", 4096)
    monkeypatch.setattr(batches, "SAMPLE_BYTES", 4096)
    monkeypatch.setattr(delimited, "SAMPLE_BYTES", 4096)
    return write_parts(tmp_path / "parts", split(rows_of(2_000), 4))


def surveys(folder, sampled, **more):
    return [survey(part, sampled, **more) for part in find_partitions(folder)]


def all_of(given, sampled) -> Any:
    return together(given, sampled)


def drawn(found, sampled):
    sample = found.sample.least(sampled).sorted()
    return sample.cells.to_pydict(), sample.numbers.tolist()


@pytest.mark.parametrize("sampled", [50, 700, 5_000])
def test_order_does_not_matter(folder, sampled):
    parts = surveys(folder, sampled)
    one, other = all_of(parts, sampled), all_of(parts[::-1], sampled)
    paired = merged(
        merged(parts[0], parts[1], sampled), merged(parts[2], parts[3], sampled), sampled
    )
    assert one.rows == other.rows == 2_000
    assert one.tallies == other.tallies == paired.tallies
    assert drawn(one, sampled) == drawn(other, sampled) == drawn(paired, sampled)


def test_a_sample_of_all_rows_is_the_table(folder):
    found = all_of(surveys(folder, 5_000), 5_000).table()
    assert list(found.columns["age"]) == [str(age) for age in rows_of(2_000)["age"].to_pylist()]


def test_a_sample_is_drawn_from_all_parts_alike(folder):
    numbers = all_of(surveys(folder, 400), 400).sample.least(400).numbers >> np.uint64(40)
    counts = np.bincount(numbers.astype(int))[1:]
    assert counts.sum() == 400
    assert counts.min() > 70


def test_a_row_of_the_sample_is_named_by_its_part(folder):
    table = all_of(surveys(folder, 5_000), 5_000).table()
    assert table.index(0) == "row 1 of part 1"
    assert table.index(1_999) == "row 500 of part 4"


def test_parts_without_rows_say_nothing(tmp_path):
    folder = write_parts(tmp_path / "parts", [rows_of(10), rows_of(0)])
    one, none = surveys(folder, 100)
    assert none is None
    assert all_of([None, one, none], 100).rows == 10
    assert all_of([None], 100) is None


def test_a_part_with_other_columns_is_named(tmp_path):
    folder = write_parts(tmp_path / "parts", [rows_of(10), rows_of(10).drop_columns(["plan"])])
    with pytest.raises(DatasetError, match=r"^part 2 \(part-001.csv\) has no column plan, which p"):
        all_of(surveys(folder, 100), 100)


def test_the_table_s_own_words_are_missing_values(folder):
    plain = all_of(surveys(folder, 10), 10).tallies["plan"]
    found = all_of(surveys(folder, 10, missing=("gold",)), 10).tallies["plan"]
    assert found.absent == plain.words["gold"]
    assert set(found.words) == {"basic", "pro"}


def test_no_two_rows_share_a_number():
    assert len({*numbered(1, range(5)).tolist(), *numbered(2, range(5)).tolist()}) == 10
    assert set(NAMES) == set(rows_of(1).column_names)
