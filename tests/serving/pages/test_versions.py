import msgspec
import pytest

from serving.pages.language import CATALOGUES
from serving.pages.version_summaries import Summaries
from serving.pages.versions import compared, figure
from tests.persistence.artifacts import make_artifact
from tests.serving.factory import make_live
from tests.serving.pages.site import Site

EN, PT = CATALOGUES["en"], CATALOGUES["pt"]


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, make_live(version="v2"))
    registry = site.parts.registry
    for version in ("v1", "v2", "v3"):
        registry.register("credit", make_artifact(version, signer=registry.signer))
    for version in ("v1", "v2"):
        registry.promote("credit", version)
    return site


def test_versions_stand_newest_first_with_state_and_quality(site):
    text = site.ask("/models/credit/versions").text
    assert text.index("v3</code>") < text.index("v2</code>") < text.index("v1</code>")
    assert text.count("ROC AUC 0.750") == 3
    assert "champion</td>" in text
    assert "challenger</td>" in text
    assert "<title>credit · Versions · Mirante</title>" in text


def test_all_but_the_champion_can_be_promoted_as_the_page_was_read(site):
    text = site.ask("/models/credit/versions").text
    serial = site.parts.registry.champion("credit").serial
    assert f'data-act="/v0/models/credit/versions/v3/promote" data-serial="{serial}"' in text
    assert "versions/v2/promote" not in text
    assert 'data-act="/v0/models/credit/rollback"' in text


def test_without_a_champion_before_nothing_is_rolled_back(tmp_path):
    site = Site(tmp_path, make_live(version="v1"))
    registry = site.parts.registry
    registry.register("credit", make_artifact("v1", signer=registry.signer))
    registry.promote("credit", "v1")
    text = site.ask("/models/credit/versions").text
    assert 'data-act="/v0/models/credit/rollback"' not in text
    assert "There is one version" in text


def test_the_champion_is_compared_with_the_newest_other_unless_two_are_asked_for(site):
    head = '<th scope="col" class="figure"><code>{}</code></th>'
    text = site.ask("/models/credit/versions").text
    assert text.index(head.format("v2")) < text.index(head.format("v3"))
    text = site.ask("/models/credit/versions?a=v1&b=v3").text
    assert text.index(head.format("v1")) < text.index(head.format("v3"))


def test_a_version_that_is_not_there_is_not_compared(site):
    text = site.ask("/models/credit/versions?a=<b>&b=v3").text
    assert "<b>" not in text
    assert "Compare two versions" in text


def test_lines_have_both_and_leave_out_what_neither_has(site):
    summary = Summaries(site.parts.registry).of("credit", "v1")
    assert summary is not None
    other = summary._replace(metrics={"rmse": 1234.5})
    lines = {line.what: line[1:] for line in compared(summary, other, EN)}
    assert lines["ROC AUC"] == ("0.7500", "–")
    assert lines["Root mean squared error (lower is better)"][1] == "1,234"
    assert "Accuracy" not in lines
    assert lines["Rows learnt from"] == ("800", "800")
    imported = msgspec.structs.replace(summary.manifest, training_rows=0)
    elsewhere = summary._replace(manifest=imported)
    lines = {line.what: line[1:] for line in compared(elsewhere, other, EN)}
    assert lines["Rows learnt from"] == ("–", "800")


def test_figures_are_written_as_the_language_does():
    assert figure("log_loss", 0.12345, PT) == "0,1235"
    assert figure("mae", 1234567.0, PT) == "1.234.567"


def test_a_damaged_version_is_shown_as_such_and_cannot_be_promoted(site):
    store = site.parts.registry._store
    data = store.get("credit/versions/v3").data
    store.put("credit/versions/v3", data[:-40])
    text = site.ask("/models/credit/versions").text
    assert "cannot be read here" in text
    assert "versions/v3/promote" not in text


def test_older_versions_are_on_a_page_of_their_own(site, monkeypatch):
    monkeypatch.setattr("serving.pages.versions.MOST_SHOWN", 2)
    assert "/models/credit/versions?from=v1" in site.ask("/models/credit/versions").text
    text = site.ask("/models/credit/versions?from=v1").text
    assert '<th scope="row"><code>v1</code>' in text
    assert '<th scope="row"><code>v3</code>' not in text


def test_an_unknown_model_is_a_page_that_says_so(site):
    assert site.ask("/models/nobody/versions").status_code == 404
