"""The registry of families: found by files, asked by class, importing nothing that learns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.naive_bayes import GaussianNB

import learning.families
from build_model import build_model
from errors import FormatMismatch
from learning.estimators import estimators
from learning.families import families, family_names, family_of, find_family, ranked
from learning.forms.sources import CannotFold, columned
from learning.recipe import Recipe
from learning.runtimes import load_runtime
from serving.champions import load_live
from serving.protocols import v0
from tests.learning.samples import fitted, prepared, schema
from tests.learning.tables import mixed_table, without
from tests.persistence.artifacts import make_registry
from tests.serving.factory import ask, make_service

THROWAWAY = Path(__file__).with_name("throwaway_family.txt")


def test_every_file_of_the_folder_is_a_family_of_its_name():
    assert {"forest", "boosting", "logistic", "catboost"} <= set(family_names())
    for name in family_names():
        assert find_family(name).name == name


def test_those_with_a_rank_stand_in_its_order():
    assert [family.name for family in ranked()] == ["forest", "boosting", "logistic"]
    ranks = [family.rank for family in families() if family.rank is not None]
    assert len(set(ranks)) == len(ranks)


def test_no_family_claims_what_another_does():
    claimed = [kind for family in families() for kind in family.classes()]
    assert len(set(claimed)) == len(claimed)


def test_a_class_that_none_knows_has_what_holds_for_all():
    other = fitted(prepared(GaussianNB(var_smoothing=1e-2)))
    family = family_of(other[-1])
    assert family.size(other[-1]) == {}
    assert family.importances(other[-1], None) is None
    with pytest.raises(CannotFold, match="GaussianNB is not made of trees"):
        family.fold(columned(other, schema()), 2)
    bagged = fitted(prepared(BaggingClassifier(GaussianNB(), 3)))[-1]
    assert family_of(bagged).size(bagged) == {"num_trees": 3}


def test_reading_every_family_imports_nothing_that_learns():
    code = (
        "import sys\n"
        "from learning.families import families\n"
        "from persistence.libraries import needs_of\n"
        "assert [f.make for f in families()]\n"
        "assert needs_of('catboost') == ('catboost',)\n"
        "assert not {'sklearn', 'scipy', 'pandas', 'catboost', 'onnxruntime'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def throwaway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in the folder of families."""
    (tmp_path / "shares.py").write_text(THROWAWAY.read_text())
    monkeypatch.setattr(learning.families, "__path__", [*learning.families.__path__, str(tmp_path)])
    yield
    sys.modules.pop("learning.families.shares", None)
    find_family.cache_clear()


def test_one_more_file_is_one_more_family_from_the_recipe_to_the_answer(throwaway):
    assert list(estimators()) == ["auto", "forest", "boosting", "logistic", "shares"]
    table = without(mixed_table(), "comment")
    recipe = Recipe("some", "stays", lambda: table, estimators()["shares"])
    registry = make_registry()
    built = build_model(recipe, registry=registry, parameters={"doubt": 3})
    assert (built.model.runtime_name, built.model.reason) == ("shares", None)
    assert built.model.info["num_trees"] == 0
    live = load_live(registry.read_champion("some")[1])
    assert live.manifest.needs == ("msgspec",)
    assert "msgspec" in live.manifest.libraries
    answer = ask(
        make_service(live, protocols=(v0,)), "/v0/models/some/predict", live.schema.example
    )
    assert answer.status == 200
    assert b'"probabilities":{"no":0.6' in answer.body


def test_a_runtime_that_nobody_has_is_refused():
    with pytest.raises(FormatMismatch, match=r"no runtime of this release: .*catboost.*linear"):
        load_runtime("shares", {})
