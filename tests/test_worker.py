from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from config import read_config
from errors import RecipeError
from persistence.opening import open_registry
from tests.servers import wait_until
from worker import check_order, open_queue

TABLE = b"height,colour,good\n" + b"".join(
    b"%d,%s,%s\n" % (n % 40, [b"red", b"blue"][n % 2], [b"no", b"yes"][n % 40 > 20])
    for n in range(240)
)
SMALL = {"name": "mine", "target": "good", "parameters": {"n_estimators": 5}}
# Long enough to be killed in the middle of.
LONG = {"name": "mine", "target": "good", "parameters": {"n_estimators": 2000}}


class Workplace:
    """A database and a store of a test's own, and workers over them."""

    def __init__(self, folder: Path, root: Path, **settings: str) -> None:
        self.root = root
        self.environ = {
            "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
            "MODEL_STORE": f"{folder}/models",
            "JOB_LEASE_SECONDS": "3",
            **settings,
        }
        self.queue = open_queue(read_config(self.environ))

    @contextmanager
    def worker(self, *words: str) -> Iterator[psutil.Process]:
        """Run a worker."""
        command = [sys.executable, "worker.py", *words]
        environ = {"PATH": os.environ["PATH"], **self.environ}
        with subprocess.Popen(command, cwd=self.root, env=environ) as process:
            try:
                yield psutil.Process(process.pid)
            finally:
                process.terminate()
                process.wait(30)

    def submit(self, order: dict[str, Any]) -> str:
        """Queue a training on the table."""
        data = io.BytesIO(TABLE) if "target" in order else None
        return str(self.queue.submit(order, who="tester", data=data)["id"])

    def wait_for(
        self, job_id: str, reached: Callable[[dict[str, Any]], bool], patience: float = 60
    ) -> dict[str, Any]:
        """Wait until the job's document is as wanted, and return it."""
        wait_until(lambda: reached(self.queue.read(job_id)), "the job", patience)
        return self.queue.read(job_id)

    def versions(self, name: str) -> list[str]:
        """Return the versions that are registered."""
        registry = open_registry(**read_config(self.environ).registry)
        return [found.version for found in registry.versions(name)]


def ended(job: dict[str, Any]) -> bool:
    return job["state"] in ("succeeded", "failed", "cancelled")


def fitting(job: dict[str, Any], attempt: int = 1) -> bool:
    return (job.get("stage"), job["attempts"]) == ("fit", attempt)


def trainees(worker: psutil.Process) -> list[psutil.Process]:
    return [p for p in worker.children(recursive=True) if "--job" in p.cmdline()]


def is_over(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def workplace(tmp_path: Path, root: Path) -> Iterator[Workplace]:
    """An empty database and store."""
    made = Workplace(tmp_path, root)
    yield made
    made.queue.jobs_database.close()


def test_jobs_are_trained(workplace: Workplace) -> None:
    with workplace.worker() as process:
        job = workplace.wait_for(workplace.submit(SMALL), ended)
        assert job["state"] == "succeeded", job
        assert job["promoted"]
        assert job["reason"].startswith("there was no champion")
        assert job["metrics"]["log_loss"] > 0
        assert any(line.startswith("fit took") for line in job["log"])
        assert workplace.versions("mine") == [job["version"]]

        again = workplace.wait_for(workplace.submit(SMALL), ended)
        assert again["comparison"]["rows"] == sum(map(sum, job["metrics"]["confusion_matrix"]))
        assert again["comparison"]["at_least_as_good"] is again["promoted"] is True
        assert "at least as good as" in again["reason"]

        wrong = workplace.wait_for(workplace.submit({**SMALL, "target": "nope"}), ended)
        assert wrong["state"] == "failed"
        assert wrong["error"] == line_of_build_model(workplace, "nope")
        assert trainees(process) == []
        assert process.memory_info().rss < 90 * 1024 * 1024
    assert workplace.queue.table.workers(within=60) == 0


def line_of_build_model(workplace: Workplace, target: str) -> str:
    table = Path(workplace.environ["MODEL_STORE"]).parent / "table.csv"
    table.write_bytes(TABLE)
    words = ["--data", str(table), "--target", target, "--name", "mine"]
    done = subprocess.run(
        [sys.executable, "build_model.py", *words],
        cwd=workplace.root,
        env={"PATH": os.environ["PATH"], **workplace.environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stderr.strip().removeprefix("build_model: ")


def all_over(processes: list[Any]) -> bool:
    """Whether all of the processes have ended."""
    return all(map(is_over, processes))


def test_a_killed_worker_s_job_is_taken_up_again_once(workplace: Workplace) -> None:
    job_id = workplace.submit(LONG)
    for attempt in (1, 2):
        with workplace.worker() as process:
            again = partial(fitting, attempt=attempt)
            workplace.wait_for(job_id, again)
            both = [process, *trainees(process)]
            process.kill()
            wait_until(partial(all_over, both), "the child to end too", 10)
            assert len(both) == 2
    with workplace.worker():
        job = workplace.wait_for(job_id, ended, 20)
    assert (job["state"], job["attempts"]) == ("failed", 2)
    assert "lost twice" in job["error"]
    assert not Path(workplace.environ["MODEL_STORE"], "mine").exists()


def test_a_killed_worker_s_job_succeeds_the_second_time(workplace: Workplace) -> None:
    order = {**LONG, "parameters": {"n_estimators": 300}}
    job_id = workplace.submit(order)
    with workplace.worker() as process:
        workplace.wait_for(job_id, lambda job: job["state"] == "running")
        process.kill()
    with workplace.worker():
        job = workplace.wait_for(job_id, ended)
    assert (job["state"], job["attempts"]) == ("succeeded", 2), job
    assert workplace.versions("mine") == [job["version"]]


def test_sigterm_gives_the_job_back(workplace: Workplace) -> None:
    job_id = workplace.submit(LONG)
    with workplace.worker() as process:
        workplace.wait_for(job_id, fitting)
        trainee = trainees(process)[0]
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_over(process), "the worker to end", 20)
        assert time.monotonic() - began < 10
        assert is_over(trainee)
    job = workplace.queue.read(job_id)
    assert (job["state"], job["attempts"]) == ("queued", 1)


def test_two_workers_share_the_jobs(workplace: Workplace) -> None:
    jobs = [workplace.submit(SMALL) for _ in range(3)]
    with workplace.worker(), workplace.worker():
        ends = [workplace.wait_for(job_id, ended) for job_id in jobs]
    assert [job["state"] for job in ends] == ["succeeded"] * 3
    assert {job["attempts"] for job in ends} == {1}
    assert sorted(workplace.versions("mine")) == sorted(job["version"] for job in ends)


def test_a_cancelled_job_s_process_ends(workplace: Workplace) -> None:
    job_id = workplace.submit(LONG)
    with workplace.worker() as process:
        workplace.wait_for(job_id, fitting)
        trainee = trainees(process)[0]
        assert trainee.nice() == 19
        workplace.queue.cancel(job_id, "tester")
        wait_until(lambda: is_over(trainee), "the child to end", 10)
        assert not is_over(process)
    assert workplace.queue.read(job_id)["state"] == "cancelled"


def test_a_training_that_needs_too_much_memory_says_so(tmp_path: Path, root: Path) -> None:
    workplace = Workplace(tmp_path, root, JOB_MEMORY_LIMIT=str(64 * 1024 * 1024))
    with workplace.worker():
        job = workplace.wait_for(workplace.submit({**LONG, "estimator": "forest"}), ended)
    assert job["state"] == "failed"
    assert job["error"].startswith("the training needs more memory than the 64 MiB it may use: ")
    assert "in parts" in job["error"]
    workplace.queue.jobs_database.close()


def test_an_embedded_worker_is_started_again_and_ends_with_its_parent(
    workplace: Workplace,
) -> None:
    with workplace.worker("--embedded") as supervisor:
        wait_until(lambda: workplace.queue.table.workers(3) == 1, "a worker", 20)
        first = supervisor.children()[0]
        first.kill()
        wait_until(
            lambda: any(not is_over(p) and p != first for p in supervisor.children()),
            "another worker",
            20,
        )
        second = next(p for p in supervisor.children() if not is_over(p))
        job = workplace.wait_for(workplace.submit(SMALL), ended)
        assert job["state"] == "succeeded"
        supervisor.kill()
        wait_until(lambda: is_over(second), "the worker to end", 20)


def test_a_setting_that_cannot_be_is_one_line(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "worker.py"],
        cwd=root,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": "mysql://root:geheim@h/d"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("worker: DATABASE_URL: expected")
    assert done.stderr.count("\n") == 1
    assert "geheim" not in done.stderr


def test_orders_are_checked_without_what_learns(root: Path) -> None:
    check_order({"name": "mine", "recipe": "credit", "parameters": {"n_estimators": 3}})
    check_order({"name": "mine", "target": "y", "estimator": "boosting"})
    for wrong in (
        {"name": "mine", "recipe": "nope"},
        {"name": "mine", "recipe": "credit", "parameters": {"trees": 3}},
        {"name": "mine", "target": "y", "estimator": "magic"},
        {"name": "mine", "target": "y", "parameters": {"n_estimators": 0}},
    ):
        with pytest.raises(RecipeError):
            check_order(wrong)
    look = (
        "import sys; from worker import check_order; "
        "check_order({'name': 'credit', 'recipe': 'credit'}); "
        "check_order({'name': 'm', 'target': 'y'}); "
        "print([m for m in ('sklearn', 'pandas', 'skl2onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=root, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
