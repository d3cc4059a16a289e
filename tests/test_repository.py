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
from pathlib import Path

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
    assert set(asked) <= settings | {"WEB_CONCURRENCY"}  # which gunicorn.conf.py reads
    assert all(entry["description"].endswith(".") for entry in asked.values())
    read_config(asked_settings(root))


def test_the_slug_builds_a_model_and_finds_it(slug: Path) -> None:
    settings = asked_settings(slug)
    settings["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    built = run("bin/post_compile", cwd=slug, **settings)
    assert built.returncode == 0, built.stderr
    found = run(sys.executable, "test_model.py", cwd=slug, **settings)
    assert found.returncode == 0, found.stderr
    # It is signed by the key that was asked for, and another one does not believe it.
    settings["SIGNING_KEY"] = secrets.token_hex(32)
    assert run(sys.executable, "test_model.py", cwd=slug, **settings).returncode == 1


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


def test_the_lock_is_that_of_the_pipfile(root: Path) -> None:
    verified = run(sys.executable, "-m", "pipenv", "verify", cwd=root)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_the_exports_say_what_the_lock_says(root: Path) -> None:
    checked = run(sys.executable, "bin/export_requirements", "--check", cwd=root)
    assert checked.returncode == 0, checked.stderr


def test_a_forgotten_export_is_noticed(clone: Path, tmp_path: Path) -> None:
    for name in ("Pipfile.lock", *(path.name for path in clone.glob("requirements*.txt"))):
        shutil.copy(clone / name, tmp_path)
    shutil.copytree(clone / "bin", tmp_path / "bin")
    lock = json.loads((tmp_path / "Pipfile.lock").read_text())
    lock["default"]["flask"]["version"] = "==0.1"
    lock["_meta"]["sources"] = [{"name": "a", "url": "an address", "verify_ssl": True}]
    (tmp_path / "Pipfile.lock").write_text(json.dumps(lock))
    checked = run(sys.executable, "bin/export_requirements", "--check", cwd=tmp_path)
    assert checked.returncode == 1
    assert "requirements.txt" in checked.stderr
    assert "Pipfile.lock does not say" in checked.stderr


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
    "playhouse": "peewee",
    "prometheus_client": "prometheus-client",
    "sklearn": "scikit-learn",
    "threadpoolctl": "scikit-learn",  # its own foundation
    "uvicorn_worker": "uvicorn-worker",
    "werkzeug": "flask",  # Flask's own foundation: never there without it
}
# Run as programs or chosen by name in a setting: no import shows them.
PROGRAMS = {"gunicorn", "honcho", "uvicorn", "uvloop", "httptools"}


def imported_packages(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level}
    return {name.partition(".")[0] for name in plain | froms}


def service_modules(root: Path) -> list[Path]:
    rooms = ("learning", "persistence", "serving", "jobs", "recipes")
    return [*root.glob("*.py"), *(path for room in rooms for path in root.glob(f"{room}/**/*.py"))]


def declared_packages(root: Path, *categories: str) -> set[str]:
    pipfile = tomllib.loads((root / "Pipfile").read_text())
    return {name for category in categories for name in pipfile[category]}


SERVICE = ("packages", "s3", "catboost", "grpc")


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
    made = run(programs / "make", "run", cwd=clone, PATH=str(programs))
    assert made.returncode != 0
    assert "Mirante needs Python 3.11" in made.stderr


def test_python_is_the_same_everywhere(root: Path) -> None:
    version = (root / ".python-version").read_text().strip()
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    lock = json.loads((root / "Pipfile.lock").read_text())
    assert version == lock["_meta"]["requires"]["python_version"]
    assert version == pyproject["tool"]["mypy"]["python_version"]
    assert version == f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize("name", ["bin/post_compile", "bin/export_requirements", ".ci/run"])
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


def test_no_room_reads_the_environment(root: Path) -> None:
    reading = re.compile(r"\bos\.environ\b|\bgetenv\b")
    rooms = ("learning", "persistence", "serving", "jobs", "recipes")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for room in rooms
        for path in root.glob(f"{room}/**/*.py")
        for line in path.read_text().splitlines()
        if reading.search(line)
    ]
    assert found == []
