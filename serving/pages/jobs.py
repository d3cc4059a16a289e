"""Trainings as pages: the newest, and one with its progress and what came of it."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import quote

from persistence.promotion import ASKED, ASKED_NOT, NO_CHAMPION
from policy import Stage
from serving.pages.language import Catalogue
from serving.pages.page import Page, Visit
from serving.pages.versions import METRICS, figure

FINAL = ("succeeded", "failed", "cancelled")
# Lines of a job's log that are shown; the last ones.
MOST_LINES = 200
STAGES = get_args(Stage)
# Reasons of a verdict that have words here; the others name figures, and stand as they are.
REASONS = {NO_CHAMPION: "reason_no_champion", ASKED: "reason_asked", ASKED_NOT: "reason_not_asked"}


def trains(job: dict[str, Any]) -> bool:
    """Tell whether a job makes a version: neither a replay nor a scoring does."""
    return not {"replay", "score"} & job["order"].keys()


def stages_of(job: dict[str, Any]) -> list[tuple[str, str]]:
    """Return each stage of a training with `done`, `now` or `later`; other jobs have none."""
    if not trains(job):
        return []
    if job["state"] == "succeeded":
        return [(stage, "done") for stage in STAGES]
    if job.get("stage") not in STAGES:
        return [(stage, "later") for stage in STAGES]
    now = STAGES.index(job["stage"])
    return [
        (stage, "done" if index < now else "now" if index == now else "later")
        for index, stage in enumerate(STAGES)
    ]


def metrics_of(job: dict[str, Any], words: Catalogue) -> list[tuple[str, str]]:
    """Return the metrics that a training found, each with its name."""
    found = job.get("metrics", {})
    return [
        (words(f"compared_{name}"), figure(name, found[name], words))
        for name in METRICS
        if found.get(name) is not None
    ]


def reason_of(job: dict[str, Any], words: Catalogue) -> str:
    """Return why a version was promoted or not, in words of the page where there are any."""
    reason = job.get("reason", "")
    return words(REASONS[reason]) if reason in REASONS else str(reason)


def _jobs(visit: Visit) -> dict[str, Any]:
    return {"jobs": [_line(job) for job in visit.training.get_jobs().newest(50)]}


def _line(job: dict[str, Any]) -> dict[str, Any]:
    made = job["created_at"].replace("T", " ").removesuffix("Z")
    return {**job, "path": f"/jobs/{job['id']}", "made": made}


def _job(visit: Visit) -> dict[str, Any]:
    job = visit.training.get_jobs().read(visit.job_id)
    return {
        "job": job,
        "trains": trains(job),
        "percent": round(100 * job.get("fraction", 0.0)),
        "stages": stages_of(job),
        "log": job.get("log", [])[-MOST_LINES:],
        "metrics": metrics_of(job, visit.words),
        "reason": reason_of(job, visit.words),
        "ended": job["state"] in FINAL,
        "target": job["order"].get("target", ""),
        "page": f"/models/{quote(job['model'])}",
        "warnings": job.get("warnings", []),
    }


JOBS = Page("/jobs", "jobs.html", _jobs, "train", key="train")
JOB = Page("/jobs/<job_id>", "job.html", _job, "train", key="train")
