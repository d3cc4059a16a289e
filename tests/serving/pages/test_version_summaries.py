import pytest

from errors import StoreUnavailable
from serving.pages.version_summaries import Summaries
from tests.persistence.artifacts import make_artifact, make_registry


@pytest.fixture
def registry():
    registry = make_registry()
    for version in ("v1", "v2", "v3"):
        registry.register("credit", make_artifact(version, signer=registry.signer))
    return registry


def test_a_summary_has_what_the_artifact_says(registry):
    summary = Summaries(registry).of("credit", "v1")
    assert summary is not None
    assert summary.metrics == {"roc_auc": 0.75}
    assert summary.info == {"model_name": "RandomForestClassifier"}
    assert summary.manifest.training_rows == 800


def test_a_version_is_read_once(registry):
    summaries = Summaries(registry)
    first = summaries.of("credit", "v1")
    registry.show = None
    assert summaries.of("credit", "v1") is first


def test_what_was_looked_at_longest_ago_is_forgotten_first(registry):
    summaries = Summaries(registry, most=2)
    kept = [summaries.of("credit", version) for version in ("v1", "v2", "v1", "v3")]
    assert summaries.of("credit", "v1") is kept[0]
    assert summaries.of("credit", "v2") is not kept[1]


def test_a_version_that_is_gone_or_damaged_has_none(registry):
    assert Summaries(registry).of("credit", "v9") is None
    store = registry._store
    store.put("credit/versions/v1", store.get("credit/versions/v1").data[:-40])
    assert Summaries(registry).of("credit", "v1") is None


def test_a_store_that_is_away_is_no_version_that_is_gone(registry):
    def away(name, version):
        raise StoreUnavailable("it is away")

    registry.show = away
    with pytest.raises(StoreUnavailable):
        Summaries(registry).of("credit", "v1")
