"""The images, built and run by a Docker engine; compose.yaml brought up by Compose."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from config import Config
from tests.conftest import ROOT, require
from tests.engine import INSTALL_ENGINE, Engine, base_image, can_run_engine, docker_engine
from tests.servers import INSTALL_POSTGRES, find_postgres, free_port, wait_until

HADOLINT = Path(sys.executable).parent / "hadolint"
TARGETS = ("web", "grpc", "sagemaker", "loans")
VERSION = re.findall(r"^FROM python:(\S+)-slim", (ROOT / "Dockerfile").read_text(), re.M)[0]
REQUIREMENTS = [ROOT / f"requirements-{part}.txt" for part in ("grpc", "catboost")]
SECRET = "planted: it must not get into an image"
SECRETS = [
    *(".env", ".git/config", "bin/server.pem", "data/owner.key", "keys/signing.pem"),
    *("models/credit/artifact", "server.crt", "serving/.env", "var/api_keys"),
]
# As compose.yaml has them, for one container.
HARDENED = shlex.split(
    "--read-only --tmpfs=/tmp --tmpfs=/app/var --cap-drop=ALL --security-opt=no-new-privileges"
)
STORED = ("--volume=models:/app/models", "--volume=keys:/app/keys")
OFTEN = ("--health-interval=1s",)
# On a busy machine, for what takes two seconds on an idle one.
PATIENCE = 90.0

Build = Callable[[str], str]


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_hadolint_finds_nothing():
    require(HADOLINT.exists(), "hadolint", "pip install -r requirements-dev.txt")
    done = subprocess.run([HADOLINT, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_python_of_the_images_is_one_that_is_supported():
    supported = (ROOT / "bin/export_requirements").read_text()
    assert f'"{VERSION}"' in supported


def test_every_package_is_let_into_the_build():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    admitted = set((ROOT / ".dockerignore").read_text().split())
    assert {f"!{name}" for name in packages["root_packages"]} <= admitted


# ---------------------------------------------------------------- built and run


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    require(can_run_engine(), "a Docker engine for the tests", INSTALL_ENGINE)
    with docker_engine() as engine, base_image(engine, VERSION, REQUIREMENTS):
        engine.output("network", "create", "tests")
        yield engine


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that nobody but its owner can read, as people have them: with their secrets."""
    copy = tmp_path_factory.mktemp("checkout") / "mirante"
    left = shutil.ignore_patterns(".venv", ".git", ".*_cache", ".hypothesis", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=left, symlinks=True)
    for name in SECRETS:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(SECRET)
    for path in copy.rglob("*"):
        path.chmod(path.stat().st_mode & ~0o077)
    return copy


@pytest.fixture(scope="module")
def build(engine: Engine, checkout: Path) -> Iterator[Build]:
    """Build every target beside the tests; what is returned waits for one and gives its image."""

    def make(target: str) -> str:
        image = f"mirante:{target}"
        # The service is what is built when no target is named.
        named = () if target == "web" else (f"--target={target}",)
        engine.output("build", "--quiet", "--network=host", f"--tag={image}", *named, checkout)
        return image

    with ThreadPoolExecutor() as pool:
        making = {target: pool.submit(make, target) for target in TARGETS}
        yield lambda target: making[target].result()


@contextmanager
def running(engine: Engine, image: str, *options: str, command: str = "") -> Iterator[str]:
    """Run a container as hardened as it can be until the block ends; gives its name."""
    given = ["--detach", "--network=tests", *HARDENED, *OFTEN, *options]
    name = engine.output("run", *given, image, *shlex.split(command))
    try:
        yield name
    finally:
        engine.output("rm", "--force", name)


def state(engine: Engine, name: str) -> dict[str, Any]:
    return json.loads(engine.output("inspect", "--format={{json .State}}", name))


def wait_until_healthy(engine: Engine, name: str) -> None:
    """Wait for what the image's own health check says."""

    def healthy() -> bool:
        found = state(engine, name)
        assert found["Running"], engine.run("logs", name)
        return found["Health"]["Status"] == "healthy"

    wait_until(healthy, f"{name} to be healthy", PATIENCE)


def stop(engine: Engine, name: str) -> int:
    """Stop a container as `docker stop` does, and return its exit code; 137 is a kill."""
    engine.output("stop", "--time=30", name)
    return state(engine, name)["ExitCode"]


def address(engine: Engine, name: str, port: int) -> str:
    """Return where the host reaches a published port."""
    return f"http://{engine.output('port', name, str(port)).splitlines()[0]}"


def train(engine: Engine, image: str, words: str) -> None:
    command = ("python", "build_model.py", *shlex.split(words))
    engine.output("run", "--rm", "--network=none", *HARDENED, *STORED, image, *command)


def applicant() -> dict[str, Any]:
    """Return the first row of the credit table."""
    with (ROOT / "data/credit.csv").open(newline="") as table:
        row = next(csv.DictReader(table))
    del row["approved"]
    return {name: int(cell) if cell.isdigit() else cell for name, cell in row.items()}


def test_the_service_fills_an_empty_store_serves_and_stops(engine, build):
    with running(engine, build("web"), *STORED, "--publish=127.0.0.1::8000") as name:
        wait_until_healthy(engine, name)
        url = address(engine, name, 8000)
        answer = requests.post(f"{url}/v0/predict", json=applicant(), timeout=30)
        assert answer.status_code == 200, answer.text
        logs = engine.run("logs", name)
        assert "telemetry" not in logs.stdout + logs.stderr
        assert stop(engine, name) == 0


def test_the_service_is_healthy_behind_tls_and_on_another_port(engine, build, tmp_path):
    files = ("--cert", tmp_path / "server.crt", "--key", tmp_path / "server.key")
    subprocess.run([sys.executable, ROOT / "bin/make_certificate", *files], check=True)
    # The service's user in the container is nobody that the host knows.
    (tmp_path / "server.key").chmod(0o644)
    tmp_path.chmod(0o755)
    command = "gunicorn --certfile /tls/server.crt --keyfile /tls/server.key app:asgi"
    options = (*STORED, f"--volume={tmp_path}:/tls:ro", "--env=PORT=9000")
    with running(engine, build("web"), *options, command=command) as name:
        wait_until_healthy(engine, name)


def test_an_image_holds_no_secret_and_its_user_can_write_nowhere_but_where_it_keeps_things(
    engine, build
):
    def printed(words: str, user: str = "1000") -> list[str]:
        given = ("run", "--rm", f"--user={user}", "--network=none", build("web"))
        return sorted(engine.run(*given, *shlex.split(words)).stdout.split())

    kept = "/app /etc /home /opt /root /srv /tmp /var"
    assert printed(f"grep --recursive --files-with-matches '{SECRET}' {kept}", "0") == []
    assert printed("find /app /opt/venv -writable -not -type l") == [
        *("/app/keys", "/app/models", "/app/var")
    ]
    assert printed("find /app /opt/venv -not -readable") == []
    assert (
        printed("find /app /opt /root /tmp /home -name '*.whl' -o -path '*/pip/http*'", "0") == []
    )


def test_the_grpc_service_is_healthy_and_stops(engine, build):
    train(engine, build("web"), "--recipe iris")
    with running(engine, build("grpc"), *STORED) as name:
        wait_until_healthy(engine, name)
        assert stop(engine, name) == 0


def test_the_loans_image_trains_and_serves_catboost(engine, build):
    train(engine, build("loans"), "--recipe loans --set iterations=5")
    options = (*STORED, "--env=MODELS=loans", "--publish=127.0.0.1::8989")
    with running(engine, build("loans"), *options) as name:
        wait_until_healthy(engine, name)
        ready = requests.get(f"{address(engine, name, 8989)}/readyz", timeout=30)
        assert ready.status_code == 200, ready.text
        assert stop(engine, name) == 0


def test_sagemakers_image_trains_and_serves(engine, build, tmp_path):
    (tmp_path / "input/config").mkdir(parents=True)
    (tmp_path / "input/config/hyperparameters.json").write_text('{"recipe": "iris"}')
    for name in ("model", "output"):
        (tmp_path / name).mkdir()
    mounted = f"--volume={tmp_path}:/opt/ml"
    image = build("sagemaker")
    engine.output("run", "--rm", "--network=none", *HARDENED, mounted, image, "train")
    bound = ("--env=SAGEMAKER_BIND_TO_PORT=8090", "--publish=127.0.0.1::8090")
    with running(engine, image, mounted, *bound) as name:
        wait_until_healthy(engine, name)
        assert requests.get(f"{address(engine, name, 8090)}/ping", timeout=30).status_code == 200
        assert stop(engine, name) == 0


@pytest.mark.parametrize("target", ["web", "sagemaker"])
def test_lightgbm_is_loaded_where_tables_are_learnt(engine, build, target):
    command = ("python", "-c", "import lightgbm; print('loaded')")
    assert engine.output("run", "--rm", "--network=none", build(target), *command) == "loaded"


def test_who_runs_in_an_image(engine, build):
    # By number, so that whoever runs it can see that it is not root's.
    users = {
        target: engine.output("inspect", "--format={{.Config.User}}", build(target))
        for target in TARGETS
    }
    assert users == {"web": "1000", "grpc": "1000", "sagemaker": "0", "loans": "1000"}


# ---------------------------------------------------------------- compose.yaml

# What the tests put in the place of the image of PostgreSQL: the base image with the machine's own
# server over it, started as the real image starts its own.
DATABASE = """
set -e
install --directory --owner=postgres /run/postgresql "$PGDATA"
as="setpriv --reuid=postgres --regid=postgres --clear-groups"
if ! [ -e "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" >/password
    $as initdb --username="$POSTGRES_USER" --pwfile=/password --auth=scram-sha-256 \
        --encoding=UTF8 --no-sync
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "create database $POSTGRES_DB" | $as postgres --single postgres
fi
exec $as postgres -c "listen_addresses=*"
"""


def replaced(folder: Path, programs: Path) -> dict[str, Any]:
    """Return what replaces parts of compose.yaml where no image can be pulled."""
    (folder / "start").write_text(DATABASE)
    mounted = [f"{folder}/start:/start:ro", "/usr:/usr:ro", "/etc/passwd:/etc/passwd:ro"]
    database = {
        "image": f"python:{VERSION}-slim",
        "entrypoint": ["sh", "/start"],
        "volumes": [*mounted, "/etc/group:/etc/group:ro"],
        "environment": {
            "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PGDATA": "/var/lib/postgresql/data",
        },
    }
    images = {"model": "web", "web": "web", "worker": "web", "grpc": "grpc"}
    return {
        "services": {name: {"image": f"mirante:{target}"} for name, target in images.items()}
        | {"database": database}
    }


class Project:
    """compose.yaml under Compose, with another image for the database and free ports."""

    def __init__(self, engine: Engine, folder: Path, token: str) -> None:
        self.port = free_port()
        self.engine = engine
        self.environ = engine.environment | {
            "COMPOSE_PROJECT_NAME": "mirante",
            # What would mean something in an address.
            "POSTGRES_PASSWORD": "p@ss/w:rd%20#?",
            "API_KEYS": f"tests:train:{hashlib.sha256(token.encode()).hexdigest()}",
            "PORT": str(self.port),
            "GRPC_PORT": str(free_port()),
        }
        self.files = [f"--file={ROOT / 'compose.yaml'}", f"--file={folder / 'replaced.yaml'}"]

    def run(self, *words: str) -> str:
        """Run Compose, and return what it prints; it must do well."""
        done = subprocess.run(
            ["docker-compose", *self.files, *words],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:] + self.logs()
        return done.stdout

    def logs(self) -> str:
        """Return the last lines of every container."""
        names = self.engine.output("ps", "--all", "--format={{.Names}}").split()
        shown = {name: self.engine.run("logs", "--tail=20", name) for name in names}
        return "\n".join(f"{name}:\n{log.stdout}{log.stderr}" for name, log in shown.items())

    def container(self, service: str) -> str:
        """Return a service's container, running or not."""
        return self.engine.output("ps", "--all", "--quiet", f"--filter=name=mirante_{service}_")


TOKEN = "mirante_" + "0" * 43


@pytest.fixture(scope="module")
def project(engine, build, tmp_path_factory) -> Iterator[Project]:
    programs = find_postgres()
    require(programs is not None, "PostgreSQL", INSTALL_POSTGRES)
    assert programs is not None
    folder = tmp_path_factory.mktemp("compose")
    (folder / "replaced.yaml").write_text(yaml.safe_dump(replaced(folder, programs)))
    build("web"), build("grpc")
    project = Project(engine, folder, TOKEN)
    try:
        project.run("up", "--detach", "--no-build")
        yield project
    finally:
        project.run("down", "--volumes")


def test_what_compose_brings_up_predicts_and_trains(project):
    url = f"http://127.0.0.1:{project.port}"
    wait_until(lambda: answers(url), "the service", PATIENCE)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    order = {"recipe": "iris", "promote": "always"}
    asked = requests.post(f"{url}/v0/train", json=order, headers=headers, timeout=30)
    assert asked.status_code == 202, asked.text
    job = f"{url}{asked.headers['Location']}"

    def ended() -> bool:
        state = requests.get(job, headers=headers, timeout=30).json()
        assert state["state"] in ("queued", "running", "succeeded"), state
        return state["state"] == "succeeded"

    wait_until(ended, "the worker to train", PATIENCE)
    wait_until_healthy(project.engine, project.container("grpc"))
    wait_until_healthy(project.engine, project.container("web"))
    codes = {name: stop(project.engine, project.container(name)) for name in own_services()}
    assert codes == dict.fromkeys(own_services(), 0)


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def own_services() -> list[str]:
    return [name for name, service in services().items() if "build" in service]


def test_containers_run_what_dynos_run():
    lines = [line.partition(":") for line in (ROOT / "Procfile").read_text().splitlines()]
    last = re.findall(r"^CMD (.*)$", dockerfile(), re.M)[-1]
    for name, _, command in lines:
        assert services()[name].get("command", json.loads(last)) == command.split()


def test_compose_sets_what_can_be_set():
    fields = {name.upper() for name in Config.__struct_fields__} | {"PGPASSWORD"}
    for name in own_services():
        assert set(services()[name]["environment"]) <= fields, name


def test_compose_listens_on_the_loopback_alone():
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_sagemakers_executables_can_be_executed():
    for name in ("serve", "train", "healthcheck"):
        assert os.access(ROOT / "bin" / name, os.X_OK)
