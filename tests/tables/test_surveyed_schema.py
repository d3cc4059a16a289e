"""The schema of a table in parts: the one that all rows in memory would give."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from errors import DatasetError
from learning.tasks import read_target
from tables.readers import batches, delimited
from tables.readers.delimited import read_delimited
from tables.readers.partitions import find_partitions
from tables.schema_inference import infer_schema
from tables.survey import survey, together
from tables.surveyed_schema import Wanted, surveyed_schema
from tests.tables.readers.parted import rows_of, split, write_parts

SAMPLED = 200


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_BYTES", 4096)
    monkeypatch.setattr(batches, "SAMPLE_BYTES", 4096)
    monkeypatch.setattr(delimited, "SAMPLE_BYTES", 4096)


def surveyed(folder, target="stays", sampled=SAMPLED, **more):
    parts = find_partitions(folder)
    found = together((survey(part, sampled, more.get("missing", ())) for part in parts), sampled)
    assert found is not None
    wanted = Wanted(target, read_target=read_target(None), **more)
    return surveyed_schema(found, wanted, {part.number: part.name for part in parts})


def in_memory(folder, target="stays", **more):
    files = sorted(folder.iterdir())
    data = files[0].read_bytes() + b"".join(f.read_bytes().split(b"\n", 1)[1] for f in files[1:])
    return infer_schema(read_delimited(data), target, read_target=read_target(None), **more)


def without_examples(schema):
    features = (msgspec.structs.replace(f, example=None) for f in schema.features)
    return msgspec.structs.replace(schema, features=tuple(features))


def refusal(*given, **more):
    with pytest.raises(DatasetError) as refused:
        surveyed(*given, **more)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def with_column(table, name, cells):
    return table.append_column(name, pa.array(cells))


def test_a_sample_and_tallies_give_the_schema_of_all_rows(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(3_000), 5))
    found, want = surveyed(folder), in_memory(folder)
    dates = {f.name for f in want.schema.features if f.kind == "date"}
    assert dates == {"since"}
    for one, other in zip(found.schema.features, want.schema.features, strict=True):
        if one.name not in dates:  # their first and last are the sample's
            assert msgspec.structs.replace(one, example=None) == msgspec.structs.replace(
                other, example=None
            )
    assert found.schema.target == want.schema.target
    assert found.notes == want.notes


def test_a_sample_of_all_rows_gives_the_schema_to_the_last_word(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(1_000), 3))
    found, want = surveyed(folder, sampled=5_000), in_memory(folder)
    assert found.schema == want.schema
    assert found.notes == want.notes


def test_what_is_rare_is_seen_though_no_sample_has_it(tmp_path):
    table = rows_of(5_000)
    rare: list[str | None] = ["b"] * 5_000
    rare[4_000:4_003] = ["a", "a", None]
    wage = table["wage"].to_pylist()
    wage[77] = 1e6
    table = with_column(table, "rare", rare)
    table = table.set_column(table.column_names.index("wage"), "wage", pa.array(wage))
    age = table["age"].cast(pa.float64()).to_pylist()
    age[4_321] = 33.5
    table = table.set_column(0, "age", pa.array(age))
    folder = write_parts(tmp_path / "parts", split(table, 5))
    found, want = surveyed(folder, sampled=100).schema, in_memory(folder).schema
    kinds = {f.name: f for f in found.features}
    assert kinds["rare"].categories == ("a", "b")
    assert kinds["rare"].nullable
    assert kinds["wage"].maximum == 1e6
    assert kinds["age"].kind == "number"
    assert [f.kind for f in found.features] == [f.kind for f in want.features]


def test_a_column_that_changes_its_type_in_part_7_is_named(tmp_path):
    parts = split(rows_of(2_000), 10)
    words = pa.array(["low", "high"] * 100)
    parts[6] = parts[6].set_column(1, "wage", words)
    folder = write_parts(tmp_path / "parts", parts)
    assert refusal(folder) == (
        "column wage changes its type: it holds words in part 7 (part-006.csv) and numbers in "
        "part 1 (part-000.csv); correct it, or give it a kind (--kind COLUMN=category)"
    )


def test_a_kind_that_is_given_may_change_its_type(tmp_path):
    parts = split(rows_of(2_000), 10)
    parts[6] = parts[6].set_column(0, "age", pa.array(["young", "old"] * 100))
    folder = write_parts(tmp_path / "parts", parts)
    assert "column age changes its type" in refusal(folder)
    found = surveyed(folder, kinds={"age": "category"}).schema.features[0]
    assert {"young", "old", "18"} <= set(found.categories)


def test_dates_among_numbers_are_a_change_too(tmp_path):
    parts = split(rows_of(2_000), 4)
    parts[3] = parts[3].set_column(0, "age", parts[3]["since"])
    said = refusal(write_parts(tmp_path / "parts", parts))
    assert said.startswith("column age changes its type: it holds dates in part 4 (part-003.csv)")


def test_classes_are_counted_in_all_rows(tmp_path):
    table = rows_of(5_000)
    label: list[str | None] = ["a", "b"] * 2_500
    label[10:16] = ["rare"] * 6
    label[20:22] = ["gone"] * 2
    label[30] = None
    folder = write_parts(tmp_path / "parts", split(with_column(table, "label", label), 4))
    found = surveyed(folder, "label", sampled=50)
    assert found.schema.target.classes == ("a", "b", "rare")
    assert found.notes[0] == "label, the label, has no value in 1 rows; left out"
    assert "class 'gone' has fewer than 5 rows, 2 rows in all, left out" in found.notes[1]
    values, known = found.labels.read(in_memory(folder, "stays").table)
    assert (values[known] == 2).sum() == 6
    assert (~known).sum() == 3


def test_a_quantity_is_read_from_every_part(tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(1_000), 3))
    found = surveyed(folder, "wage")
    assert found.schema.target.task == "regression"
    values, known = found.labels.read(in_memory(folder).table)
    want = rows_of(1_000)["wage"].to_numpy(zero_copy_only=False)
    assert np.allclose(values[known], want[~np.isnan(want)], rtol=1e-6)
    assert (~known).sum() == np.isnan(want).sum()


def test_the_target_must_be_there_and_have_a_value(tmp_path):
    folder = write_parts(tmp_path / "parts", [with_column(rows_of(50), "label", [None] * 50)])
    assert "has no value in any row" in refusal(folder, "label")
    assert "the table has no column stay; did you mean stays?" in refusal(folder, "stay")
