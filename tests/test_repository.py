"""The files around the code: what is installed, what Heroku gets, what make says."""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import Config, read_config

IGNORED_FOLDERS = {".git", ".venv", "models", "keys", "var"}

# What Heroku's Python buildpack takes for a package manager's file.
PACKAGE_MANAGERS = {
    "pip": {"requirements.txt"},
    "pipenv": {"Pipfile", "Pipfile.lock"},
    "poetry": {"poetry.lock"},
    "uv": {"uv.lock"},
}


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def slug_patterns(root: Path) -> list[str]:
    lines = (root / ".slugignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def copy_of(root: Path, folder: Path) -> Path:
    """Copy the tree as a clone would have it: without what is made on this machine."""

    def unwanted(directory: str, names: list[str]) -> set[str]:
        made_here = {"__pycache__", ".environments", "work", "catboost_info"}
        if Path(directory) == root:
            made_here |= IGNORED_FOLDERS
        return made_here & set(names) | {name for name in names if name.endswith("_cache")}

    shutil.copytree(root, folder, ignore=unwanted)
    return folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(__file__).resolve().parent.parent
    return copy_of(root, tmp_path_factory.mktemp("clone") / "tree")


@pytest.fixture(scope="module")
def slug(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that Heroku builds: without what .slugignore names."""
    folder = tmp_path_factory.mktemp("slug") / "app"
    shutil.copytree(clone, folder)
    for pattern in slug_patterns(clone):
        assert pattern.startswith("/"), f"{pattern} would match in any folder"
        for path in folder.glob(pattern.removeprefix("/")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def managers_of(folder: Path) -> set[str]:
    names = {path.name for path in folder.iterdir()}
    return {manager for manager, files in PACKAGE_MANAGERS.items() if files & names}


def test_the_slug_has_the_files_of_one_package_manager(clone: Path, slug: Path) -> None:
    assert managers_of(clone) == {"pip", "pipenv"}
    assert managers_of(slug) == {"pipenv"}
    assert {"Pipfile", "Pipfile.lock", ".python-version", "Procfile"} <= set(os.listdir(slug))


def asked_settings(folder: Path) -> dict[str, str]:
    """Return the settings that a new application is given, as app.json asks for them."""
    asked = json.loads((folder / "app.json").read_text())["env"]
    secret = secrets.token_hex(32)  # 64 hex digits, as Heroku's generator makes them
    values = {n: secret if e.get("generator") else e.get("value") for n, e in asked.items()}
    return {name: value for name, value in values.items() if value}


def test_app_json_asks_for_settings_that_there_are(root: Path) -> None:
    asked = json.loads((root / "app.json").read_text())["env"]
    settings = {field.upper() for field in Config.__struct_fields__}
    assert set(asked) <= settings
    assert all(entry["description"].endswith(".") for entry in asked.values())
    read_config(asked_settings(root))


def test_the_slug_has_all_that_its_processes_import(slug: Path) -> None:
    lines = (slug / "Procfile").read_text().splitlines()
    commands = [line.partition(":")[2].split() for line in lines if line]
    modules = {"app", "build_model", "config", "serving.http.gunicorn_worker"} | {
        word.removesuffix(".py") for command in commands for word in command if ".py" in word
    }
    imported = run(sys.executable, "-c", f"import {', '.join(sorted(modules))}", cwd=slug)
    assert imported.returncode == 0, imported.stderr


def test_gunicorn_accepts_its_settings(root: Path) -> None:
    checked = run(sys.executable, "-m", "gunicorn", "--check-config", "app:asgi", cwd=root)
    assert checked.returncode == 0, checked.stderr


def gunicorn_settings(root: Path, **environ: str) -> dict[str, str]:
    """Return gunicorn's settings as it prints them."""
    printed = run(
        sys.executable, "-m", "gunicorn", "--print-config", "app:asgi", cwd=root, **environ
    )
    assert printed.returncode == 0, printed.stderr
    return dict(re.findall(r"^(\w+) += (.*)$", printed.stdout, re.MULTILINE))


def test_a_desk_is_not_a_dyno(root: Path) -> None:
    desk = gunicorn_settings(root, PORT="8123", DYNO="", HOST="")
    assert desk["bind"] == "['127.0.0.1:8123']"
    assert desk["forwarded_allow_ips"] == "['127.0.0.1', '::1']"


def test_a_dyno_answers_its_router(root: Path) -> None:
    dyno = gunicorn_settings(root, PORT="8123", DYNO="web.1", HOST="", WEB_CONCURRENCY="3")
    assert dyno["bind"] == "['0.0.0.0:8123']"
    assert dyno["workers"] == "3"
    assert dyno["forwarded_allow_ips"] == "['10.0.0.0/8']"
    assert dyno["control_socket_disable"] == "True"
    assert int(dyno["graceful_timeout"]) < 30
    assert int(dyno["keepalive"]) > 90


def test_vertex_s_port_wins_over_the_image_s(root: Path) -> None:
    vertex = gunicorn_settings(root, PORT="8000", HOST="0.0.0.0", AIP_HTTP_PORT="8080")
    assert vertex["bind"] == "['0.0.0.0:8080']"


def run_where_nothing_is_set(
    *command: str | Path, cwd: Path, home: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run in the environment of a machine that says nothing of pip, as a dyno's build does."""
    bare = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PIP_CONFIG_FILE": os.devnull,  # nor does /etc/pip.conf
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=bare | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def packages(clone: Path, tmp_path: Path) -> Path:
    """The files that say what is installed, and the script that makes them, to be changed."""
    folder = tmp_path / "packages"
    folder.mkdir()
    names = ("Pipfile", "Pipfile.lock", *(path.name for path in clone.glob("requirements*.txt")))
    for name in names:
        shutil.copy(clone / name, folder)
    shutil.copytree(clone / "bin", folder / "bin")
    return folder


def change_lock(packages: Path, change: Callable[[dict[str, Any]], object]) -> None:
    lock = json.loads((packages / "Pipfile.lock").read_text())
    change(lock)
    (packages / "Pipfile.lock").write_text(json.dumps(lock, indent=4, sort_keys=True) + "\n")


def export(packages: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "bin/export_requirements", *arguments, cwd=packages, **environ)


def verify(packages: Path, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "pipenv", "verify")
    return run_where_nothing_is_set(*command, cwd=packages, home=home, **environ)


def test_the_lock_is_that_of_the_pipfile_on_any_machine(packages: Path, tmp_path: Path) -> None:
    verified = verify(packages, tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    # What this test is about: pipenv makes pip's settings a part of the hash.
    settings = {"PIP_INDEX_URL": "https://mirror.example/simple"}
    assert verify(packages, tmp_path, **settings).returncode == 1


def test_a_lock_made_behind_a_mirror_is_made_portable(packages: Path, tmp_path: Path) -> None:
    before = (packages / "Pipfile.lock").read_text()

    def make_behind_a_mirror(lock: dict[str, Any]) -> None:
        lock["_meta"]["hash"]["sha256"] = "0" * 64
        lock["_meta"]["sources"] = [{"name": "a", "url": "an address", "verify_ssl": True}]
        lock["default"]["flask"]["index"] = "a"
        lock["an older category"] = {"flask": lock["default"]["flask"]}

    change_lock(packages, make_behind_a_mirror)
    assert verify(packages, tmp_path).returncode == 1
    exported = export(packages, PIP_INDEX_URL="https://mirror.example/simple")
    assert exported.returncode == 0, exported.stderr
    assert (packages / "Pipfile.lock").read_text() == before
    assert verify(packages, tmp_path).returncode == 0


def test_the_exports_say_what_the_lock_says(root: Path) -> None:
    checked = export(root, "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_forgotten_export_is_noticed(packages: Path) -> None:
    change_lock(packages, lambda lock: lock["default"]["flask"].update(version="==0.1"))
    checked = export(packages, "--check")
    assert checked.returncode == 1
    assert checked.stderr.startswith("requirements.txt is not what `make lock` writes")


def test_a_forgotten_lock_is_noticed(packages: Path) -> None:
    with (packages / "Pipfile").open("a") as pipfile:
        pipfile.write('\n[another]\nflask = "*"\n')
    checked = export(packages, "--check")
    assert checked.returncode == 1
    assert checked.stderr.startswith("Pipfile.lock is not what `make lock` writes")


def test_a_lock_that_the_oldest_python_cannot_install_is_refused(packages: Path) -> None:
    marker = "python_version >= '3.12'"
    change_lock(packages, lambda lock: lock["default"]["numpy"].update(markers=marker))
    refused = export(packages)
    assert refused.returncode == 1
    assert "Python 3.11 cannot install numpy" in refused.stderr


def test_what_a_newer_python_goes_without_keeps_its_marker(packages: Path) -> None:
    marker = "python_version < '3.14'"
    change_lock(packages, lambda lock: lock["default"]["tqdm"].update(markers=marker))
    assert export(packages).returncode == 0
    lines = (packages / "requirements.txt").read_text().splitlines()
    assert [line.partition("; ")[2] for line in lines if line.startswith("tqdm==")] == [marker]
    assert sum(";" in line for line in lines[1:]) == 1


def test_one_version_of_each_package(root: Path) -> None:
    lock = json.loads((root / "Pipfile.lock").read_text())
    versions: dict[str, set[str]] = {}
    for category in lock.keys() - {"_meta"}:
        for name, package in lock[category].items():
            versions.setdefault(name, set()).add(package["version"])
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_no_file_names_a_package_index(root: Path) -> None:
    assert json.loads((root / "Pipfile.lock").read_text())["_meta"]["sources"] == []
    for path in (root / "Pipfile", root / "Pipfile.lock", *root.glob("requirements*.txt")):
        text = path.read_text()
        assert "://" not in text, path.name
        assert not re.search(r"^\s*(-i|--\w*index|--find-links)", text, re.MULTILINE), path.name


def test_what_is_installed_is_what_is_locked(root: Path) -> None:
    lock = json.loads((root / "Pipfile.lock").read_text())
    listed = run(sys.executable, "-m", "pip", "list", "--format=json", cwd=root)
    installed = {
        re.sub(r"[-_.]+", "-", package["name"]).lower(): package["version"]
        for package in json.loads(listed.stdout)
    }
    wanted = {name: package["version"][2:] for name, package in lock["default"].items()}
    assert {name: installed.get(name) for name in wanted} == wanted


# How a package that is imported is called in the Pipfile, where the names differ.
DISTRIBUTIONS = {
    "google": "protobuf",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "jinja2": "flask",  # its own templates
    "markupsafe": "flask",
    "opentelemetry": "opentelemetry-sdk",
    "playhouse": "peewee",
    "prometheus_client": "prometheus-client",
    "scipy": "scikit-learn",  # its own foundation
    "sklearn": "scikit-learn",
    "threadpoolctl": "scikit-learn",  # its own foundation
    "uvicorn_worker": "uvicorn-worker",
    "werkzeug": "flask",  # Flask's own foundation: never there without it
    "xgboost": "xgboost-cpu",
    "yaml": "pyyaml",
}
# Run as programs or chosen by name in a setting: no import shows them.
PROGRAMS = {"gunicorn", "honcho", "uvicorn", "uvloop", "httptools"}


def imported_packages(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level}
    return {name.partition(".")[0] for name in plain | froms}


ROOMS = (
    "tables",
    "learning",
    "persistence",
    "monitoring",
    "scoring",
    "serving",
    "jobs",
    "recipes",
)


def service_modules(root: Path) -> list[Path]:
    return [*root.glob("*.py"), *(path for room in ROOMS for path in root.glob(f"{room}/**/*.py"))]


def declared_packages(root: Path, *categories: str) -> set[str]:
    pipfile = tomllib.loads((root / "Pipfile").read_text())
    return {name for category in categories for name in pipfile[category]}


SERVICE = ("packages", "dask", "s3", "catboost", "xgboost", "grpc", "otel")


@pytest.mark.parametrize("categories", [SERVICE, (*SERVICE, "dev-packages")])
def test_every_import_is_declared(root: Path, categories: tuple[str, ...]) -> None:
    modules = service_modules(root) if categories == SERVICE else [*root.glob("clients/*.py")]
    ours = {path.stem for path in (*root.glob("*.py"), *root.glob("clients/*.py"))}
    ours |= {path.parent.name for path in root.glob("*/*.py")}
    found = set().union(*(imported_packages(path) for path in modules))
    third_party = found - ours - set(sys.stdlib_module_names)
    named = {DISTRIBUTIONS.get(name, name) for name in third_party}
    assert named <= declared_packages(root, *categories)


def test_nobody_installs_what_is_not_used(root: Path) -> None:
    found = set().union(*(imported_packages(path) for path in service_modules(root)))
    used = {DISTRIBUTIONS.get(name, name) for name in found} | PROGRAMS
    assert declared_packages(root, "packages") <= used


def test_make_alone_lists_every_target(root: Path) -> None:
    listed = run("make", "--silent", cwd=root).stdout
    makefile = (root / "makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    for target in " ".join(phony).split():
        assert f"make {target} " in listed


def test_make_does_not_install_again(root: Path) -> None:
    if not (root / ".venv" / ".dev").exists():
        pytest.skip("the tests do not run in make's own .venv: make test")
    planned = run("make", "--dry-run", "test", cwd=root)
    assert "pip install" not in planned.stdout
    touched = run("make", "--dry-run", "--what-if=requirements.txt", "test", cwd=root)
    assert "-r requirements.txt" in touched.stdout


def test_make_says_which_python_is_missing(clone: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "test", "touch", "make"):
        (programs / name).symlink_to(shutil.which(name) or name)
    none = {"PATH": str(programs), "PYENV_ROOT": str(tmp_path)}
    made = run(programs / "make", "run", cwd=clone, **none)
    assert made.returncode != 0
    assert "Mirante needs a Python from 3.11 to 3.14" in made.stderr


def test_a_python_that_does_not_run_is_passed_over(root: Path, tmp_path: Path) -> None:
    for name, line in (("shims", "exit 127"), ("real", f'exec "{sys.executable}" "$@"')):
        (tmp_path / name).mkdir()
        program = tmp_path / name / "python3.11"
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    path = {"PATH": f"{tmp_path}/shims:{tmp_path}/real", "PYENV_ROOT": str(tmp_path)}
    found = run(root / "bin/find_python", "python3.14", "python3.11", cwd=root, **path)
    assert found.stdout.strip() == sys.executable, found.stderr


def test_the_oldest_python_is_the_same_everywhere(root: Path) -> None:
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    script = (root / "bin/export_requirements").read_text()
    pythons = re.search(r'^PYTHONS = \("(.*)"\)$', script, re.MULTILINE)
    assert pythons is not None
    oldest, *_, newest = pythons[1].split('", "')
    assert pyproject["tool"]["mypy"]["python_version"] == oldest
    assert pyproject["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert (root / ".python-version").read_text() == f"{newest}\n"
    # pipenv refuses every Python but the required one.
    assert "requires" not in tomllib.loads((root / "Pipfile").read_text())


@pytest.mark.parametrize(
    "name",
    [
        "bin/pre_compile",
        "bin/post_compile",
        "bin/find_python",
        "bin/export_requirements",
        ".ci/run",
    ],
)
def test_scripts_can_be_run(root: Path, name: str) -> None:
    assert os.access(root / name, os.X_OK)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(path: Path) -> list[Function]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function)]


def lines_of(function: Function) -> int:
    """Count the lines of a function's body, without its docstring and the functions inside it."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    inner = [node for node in ast.walk(function) if isinstance(node, Function)]
    direct = [f for f in inner if f in body]
    whole = (body[-1].end_lineno or 0) - body[0].lineno + 1
    return whole - sum((f.end_lineno or 0) - f.lineno + 1 for f in direct)


def test_no_function_is_above_forty_lines(root: Path) -> None:
    long = [
        f"{path.relative_to(root)}:{function.lineno} {function.name} {lines_of(function)}"
        for path in service_modules(root)
        if not path.stem.endswith(("_pb2", "_pb2_grpc"))  # written by protoc
        for function in functions_of(path)
        if lines_of(function) > 40
    ]
    assert long == []


# Modules without a test file of their name, and why.
UNTESTED = {
    "learning/learnt.py": "a tuple: nothing is computed",
    "learning/prediction.py": "a type and a protocol: every runtime's tests call it",
    "learning/task.py": "an abstract class: tests/learning/tasks has its tasks",
    "serving/pages/page.py": "tuples: tests of the blueprint and of each page have them",
    "serving/recorded.py": "a tuple: nothing is computed",
}


def test_every_module_of_the_rooms_has_a_test_file_of_its_name(root: Path) -> None:
    modules = [path.relative_to(root) for room in ROOMS for path in root.glob(f"{room}/**/*.py")]
    without = {
        str(path)
        for path in (*modules, *(path.relative_to(root) for path in root.glob("*.py")))
        if path.name not in ("__init__.py", "gunicorn.conf.py")  # settings: tested above
        and not path.stem.endswith(("_pb2", "_pb2_grpc"))  # written by protoc
        and not (root / "tests" / path.parent / f"test_{path.name}").is_file()
    }
    assert without == set(UNTESTED)


def test_no_room_reads_the_environment(root: Path) -> None:
    # What a library reads when it is imported may be set for it; R's stands in code that is shown.
    reading = re.compile(r"\bos\.environ\b(?!\.setdefault\()|(?<!Sys\.)\bgetenv\b")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for room in ROOMS
        for path in root.glob(f"{room}/**/*.py")
        for line in path.read_text().splitlines()
        if reading.search(line)
    ]
    assert found == []
