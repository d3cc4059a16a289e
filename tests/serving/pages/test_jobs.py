import io

import pytest

from persistence.promotion import ASKED_NOT, NO_CHAMPION
from serving.auth import new_key
from serving.pages.jobs import metrics_of, reason_of, stages_of
from serving.pages.language import CATALOGUES
from tests.serving.pages.site import Site

EN = CATALOGUES["en"]
TOKEN, KEY = new_key("trainer", ["train"])
READER, READS = new_key("reader", ["predict"])


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, API_KEYS=f"{KEY.entry()},{READS.entry()}")


@pytest.fixture
def job(site):
    body = {"file": (io.BytesIO(b"a,b\n1,2\n"), "t.csv"), "target": "b"}
    answer = site.ask("/v0/models/mine/train", None, "POST", data=body, X_API_Key=TOKEN)
    return answer.json["id"]


def test_a_job_is_a_page_for_those_who_may_train(site, job):
    assert site.ask(f"/jobs/{job}").status_code == 401
    assert "takes a key that may train" in site.ask(f"/jobs/{job}").text
    assert site.ask(f"/jobs/{job}", X_API_Key=READER).status_code == 403
    page = site.ask(f"/jobs/{job}", X_API_Key=TOKEN)
    assert page.status_code == 200
    assert "Training of mine" in page.text
    assert f'data-job="/v0/jobs/{job}"' in page.text
    assert "waits" in page.text


def test_the_newest_jobs_lead_to_theirs(site, job):
    assert f'href="/jobs/{job}"' in site.ask("/jobs", X_API_Key=TOKEN).text


def test_without_jobs_the_page_says_so(site):
    assert "There was no training" in site.ask("/jobs", X_API_Key=TOKEN).text


def test_a_job_that_is_cancelled_is_followed_no_more(site, job):
    site.ask(f"/v0/jobs/{job}", None, "DELETE", X_API_Key=TOKEN)
    text = site.ask(f"/jobs/{job}", X_API_Key=TOKEN).text
    assert 'data-ended="yes"' in text
    assert "cancelled" in text
    assert 'id="cancel"' not in text


def test_a_job_that_is_not_there_is_a_page_that_says_so(site):
    assert site.ask(f"/jobs/{'0' * 32}", X_API_Key=TOKEN).status_code == 404


def test_stages_are_done_now_or_to_come():
    running = {"state": "running", "stage": "fit", "order": {}}
    assert [when for _, when in stages_of(running)] == ["done", "done", "now", *["later"] * 4]
    done = {"state": "succeeded", "stage": "register", "order": {}}
    assert {when for _, when in stages_of(done)} == {"done"}
    assert stages_of({"state": "running", "order": {"replay": "v1"}}) == []
    assert stages_of({"state": "succeeded", "order": {"score": {"format": "csv"}}}) == []


def test_metrics_have_names():
    assert metrics_of({"metrics": {"accuracy": 0.5, "confusion_matrix": []}}, EN) == [
        ("Accuracy", "0.5000")
    ]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (NO_CHAMPION, "Não havia campeã."),
        (ASKED_NOT, "Foi pedido que não fosse promovida."),
        ("at least as good as v1", "at least as good as v1"),
    ],
)
def test_a_verdict_is_said_in_the_language_of_the_page(reason, said):
    assert reason_of({"reason": reason}, CATALOGUES["pt"]) == said
    assert reason_of({}, CATALOGUES["pt"]) == ""
