"""A week of simulated traffic, by HTTP: what log, drift, performance and replay say each day.

    python -m benchmarks.week [week] [disk] [bucket]      some ten minutes; the disk takes root

The model learns from one half of the credit table; traffic is drawn from the other. A day is
six hundred rows, answered at once; the truth of a day's rows comes the day after. On Wednesday
the column `income` breaks: clients send it in cents. On Thursday the web processes are killed
in the middle. Then a disk of 4 MB is full for a while, and a bucket is away.
"""

from __future__ import annotations

import csv
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import requests

from serving.auth import new_key

ROOT = Path(__file__).resolve().parent.parent
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BROKEN = DAYS.index("Wednesday")
ROWS, BATCH = 600, 100
PORT, BUCKET_PORT = 23110, 23111
TOKEN, KEY = new_key("week", ["train", "feedback"])
HEADERS = {"X-API-Key": TOKEN}
# On a busy machine a log takes long to read.
TRIES = 4
# Where drift is not the question.
NO_LOOKS = {"DRIFT_SECONDS": "3600"}

Row = dict[str, Any]


class Service:
    """A service under gunicorn, with a worker beside it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        home = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environ = {
            **home,
            "MODEL_STORE": str(folder / "models"),
            "DATABASE_URL": f"sqlite:///{folder}/jobs.db",
            "API_KEYS": KEY.entry(),
            "API_KEYS_FILE": str(folder / "keys"),
            "TRAINING_WORKER": "embedded",
            "DRIFT_SECONDS": "3",
            "OMP_NUM_THREADS": "1",
            "PORT": str(PORT),
        } | settings

    def build(self, *words: str) -> None:
        """Learn a model."""
        command = [sys.executable, "build_model.py", *words]
        subprocess.run(command, cwd=ROOT, env=self.environ, check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def running(self) -> Iterator[psutil.Process]:
        """Serve until the block ends."""
        with tempfile.TemporaryFile() as log:
            command = [sys.executable, "app.py"]
            process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log)
            try:
                wait(lambda: ask("GET", "/livez").ok, "the service", 90)
                yield psutil.Process(process.pid)
            finally:
                process.terminate()
                process.wait(40)


def workers(master: psutil.Process) -> list[psutil.Process]:
    """Return the web processes."""
    return [child for child in master.children() if "gunicorn" in " ".join(child.cmdline())]


def ask(method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    """Send a request."""
    url = f"http://127.0.0.1:{PORT}{path}"
    return requests.request(method, url, json=body, headers=HEADERS | headers, timeout=60)


def wait(true: Callable[[], bool], what: str, patience: float) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise SystemExit(f"{what}: waited {patience:g} s in vain")


def halves(chance: random.Random) -> tuple[list[Row], list[Row]]:
    """Return the table's rows in two halves, by chance."""
    with (ROOT / "data" / "credit.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chance.shuffle(rows)
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def write(rows: list[Row], path: Path) -> None:
    """Write rows as a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def sent(row: Row, broken: bool) -> Row:
    """Return a row as a client sends it."""
    features = {name: _value(text) for name, text in row.items() if name != "approved"}
    if broken and isinstance(features["income"], int):
        features["income"] *= 100
    return features


def _value(text: str) -> Any:
    return None if text == "" else int(text) if text.lstrip("-").isdigit() else text


class Traffic:
    """Sends rows, and the truths of earlier ones."""

    def __init__(self, rows: list[Row], chance: random.Random) -> None:
        self._rows, self._chance = rows, chance
        self.truths: dict[str, bool] = {}
        self.answered: dict[str, float] = {}

    def send(self, name: str, count: int, broken: bool = False) -> None:
        """Send so many rows, some a request; an answer that fails is none."""
        for start in range(0, count, BATCH):
            chosen = [self._chance.choice(self._rows) for _ in range(BATCH)]
            body, batch = [sent(row, broken) for row in chosen], f"{name}-{start}"
            try:
                answer = ask("POST", "/v0/predict", body, **{"X-Inference-Id": batch})
            except requests.RequestException:
                continue
            if answer.ok:
                ids = [f"{batch}.{index}" for index in range(BATCH)]
                self.answered |= dict.fromkeys(ids, time.monotonic())
                self.truths |= {
                    i: r["approved"] == "true" for i, r in zip(ids, chosen, strict=True)
                }

    def tell(self) -> dict[str, int]:
        """Send the truths that are not sent yet."""
        body = [{"id": name, "truth": truth} for name, truth in self.truths.items()]
        for _ in range(TRIES if body else 0):
            answer = ask("POST", "/v0/feedback", body)
            if answer.ok:
                self.truths = {}
                found: dict[str, int] = answer.json()
                return found
        return {}


def logged(environ: Mapping[str, str]) -> set[str]:
    """Return the ids that the log has."""
    code = (
        "from datetime import UTC, datetime, timedelta\n"
        "import os\n"
        "from config import read_config\n"
        "from monitor import open_replays\n"
        "from persistence.opening import open_registry\n"
        "config = read_config(os.environ)\n"
        "reader = open_replays(config, open_registry(**config.registry))._reader\n"
        "now = datetime.now(UTC)\n"
        "span = now - timedelta(days=1), now + timedelta(hours=1)\n"
        "for table in reader.tables('credit', *span, ['id']):\n"
        "    print('\\n'.join(table['id'].to_pylist()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=dict(environ), capture_output=True, check=True
    )
    return set(done.stdout.decode().split())


def dropped() -> dict[str, int]:
    """Return what /metrics counts of the log's rows, by outcome."""
    text = ask("GET", "/metrics").text
    found = re.findall(r'mirante_prediction_log_rows_total\{outcome="(\w+)"\} ([\d.]+)', text)
    return {name: int(float(count)) for name, count in found}


def the_week(service: Service, traffic: Traffic, challenger: str) -> None:
    """Go through the days."""
    with service.running() as master:
        for number, day in enumerate(DAYS):
            told = traffic.tell()
            traffic.send(day, ROWS // 2, number >= BROKEN)
            if day == "Thursday":
                kill(master, traffic, service.environ)
            traffic.send(f"{day}-later", ROWS // 2, number >= BROKEN)
            report(day, told, challenger)


def report(day: str, told: Mapping[str, int], challenger: str) -> None:
    """Print what the routes say at the end of a day."""
    # What came last is waited for ten seconds.
    due = (datetime.now(UTC) + timedelta(seconds=12)).isoformat()
    path = "/v0/models/credit/drift"
    wait(lambda: ask("GET", path).json().get("looked_at", "") > due, "drift", 120)
    drift = ask("GET", path).json()
    print(f"\n{day}: {told.get('accepted', 0)} truths of the day before")
    print(f"  drift: rows {drift['rows']}, labelled {drift['labelled']}, alarm {drift['alarm']}")
    for line in drift["said"]:
        print(f"    {line}")
    # Of another number of days each day: the same answer is given again for a minute.
    days = 7 + DAYS.index(day)
    for _ in range(TRIES):
        done = ask("GET", f"/v0/models/credit/performance?days={days}").json()
        if "metrics" in done:
            break
    auc = done.get("metrics", {}).get("roc_auc")
    shown = "no truth yet"
    if auc is not None:
        shown = "ROC AUC {value:.3f} ({low:.3f} to {high:.3f}), {holdout:.3f} on the hold-out"
        shown = shown.format(**auc)
    counts = f"{done.get('with_truth')} of {done.get('predictions')} with a truth"
    print(f"  performance: {done.get('detail') or f'{counts}: {shown}'}", flush=True)
    print(f"  replay: {replayed(challenger)}")


def replayed(challenger: str) -> str:
    """Replay the challenger, and return what is said."""
    path = f"/v0/models/credit/versions/{challenger}/replay"
    job = ask("POST", path, {"days": 7}).headers["Location"]
    wait(lambda: ask("GET", job).json()["state"] in ("succeeded", "failed"), "the replay", 90)
    found = ask("GET", job).json()
    return str(found.get("reason") or found.get("error"))


def kill(master: psutil.Process, traffic: Traffic, environ: Mapping[str, str]) -> None:
    """Kill the web processes in the middle of traffic, and say what the log has lost."""
    killed = time.monotonic()
    for process in workers(master):
        process.kill()
    wait(lambda: ask("GET", "/livez").ok, "a new process", 60)
    there = logged(environ)
    lost = {name for name in traffic.answered if name not in there}
    old = {name for name in lost if traffic.answered[name] < killed - 1.0}
    print(
        f"\nkill -9 of the web processes: of {len(traffic.answered)} rows answered so far "
        f"{len(lost)} are not in the log, {len(old)} of them answered over a second before"
    )


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Have a file system of 4 MB at a folder."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def the_disk(service: Service, traffic: Traffic, disk: Path) -> None:
    """Answer while another's file takes all that the log's disk has, and after it is gone."""
    with small_disk(disk), service.running():
        counted(traffic, "with room")
        with (disk / "another").open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        counted(traffic, "full")
        (disk / "another").unlink()
        counted(traffic, "with room again")
        there = logged(service.environ) & set(traffic.answered)
        print(f"the log has {len(there)} of them")


def counted(traffic: Traffic, name: str) -> None:
    """Send rows, and print what the log's counters made of them."""
    before, answered = dropped(), len(traffic.answered)
    traffic.send(f"disk-{name}".replace(" ", "-"), 1_000)
    time.sleep(2)
    counts = {key: count - before.get(key, 0) for key, count in dropped().items()}
    counts = {key: count for key, count in counts.items() if count}
    said = f"{len(traffic.answered) - answered} of 1000 rows answered, /metrics counts {counts}"
    print(f"a disk of 4 MB, {name}: {said}", flush=True)


def the_bucket(service: Service, traffic: Traffic) -> None:
    """Answer while the bucket is away, with room for less than what comes; then it is back."""
    with service.running():
        traffic.answered = {}
        for turn in range(8):
            traffic.send(f"away{turn}", 4_000)
            time.sleep(2.5)  # a segment a while
        time.sleep(2)
        counts = dropped()
        print(f"\nbucket away: {len(traffic.answered)} rows answered, /metrics counts {counts}")
        with bucket():
            wait(lambda: len(logged_elsewhere(service)) >= 0, "the bucket", 10)
            wait(lambda: caught_up(service), "what waited", 120)
            there = logged_elsewhere(service)
            print(
                f"bucket back: {len(there & set(traffic.answered))} rows are in it, "
                f"{counts.get('written', 0)} were written to the spool"
            )
            traffic.send("back", 300)
            wait(lambda: caught_up(service), "the last", 60)
            print(f"then: {len(logged_elsewhere(service))} rows are in it, after 300 more")


def caught_up(service: Service) -> bool:
    """Tell whether all that was written is in the bucket."""
    return len(logged_elsewhere(service)) >= dropped().get("written", 0)


def logged_elsewhere(service: Service) -> set[str]:
    """Return the ids that the bucket has, as another machine sees it."""
    return logged({**service.environ, "PREDICTION_LOG_SPOOL": "/nonexistent"})


@contextmanager
def bucket() -> Iterator[None]:
    """Run moto's S3 with an empty bucket."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(BUCKET_PORT)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{BUCKET_PORT}/week"
    try:
        wait(lambda: requests.put(url, timeout=5).ok, "the bucket", 60)
        yield
    finally:
        process.terminate()
        process.wait()


def main(parts: Sequence[str]) -> None:
    """Simulate the parts that are named: the week, a full disk, a bucket that is away."""
    chance = random.Random(11)
    learnt, other = halves(chance)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(learnt, folder / "half.csv")
        service = Service(folder, PREDICTION_LOG=str(folder / "log"))
        service.build("--recipe", "credit", "--data", str(folder / "half.csv"))
        traffic = Traffic(other, chance)
        if "week" in parts:
            more = ("--name", "credit", "--target", "approved", "--estimator", "boosting")
            service.build("--data", str(folder / "half.csv"), *more, "--promote", "never")
            the_week(service, traffic, versions(service))
        if "disk" in parts:
            disk = folder / "disk"
            one = Service(folder, PREDICTION_LOG=str(disk), WEB_CONCURRENCY="1", **NO_LOOKS)
            the_disk(one, Traffic(other, chance), disk)
        if "bucket" in parts:
            the_bucket(away(folder), Traffic(other, chance))


def away(folder: Path) -> Service:
    """Return a service whose log goes to a bucket, by a spool of one MiB."""
    return Service(
        folder,
        PREDICTION_LOG="s3://week/log",
        PREDICTION_LOG_SPOOL=str(folder / "spool"),
        PREDICTION_LOG_SPOOL_MB="1",
        PREDICTION_LOG_SECONDS="2",
        WEB_CONCURRENCY="1",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{BUCKET_PORT}",
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing-secret",
        **NO_LOOKS,
    )


def versions(service: Service) -> str:
    """Return the challenger's version."""
    with service.running():
        listed = ask("GET", "/v0/models/credit/versions").json()["versions"]
    return next(str(each["version"]) for each in listed if not each["champion"])


if __name__ == "__main__":
    main(sys.argv[1:] or ["week", "disk", "bucket"])
