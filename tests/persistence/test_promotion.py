"""Promotion: who may take the champion's place, and who is not compared at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from build_model import build_model
from errors import ArtifactDamaged, Conflict, LibraryMismatch
from learning.estimators import ready_made
from learning.learnt_rows import MEMBER
from persistence.artifact import pack
from persistence.promotion import Verdict, judge, promote, settle
from persistence.registry import Registry, new_version
from tables.dataset import read_dataset
from tables.split import split
from tables.table import Table
from tests.conftest import ROOT
from tests.learning.tables import mixed_table, without
from tests.persistence.artifacts import make_registry

TABLE = without(mixed_table(300), "comment")
RECIPE = ready_made("some", lambda: TABLE, "stays", "logistic")


class Guessing:
    """A runtime that knows nothing, or, turned round, less than nothing."""

    name = "guessing"
    compiled = False
    quick = False

    def outputs(self, batch):
        return np.full((len(batch.matrix), 2), 0.5)


class Knowing(Guessing):
    """A runtime that knows the answers."""

    def __init__(self, target):
        self._target = target

    def outputs(self, batch):
        return np.eye(2)[self._target] * 0.98 + 0.01


@pytest.fixture
def registry():
    return make_registry()


@pytest.fixture
def holdout():
    return split(read_dataset(TABLE, "stays"), 0)[1]


def test_the_first_version_is_good(registry, holdout):
    verdict = judge(registry, "some", "if_better", holdout, Guessing(), 0)
    assert verdict.good
    assert verdict.reason == "there was no champion"
    assert verdict.comparison is None


def test_the_better_one_is_good_and_the_worse_one_is_not(registry, holdout):
    champion = build_model(RECIPE, registry=registry).version
    better = judge(registry, "some", "if_better", holdout, Knowing(holdout.target), 0)
    assert better.good
    assert better.comparison is not None
    assert better.comparison["rows"] == holdout.rows
    assert f"at least as good as {champion}" in better.reason
    worse = judge(registry, "some", "if_better", holdout, Guessing(), 0)
    assert not worse.good
    assert f"not as good as {champion}" in worse.reason


def test_the_champion_answers_by_its_own_encoding(registry):
    """Its categories have other codes than the challenger's: the same rows, the same answers."""
    first = build_model(RECIPE, registry=registry)
    plans = ["a new plan" if i % 50 == 0 else p for i, p in enumerate(TABLE.columns["plan"])]
    other = Table({**TABLE.columns, "plan": plans})
    second = build_model(replace(RECIPE, load=lambda: other), registry=registry)
    assert second.verdict.comparison is not None
    before = second.verdict.comparison["champion_log_loss"]
    assert before == pytest.approx(first.metrics["log_loss"], rel=0.05)


def test_rules_that_need_no_comparison(registry, holdout):
    build_model(RECIPE, registry=registry)
    always = judge(registry, "some", "always", holdout, Guessing(), 0)
    assert (always.good, always.comparison) == (True, None)
    never = judge(registry, "some", "never", holdout, Knowing(holdout.target), 0)
    assert (never.good, never.comparison) == (False, None)
    assert not judge(make_registry(), "some", "never", holdout, Guessing(), 0).good


def test_missing_values_where_none_were_are_compared_if_the_champion_fills_them_in(registry):
    table = Table({**TABLE.columns, "age": [None, *range(18, 77)] * 5})
    boosting = ready_made("other", lambda: TABLE, "stays", "boosting")
    build_model(RECIPE, registry=registry)
    build_model(boosting, registry=registry, parameters={"max_iter": 5})
    for recipe in (RECIPE, boosting):
        built = build_model(replace(recipe, load=lambda: table), registry=registry)
        assert (built.verdict.comparison is not None) is (recipe is RECIPE)


@pytest.mark.parametrize(
    "table",
    [
        Table({**TABLE.columns, "stays": [f"{c} it does" for c in TABLE.columns["stays"]]}),
        Table({**TABLE.columns, "more": list(range(300))}),
        without(TABLE, "age"),
    ],
    ids=["other classes", "a feature more", "a feature less"],
)
def test_what_cannot_be_compared_stays_challenger(registry, table):
    champion = build_model(RECIPE, registry=registry).version
    built = build_model(replace(RECIPE, load=lambda: table), registry=registry)
    assert not built.verdict.good
    assert built.verdict.reason.startswith(f"not comparable: {champion}")
    assert registry.champion("some").version == champion
    assert registry.challenger("some").version == built.version


def test_a_champion_that_imputes_is_compared_on_rows_with_missing_values(registry):
    build_model(RECIPE, registry=registry)
    table = Table({**TABLE.columns, "age": [None, *range(18, 77)] * 5})
    built = build_model(replace(RECIPE, load=lambda: table), registry=registry)
    assert built.verdict.comparison is not None


def test_a_champion_that_cannot_be_loaded_can_be_replaced(registry, holdout, monkeypatch):
    champion = build_model(RECIPE, registry=registry).version

    def read(*_):
        raise LibraryMismatch("made with another scikit-learn")

    monkeypatch.setattr(registry, "read", read)
    verdict = judge(registry, "some", "if_better", holdout, Guessing(), 0)
    assert verdict.good
    assert verdict.reason.startswith(f"the champion {champion} cannot be loaded: made with")


def test_the_champion_that_was_compared_with_is_replaced(registry, holdout):
    build_model(RECIPE, registry=registry)
    mine = build_model(RECIPE, registry=registry, promote="never")
    verdict = judge(registry, "some", "if_better", holdout, Knowing(holdout.target), 0)
    assert verdict.champion == registry.champion("some")
    assert settle(registry, "some", mine.version, verdict).good
    assert registry.champion("some").version == mine.version


def test_only_the_champion_judged_against_is_replaced(registry, holdout):
    first = build_model(RECIPE, registry=registry)
    verdict = judge(registry, "some", "always", holdout, Guessing(), 0)
    mine = build_model(RECIPE, registry=registry, promote="never")
    another = build_model(RECIPE, registry=registry, promote="always")
    resolved = settle(registry, "some", mine.version, verdict)
    assert not resolved.good
    assert resolved.reason == "another version was promoted meanwhile"
    assert registry.champion("some").version == another.version != first.version


# ---------------------------------------------------------------- what cannot be served


def spoilt(registry: Registry, name: str, **members: bytes) -> str:
    """Register the champion again with other members, and return the version."""
    artifact = registry.read_champion(name)[1]
    manifest = msgspec.structs.replace(artifact.manifest, version=new_version(datetime.now(UTC)))
    changed = {key.replace("_", "."): value for key, value in members.items()}
    data = pack(manifest, {**artifact.members, **changed}, registry.signer)
    return registry.register(name, data)


@pytest.fixture(scope="module")
def served():
    made = make_registry()
    build_model(RECIPE, registry=made)
    return made


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"golden_json": b'{"rows":[],"probabilities":[[0.5,0.5]]}'}, "golden answers"),
        ({"golden_json": b"[]"}, "cannot be served: TypeError"),
        ({"signature_json": b"{}"}, "signature.json"),
    ],
)
def test_nothing_is_promoted_that_cannot_be_loaded_and_asked(served, members, why):
    before = served.champion("some")
    version = spoilt(served, "some", **members)
    with pytest.raises(ArtifactDamaged, match=why):
        promote(served, "some", version)
    with pytest.raises(ArtifactDamaged, match=why):
        settle(served, "some", version, Verdict(True, "good", champion=before))
    assert served.champion("some") == before


def test_what_can_be_served_is_promoted(served):
    artifact = served.read_champion("some")[1]
    version = spoilt(served, "some", golden_json=artifact.members["golden.json"])
    serial = served.champion("some").serial
    with pytest.raises(Conflict):
        promote(served, "some", version, serial + 1)
    assert promote(served, "some", version, serial).version == version


@pytest.mark.parametrize(
    "path", ["build_model.py", "import_model.py", "serving/http/routes/versions.py"]
)
def test_every_way_to_promote_goes_through_the_proof(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert "registry.promote(" not in text


# ---------------------------------------------------------------- rows that neither has learnt from


def numbers(rows: int, seed: int = 0) -> Table:
    """Two numbers by chance, and a label that one of them nearly tells."""
    random = np.random.default_rng(seed)
    x, z = random.random((2, rows))
    y = np.where(x + random.normal(scale=0.3, size=rows) > 0.5, "yes", "no")
    return Table({"x": [f"{v:.6f}" for v in x], "z": [f"{v:.6f}" for v in z], "y": y.tolist()})


def by_heart(table: Table):
    """A recipe whose model knows by heart what it learnt from."""
    return ready_made("heart", lambda: table, "y", "forest")


def test_another_seed_is_judged_on_rows_that_the_champion_has_not_learnt_from(registry):
    recipe = by_heart(numbers(2000))
    parameters = {"n_estimators": 50, "max_depth": 30}
    first = build_model(recipe, registry=registry, parameters=parameters)
    second = build_model(recipe, registry=registry, parameters=parameters, seed=1)
    found = second.verdict.comparison
    assert found is not None
    assert 50 <= found["rows"] <= 110  # a fifth of a fifth of 2,000
    assert f"on {found['rows']} rows of 400, those that neither has learnt from" in (
        second.verdict.reason
    )
    # Of what it learnt from the champion would have a third of it.
    assert found["champion_log_loss"] > 0.6 * first.metrics["log_loss"]


def test_a_table_that_grew_is_judged_on_what_is_new_or_was_held_out(registry):
    old, new = numbers(400), numbers(200, seed=1)
    grown = Table({name: [*cells, *new.columns[name]] for name, cells in old.columns.items()})
    first = build_model(by_heart(old), registry=registry)
    second = build_model(by_heart(grown), registry=registry)
    found = second.verdict.comparison
    assert found is not None
    # A fifth of the 200 new ones, and of the 80 that were held out.
    assert 40 <= found["rows"] <= 75
    assert found["rows"] < second.holdout.rows == 120
    assert found["champion_log_loss"] > 0.6 * first.metrics["log_loss"]


def test_a_table_with_a_column_less_tells_the_same_rows(registry):
    """What the champion reads of a row is the same, whatever else the challenger's table has."""
    table = numbers(400)
    wider = Table({**table.columns, "same": ["a word"] * 400})
    build_model(by_heart(wider), registry=registry)
    built = build_model(by_heart(table), registry=registry, seed=3)
    assert built.verdict.comparison is not None
    assert built.verdict.comparison["rows"] < 40


def test_a_champion_that_learnt_from_almost_all_is_not_compared_with(registry):
    table = numbers(100)
    build_model(by_heart(table), registry=registry)
    second = build_model(by_heart(table), registry=registry, seed=1)
    assert not second.verdict.good
    assert "not comparable" in second.verdict.reason
    assert "of the 20 rows held out" in second.verdict.reason


def test_a_champion_of_before_is_compared_with_and_it_is_said(registry, holdout):
    build_model(RECIPE, registry=registry)
    artifact = registry.read_champion("some")[1]
    members = {name: data for name, data in artifact.members.items() if name != MEMBER}
    manifest = msgspec.structs.replace(artifact.manifest, version=new_version(datetime.now(UTC)))
    version = registry.register("some", pack(manifest, members, registry.signer))
    promote(registry, "some", version)
    verdict = judge(registry, "some", "if_better", holdout, Guessing(), 0)
    assert "(some may be among those that the champion learnt from)" in verdict.reason
    assert verdict.comparison is not None
