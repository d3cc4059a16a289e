"""Sides: where a row goes is told by what stands in it, on any machine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from errors import DatasetError
from learning.beyond.plan import Plan
from learning.beyond.sides import Reading, joined, read_sides
from learning.tasks import read_target
from tables.readers import batches, delimited
from tables.readers.partitions import find_partitions
from tables.survey import survey, together
from tables.surveyed_schema import Wanted, surveyed_schema
from tests.tables.readers.parted import rows_of, split, write_parts

PLAN = Plan(0.2, 0.2, 0.5, 4)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_BYTES", 4096)
    monkeypatch.setattr(batches, "SAMPLE_BYTES", 4096)
    monkeypatch.setattr(delimited, "SAMPLE_BYTES", 4096)


def reading_of(folder, plan=PLAN, seed=0, **more):
    parts = find_partitions(folder)
    found = together((survey(part, 500) for part in parts), 500)
    assert found is not None
    left_out = (more["group"],) if "group" in more else ()
    wanted = Wanted("stays", read_target=read_target(None), left_out=left_out)
    surveyed = surveyed_schema(found, wanted, {})
    return Reading(surveyed.schema, surveyed.labels, plan, seed, **more)


def sides(folder, reading):
    found = [one for part in find_partitions(folder) for one in read_sides(part, reading)]
    names = ("held", "tuned", "learnt", "sampled")
    return {name: joined([getattr(one, name) for one in found], reading.schema) for name in names}


def shares(found):
    total = sum(len(found[name].values) for name in ("held", "tuned", "learnt"))
    return {name: len(one.values) / total for name, one in found.items()}


def test_the_shares_are_as_planned(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(10_000), 3))
    found = shares(sides(folder, reading_of(folder)))
    want = {"held": 0.2, "tuned": 0.16, "learnt": 0.64, "sampled": 0.32}
    assert all(abs(found[name] - share) < 0.02 for name, share in want.items())


def test_other_parts_give_the_same_sides(tmp_path):
    one = write_parts(tmp_path / "one", split(rows_of(2_000), 1))
    many = write_parts(tmp_path / "many", split(rows_of(2_000), 7), "parquet")
    reading = reading_of(one)
    for name, found in sides(one, reading).items():
        other = sides(many, reading)[name]
        assert np.array_equal(found.batch.matrix, other.batch.matrix, equal_nan=True)
        assert np.array_equal(found.values, other.values)


def test_another_seed_gives_other_sides(tmp_path):
    folder = write_parts(tmp_path / "parts", [rows_of(2_000)])
    held = [set(sides(folder, reading_of(folder, seed=s))["held"].digests.tolist()) for s in (0, 1)]
    assert len(held[0] & held[1]) / len(held[0]) < 0.3


def test_copies_stay_together(tmp_path):
    table = pa.concat_tables([rows_of(500)] * 4)
    folder = write_parts(tmp_path / "parts", split(table, 5))
    found = sides(folder, reading_of(folder))
    held, tuned, learnt = (set(found[n].digests.tolist()) for n in ("held", "tuned", "learnt"))
    assert not held & tuned
    assert not (held | tuned) & learnt


def test_groups_stay_together(tmp_path):
    table = rows_of(2_000)
    # The age tells the house of a row that has been encoded.
    houses = pa.array([f"h{age}" for age in table["age"].to_pylist()])
    table = table.append_column("house", houses)
    folder = write_parts(tmp_path / "parts", split(table, 3))
    reading = reading_of(folder, group="house")
    assert "house" not in {feature.name for feature in reading.schema.features}
    ages = [set(one.batch.matrix[:, 0].tolist()) for one in sides(folder, reading).values()]
    assert all(ages[:3])
    assert not ages[0] & ages[1]
    assert not (ages[0] | ages[1]) & ages[2]


def test_of_few_different_rows_chance_decides(tmp_path):
    folder = write_parts(tmp_path / "parts", split(pa.concat_tables([rows_of(20)] * 100), 3))
    found = shares(sides(folder, reading_of(folder, by_row=True)))
    assert abs(found["held"] - 0.2) < 0.05


def test_a_cell_that_fits_no_kind_is_named_with_its_part(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(300), 3))
    reading = reading_of(folder)
    text = (folder / "part-001.csv").read_text().splitlines()
    text[5] = "x" + text[5]
    (folder / "part-001.csv").write_text("\n".join(text) + "\n")
    with pytest.raises(DatasetError, match=r"^part 2 \(part-001.csv\): column age: not of kind"):
        sides(folder, reading)


def test_rows_without_a_label_go_nowhere(tmp_path):
    table = rows_of(300)
    label = pa.array([None, *table["stays"].to_pylist()[1:]])
    folder = write_parts(tmp_path / "parts", [table.set_column(5, "stays", label)])
    found = sides(folder, reading_of(folder))
    assert sum(len(found[name].values) for name in ("held", "tuned", "learnt")) == 299
