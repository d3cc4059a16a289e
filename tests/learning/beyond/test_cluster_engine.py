"""The engine that is a cluster: what it gathers is what one process gathers."""

from __future__ import annotations

import numpy as np
import pytest

from build_model import build_model
from errors import DatasetError
from learning.beyond.cluster import connected
from learning.beyond.cluster_engine import ClusterEngine
from learning.beyond.engine import Here
from learning.beyond.plan import Plan
from learning.estimators import ready_made
from tests.learning.beyond.test_sides import reading_of
from tests.persistence.artifacts import make_registry
from tests.tables.readers.parted import rows_of, split, write_parts

pytestmark = pytest.mark.cluster

MEMORY = 2**27


@pytest.fixture
def engine(running):
    with connected(running.address) as cluster:
        yield ClusterEngine(cluster, MEMORY)


@pytest.fixture
def skewed(tmp_path):
    """Parts of very different sizes, one of them without a row."""
    table = rows_of(3_000)
    sizes = (5, 2_500, 0, 95, 400)
    starts = np.cumsum((0, *sizes))
    parts = [table.slice(int(start), size) for start, size in zip(starts, sizes, strict=False)]
    return write_parts(tmp_path / "parts", parts)


def same(one, other):
    for a, b in ((one.held, other.held), (one.tuned, other.tuned), (one.sampled, other.sampled)):
        assert np.array_equal(a.batch.matrix, b.batch.matrix, equal_nan=True)
        assert np.array_equal(a.values, b.values)
    assert one.digest == other.digest
    assert np.array_equal(one.seen, other.seen)
    assert one.grower.rows == other.grower.rows


def test_skewed_parts_and_an_empty_one_are_what_one_process_has(engine, skewed):
    here = Here(MEMORY)
    parts = here.partitions(skewed)
    one, other = (each.survey(parts, 500, ()) for each in (here, engine))
    assert one is not None
    assert other is not None
    assert (one.rows, one.tallies) == (other.rows, other.tallies)
    reading = reading_of(skewed, Plan(0.2, 0.2, 0.5, 1))
    alone = here.gather(parts, reading, 3_000)
    alone.grower.close()
    same(alone, engine.gather(parts, reading, 3_000))


def test_the_model_is_as_good_as_that_of_one_process(engine, skewed):
    recipe, registry = ready_made("some", str(skewed), "stays", "auto"), make_registry()
    built = [build_model(recipe, registry=registry, engine=e) for e in (Here(MEMORY), engine)]
    one, other = (each.metrics["log_loss"] for each in built)
    assert other == pytest.approx(one, rel=0.02)
    assert [each.model.runtime_name for each in built] == ["additive", "additive"]
    assert built[0].model.schema == built[1].model.schema
    assert built[0].model.origin["data"] == built[1].model.origin["data"]


def test_a_quantity_is_learnt_by_the_workers_together(engine, tmp_path):
    folder = write_parts(tmp_path / "parts", split(rows_of(2_000), 3), "parquet")
    recipe = ready_made("some", str(folder), "age", "auto")
    engines = (Here(MEMORY), engine)
    built = [build_model(recipe, registry=make_registry(), engine=each) for each in engines]
    found = [each.metrics["rmse"] for each in built]
    assert found[1] == pytest.approx(found[0], rel=0.03)


def test_a_column_that_changes_its_type_in_part_7_is_named(engine, tmp_path):
    parts = split(rows_of(2_000), 10)
    parts[6] = parts[6].set_column(0, "age", [["young", "old"] * 100])
    recipe = ready_made("some", str(write_parts(tmp_path / "parts", parts)), "stays", "auto")
    with pytest.raises(
        DatasetError, match=r"column age changes its type: it holds words in part 7"
    ):
        build_model(recipe, registry=make_registry(), engine=engine)


def test_of_more_rows_than_workers_hold_a_share_is_learnt(engine, tmp_path, monkeypatch):
    from learning.beyond import plan

    # Two hundred parts of a table four times what the workers may hold.
    monkeypatch.setattr(plan, "FEWEST_ROWS", 200)
    folder = write_parts(tmp_path / "parts", split(rows_of(8_000), 200))
    size = sum(file.stat().st_size for file in folder.iterdir())
    monkeypatch.setattr(type(engine._cluster), "memory", size // 4)
    recipe = ready_made("some", str(folder), "stays", "auto")
    built = build_model(recipe, registry=make_registry(), engine=engine)
    (note,) = (note for note in built.dataset.notes if "in 200 parts" in note)
    assert "workers' memory holds no more" in note
    assert built.model.training_rows < 2_000
    assert built.metrics["log_loss"] < built.metrics["base_rate_log_loss"]
