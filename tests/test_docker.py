"""The images, without an engine: what is copied, what is run, and whether that runs alone."""

from __future__ import annotations

import fnmatch
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from config import Config
from tests.conftest import require
from tests.servers import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("web", "sagemaker", "grpc", "loans")
HADOLINT = Path(sys.executable).parent / "hadolint"


class Instruction(NamedTuple):
    """One instruction of a stage, its lines joined."""

    word: str
    text: str


def stages() -> dict[str, list[Instruction]]:
    """Return the instructions of every stage, FROM included."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text()).replace("\\\n", " ")
    found: dict[str, list[Instruction]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = found.setdefault(rest.split(" AS ")[1], [])
        stage.append(Instruction(word, " ".join(rest.split())))
    return found


STAGES = stages()


def lineage(target: str) -> list[Instruction]:
    """Return a target's instructions after those of the stages that it is made from."""
    base = STAGES[target][0].text.split(" AS ")[0]
    return (lineage(base) if base in STAGES else []) + STAGES[target][1:]


def copied(target: str) -> list[str]:
    """Return the paths of this tree that a target copies."""
    words = [i.text.split() for i in lineage(target) if i.word == "COPY"]
    return [path for copy in words if not copy[0].startswith("--from") for path in copy[:-1]]


def variables(target: str) -> dict[str, str]:
    """Return a target's environment."""
    pairs = [shlex.split(i.text) for i in lineage(target) if i.word == "ENV"]
    return dict(pair.split("=", 1) for words in pairs for pair in words)


def last(target: str, word: str) -> str:
    return [i.text for i in lineage(target) if i.word == word][-1]


def command(target: str) -> list[str]:
    return json.loads(last(target, "CMD"))


def is_ignored(path: Path) -> bool:
    """Tell whether .dockerignore keeps a path out of the build, as the last matching line says."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if line.startswith("#") or not line:
            continue
        names = path.parts if line.startswith("**/") else path.parts[:1]
        if any(fnmatch.fnmatch(name, pattern) for name in names):
            ignored = not line.startswith("!")
    return ignored


def test_hadolint_finds_nothing():
    require(HADOLINT.exists(), "hadolint", "pip install -r requirements-dev.txt")
    done = subprocess.run([HADOLINT, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("target", TARGETS)
def test_every_path_that_is_copied_is_there_and_not_ignored(target):
    paths = [
        *copied(target),
        *(f"{i.text.split()[0]}" for i in STAGES["installed"] if i.word == "COPY"),
    ]
    for path in paths:
        assert (ROOT / path).exists(), path
        assert not is_ignored(Path(path)), path


@pytest.mark.parametrize(
    "path",
    ["keys/signing.pem", ".env", "models/credit", "server.key", ".git/config", "var/api_keys"],
)
def test_nothing_secret_can_get_into_an_image(path):
    assert is_ignored(Path(path))


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_is_slim_and_its_command_is_a_process_of_its_own(target):
    base = STAGES["base"][0].text
    assert base.startswith("python:3.11-slim")
    assert "3.11" in (ROOT / ".python-version").read_text()
    # Exec form: no shell stands between the engine's signals and the process.
    assert isinstance(command(target), list)
    assert json.loads(last(target, "HEALTHCHECK").partition("CMD ")[2])[0] == "healthcheck"
    installs = [i for name in STAGES for i in STAGES[name] if "pip install" in i.text]
    assert installs
    assert all("--no-cache-dir" in i.text for i in installs)
    assert not any("pip install" in i.text for i in lineage(target))


@pytest.mark.parametrize("target", [t for t in TARGETS if t != "sagemaker"])
def test_an_image_does_not_run_as_root(target):
    # By number, so that whoever runs it can see that it is not root's.
    assert int(last(target, "USER")) > 0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out what the web image has: the files that it copies, a python with its requirements."""
    folder = tmp_path_factory.mktemp("image")
    for path in copied("web"):
        source, target = ROOT / path, folder / "app" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, ignore=skipped)
        else:
            shutil.copy2(source, target)
    venv.create(folder / "venv", symlinks=True, with_pip=False)
    fill(folder / "venv", ROOT / "requirements.txt")
    return folder


def fill(made: Path, requirements: Path) -> None:
    """Put into an environment what the requirements pin, out of the one under test."""
    site = next((made / "lib").glob("python*/site-packages"))
    for line in requirements.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, version = line.partition("==")
        found = importlib.metadata.distribution(name.partition("[")[0])
        assert found.version == version, f"{line}: {found.version} is installed"
        for file in found.files or ():
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.exists():
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                (site / file).symlink_to(source)
        for script in found.entry_points.select(group="console_scripts"):
            write_script(made / "bin" / script.name, made, script.module, script.attr)


def write_script(path: Path, made: Path, module: str, attribute: str) -> None:
    call = f"import sys\nfrom {module} import {attribute}\nsys.exit({attribute}())\n"
    path.write_text(f"#!{made}/bin/python\n{call}")
    path.chmod(0o755)


def environment(image: Path, target: str, **more: str) -> dict[str, str]:
    path = f"{image}/venv/bin:{image}/app/bin:/usr/bin:/bin"
    return {**variables(target), "HOST": "127.0.0.1", "HOME": str(image), "PATH": path, **more}


def in_image(image: Path, words: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=image / "app",
        env=environment(image, "web", **environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_web_images_commands_run_with_its_requirements_alone(image):
    port = str(free_port())
    unwanted = in_image(image, ["python", "-c", "import pytest"])
    assert unwanted.returncode != 0, "the environment has more than the requirements"
    built = in_image(image, ["python", "build_model.py", "--set", "n_estimators=5"])
    assert built.returncode == 0, built.stderr
    check = json.loads(last("web", "HEALTHCHECK").partition("CMD ")[2])
    assert in_image(image, check, PORT=port).returncode == 1
    with (image / "log").open("wb") as log:
        process = subprocess.Popen(
            command("web"),
            cwd=image / "app",
            env=environment(image, "web", PORT=port),
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(
            lambda: in_image(image, check, PORT=port).returncode == 0, f"the service ({log.name})"
        )
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_target_runs_is_copied_or_installed(target):
    program, *arguments = command(target)
    scripts = {path.name for path in (ROOT / "bin").iterdir()}
    assert program in scripts | {"python", "gunicorn"}
    for argument in arguments:
        if argument.endswith(".py"):
            assert argument in copied(target)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def own(compose: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, s) for name, s in compose["services"].items() if "build" in s)


def processes() -> dict[str, list[str]]:
    """Return the Procfile's commands by their names."""
    lines = [line.partition(":") for line in (ROOT / "Procfile").read_text().splitlines()]
    return {name: command.split() for name, _, command in lines}


def test_containers_run_what_dynos_run(compose):
    for name, words in processes().items():
        service = compose["services"][name]
        assert service.get("command", command(service["build"]["target"])) == words


def test_compose_publishes_the_ports_that_are_listened_on(compose):
    for name, service in own(compose):
        target = service["build"]["target"]
        exposed = {i.text for i in lineage(target) if i.word == "EXPOSE"}
        for port in service.get("ports", ()):
            assert port.rpartition(":")[2] in exposed, name
    assert str(Config().grpc_port) == last("grpc", "EXPOSE")


def test_compose_builds_targets_that_there_are_and_waits_for_services_that_there_are(compose):
    services = compose["services"]
    # Every process of the Procfile, and the one that no dyno's router reaches.
    assert {*processes(), "grpc", "database"} <= services.keys()
    for name, service in services.items():
        if "build" in service:
            assert service["build"]["target"] in STAGES
        else:
            assert re.search(r":\d", service["image"]), f"{name}: an image needs its version"
        for wanted, how in service.get("depends_on", {}).items():
            assert wanted in services
            if how["condition"] == "service_healthy":
                assert "test" in services[wanted]["healthcheck"]
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in compose["volumes"]


def test_compose_sets_what_can_be_set_and_has_no_secret_of_its_own(compose):
    fields = {name.upper() for name in Config.__struct_fields__}
    text = (ROOT / "compose.yaml").read_text()
    assert "POSTGRES_PASSWORD:?" in text
    for name, service in own(compose):
        assert set(service["environment"]) <= fields, name
        assert service["read_only"] is True
        for word in service.get("command", ()):
            if word.endswith(".py"):
                assert word in copied("web")


def test_compose_listens_on_the_loopback_alone(compose):
    for _, service in compose["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_sagemakers_image_has_its_executables_on_the_path():
    path = variables("sagemaker")["PATH"].split(":")
    assert "/app/bin" in path
    for name in ("serve", "train", "healthcheck"):
        assert os.access(ROOT / "bin" / name, os.X_OK)
